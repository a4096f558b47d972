"""The digits: all of them, split as said."""

import functools

import numpy as np
from sklearn import datasets

from feedback_alignment.data.digits import load_digits


@functools.cache
def digits():
    return load_digits(np.random.default_rng(5))


def rows(inputs, labels):
    return sorted(map(tuple, np.column_stack([inputs, labels])))


def test_digits_are_split_1437_to_360():
    data = digits()
    assert data.inputs_train.shape == (1437, 64)
    assert data.inputs_test.shape == (360, 64)
    assert data.inputs_train.dtype == data.inputs_test.dtype == np.float64
    assert data.labels_train.shape == (1437,)
    assert data.labels_test.shape == (360,)
    assert data.labels_train.dtype == data.labels_test.dtype == np.int64
    assert data.classes == 10


def test_the_split_holds_every_digit_once_with_its_label():
    data = digits()
    inputs, labels = datasets.load_digits(return_X_y=True)
    parts = rows(data.inputs_train, data.labels_train) + rows(data.inputs_test, data.labels_test)
    assert sorted(parts) == rows(inputs, labels)


def test_the_split_follows_the_generator():
    again = load_digits(np.random.default_rng(5))
    np.testing.assert_array_equal(digits().inputs_train, again.inputs_train)
    np.testing.assert_array_equal(digits().labels_test, again.labels_test)
    other = load_digits(np.random.default_rng(6))
    assert not np.array_equal(digits().labels_train, other.labels_train)


def test_the_split_mixes_the_writers():
    inputs, _ = datasets.load_digits(return_X_y=True)
    last = set(map(tuple, inputs[1437:]))
    found = sum(tuple(row) in last for row in digits().inputs_test)
    # 360 of 1797 are from the end of the file: 72 expected, standard deviation 7.
    assert 40 < found < 104
