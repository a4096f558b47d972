"""The steps that make labelled data ready, against scikit-learn and by hand."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA

from feedback_alignment.data.digits import load_digits
from feedback_alignment.data.preparation import (
    Classification,
    DataError,
    centre_features,
    first,
    hold_out,
    one_hot,
    project,
    standardise,
)


@functools.cache
def digits():
    return load_digits(np.random.default_rng(5))


def made(inputs_train, inputs_test, classes=3):
    inputs_train, inputs_test = np.array(inputs_train, float), np.array(inputs_test, float)
    labels = [np.arange(len(part)) % classes for part in (inputs_train, inputs_test)]
    return Classification(inputs_train, labels[0], inputs_test, labels[1], classes)


def rows(inputs, labels):
    return sorted(map(tuple, np.column_stack([inputs, labels])))


def assert_same(data, other):
    for field in ("inputs_train", "labels_train", "inputs_test", "labels_test", "classes"):
        np.testing.assert_array_equal(getattr(data, field), getattr(other, field))


def test_one_hot_has_a_one_at_the_class():
    targets = one_hot(np.array([2, 0, 2]), 4)
    np.testing.assert_array_equal(targets, [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 0]])
    assert targets.dtype == np.float64


def test_centred_features_have_mean_zero_and_one_common_deviation():
    raw, data = digits(), centre_features(digits())
    np.testing.assert_allclose(data.inputs_train.mean(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose(data.inputs_train.std(), 1, rtol=1e-13)
    mean = raw.inputs_train.mean(axis=0)
    deviation = (raw.inputs_train - mean).std()
    np.testing.assert_allclose(data.inputs_train * deviation + mean, raw.inputs_train, atol=1e-12)
    np.testing.assert_allclose(data.inputs_test * deviation + mean, raw.inputs_test, atol=1e-12)


def test_standardised_inputs_have_mean_zero_and_deviation_one_over_all_features():
    raw, data = digits(), standardise(digits())
    mean, deviation = raw.inputs_train.mean(), raw.inputs_train.std()
    for part in ("inputs_train", "inputs_test"):
        expected = (getattr(raw, part) - mean) / deviation
        np.testing.assert_allclose(getattr(data, part), expected, atol=1e-13)


def test_scaling_by_hand():
    data = made([[0, 2], [4, 6]], [[1, 1]])
    np.testing.assert_allclose(
        standardise(data).inputs_train, np.array([[-3, -1], [1, 3]]) / np.sqrt(5), rtol=1e-15
    )
    np.testing.assert_allclose(standardise(data).inputs_test, [[-2 / np.sqrt(5)] * 2], rtol=1e-15)
    np.testing.assert_allclose(centre_features(data).inputs_train, [[-1, -1], [1, 1]], rtol=1e-15)
    np.testing.assert_allclose(centre_features(data).inputs_test, [[-0.5, -1.5]], rtol=1e-15)


@pytest.mark.parametrize("scale", [centre_features, standardise])
@pytest.mark.parametrize("value", [0.0, 0.1, 7.3e5])
def test_inputs_that_do_not_vary_cannot_be_scaled(scale, value):
    with pytest.raises(DataError, match="do not vary"):
        scale(made(np.full((7, 3), value), np.ones((2, 3))))


STEPS = {
    "centre_features": centre_features,
    "standardise": standardise,
    "project": lambda data: project(data, 5),
    "first": lambda data: first(data, 15),
    "hold_out": lambda data: hold_out(data, 15, np.random.default_rng(0)),
}


@pytest.mark.parametrize("step", STEPS)
def test_steps_leave_what_they_are_given_alone(step):
    given = load_digits(np.random.default_rng(5))
    STEPS[step](given)
    assert_same(given, load_digits(np.random.default_rng(5)))


@pytest.mark.parametrize("step", ["centre_features", "standardise", "project"])
def test_scaling_knows_nothing_of_the_test_part(step):
    given = digits()
    other = Classification(
        given.inputs_train,
        given.labels_train,
        given.inputs_test[:9] * 3 + 1,
        given.labels_test[:9],
        10,
    )
    scaled, unlike = STEPS[step](given), STEPS[step](other)
    np.testing.assert_array_equal(scaled.inputs_train, unlike.inputs_train)


def test_first_takes_the_first_of_the_training_part():
    data = first(digits(), 15)
    np.testing.assert_array_equal(data.inputs_train, digits().inputs_train[:15])
    np.testing.assert_array_equal(data.labels_train, digits().labels_train[:15])
    np.testing.assert_array_equal(data.inputs_test, digits().inputs_test)
    np.testing.assert_array_equal(data.labels_test, digits().labels_test)
    assert data.classes == 10


def test_all_can_be_the_first():
    assert_same(first(digits(), 1437), digits())


@pytest.mark.parametrize("samples", [-1, 0, 1438])
def test_first_of_none_or_more_than_there_are_is_one_line(samples):
    message = f"cannot take the first {samples} of 1437 training samples; allowed: 1 to 1437"
    with pytest.raises(DataError, match=f"^{message}$"):
        first(digits(), samples)


@pytest.mark.parametrize("samples", [15, 150, 1437])
def test_projection_is_principal_component_analysis(samples):
    data = first(centre_features(digits()), samples)
    dimensions = min(16, samples - 1)
    found = project(data, dimensions)
    oracle = PCA(dimensions, svd_solver="full").fit(data.inputs_train)
    expected = oracle.transform(data.inputs_train), oracle.transform(data.inputs_test)
    signs = np.sign((expected[0] * found.inputs_train).sum(axis=0))
    np.testing.assert_allclose(found.inputs_train, expected[0] * signs, atol=1e-10)
    np.testing.assert_allclose(found.inputs_test, expected[1] * signs, atol=1e-10)
    np.testing.assert_array_equal(found.labels_train, data.labels_train)


def test_the_largest_weight_of_each_component_is_positive():
    given = digits()
    # The mean moved by each unit vector is projected to that feature's weights.
    moved = given.inputs_train.mean(axis=0) + np.eye(64)
    weights = project(replace(given, inputs_test=moved), 16).inputs_test
    np.testing.assert_allclose(weights.T @ weights, np.eye(16), atol=1e-10)
    assert np.all(weights.max(axis=0) > -weights.min(axis=0))


def test_projection_by_hand():
    data = project(made([[0, 0], [1, -3], [2, -6]], [[1, 0]]), 1)
    np.testing.assert_allclose(data.inputs_train[:, 0], np.sqrt(10) * np.array([1, 0, -1]))
    np.testing.assert_allclose(data.inputs_test[:, 0], 9 / np.sqrt(10))


@pytest.mark.parametrize(("samples", "limit"), [(15, 15), (1437, 64)])
@pytest.mark.parametrize("beyond", [True, False])
def test_too_many_or_no_components_are_one_line(samples, limit, beyond):
    dimensions = limit + 1 if beyond else 0
    with pytest.raises(DataError, match=rf"^cannot keep {dimensions} .* allowed: 1 to {limit}, "):
        project(first(digits(), samples), dimensions)


def test_hold_out_splits_the_training_part_alone():
    data, given = hold_out(digits(), 200, np.random.default_rng(3)), digits()
    assert data.labels_train.shape == (1237,)
    assert data.labels_test.shape == (200,)
    parts = rows(data.inputs_train, data.labels_train) + rows(data.inputs_test, data.labels_test)
    assert sorted(parts) == rows(given.inputs_train, given.labels_train)


def test_hold_out_keeps_the_order_and_follows_the_generator():
    given = made(np.arange(40).reshape(20, 2), [[0, 0]])
    data = hold_out(given, 6, np.random.default_rng(3))
    assert np.all(np.diff(data.inputs_train[:, 0]) > 0)
    assert np.all(np.diff(data.inputs_test[:, 0]) > 0)
    assert_same(data, hold_out(given, 6, np.random.default_rng(3)))
    other = hold_out(given, 6, np.random.default_rng(4))
    assert not np.array_equal(data.inputs_test, other.inputs_test)


@pytest.mark.parametrize("samples", [-1, 0, 1437])
def test_holding_out_none_or_all_is_one_line(samples):
    message = f"cannot hold out {samples} of 1437 training samples; allowed: 1 to 1436"
    with pytest.raises(DataError, match=f"^{message}$"):
        hold_out(digits(), samples, np.random.default_rng(0))
