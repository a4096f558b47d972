"""Data sets as training reads them: one split a replicate, or one set for all."""

import numpy as np
import pytest

from feedback_alignment.data.digits import load_digits
from feedback_alignment.data.draw import draw, loader
from feedback_alignment.data.preparation import (
    DataError,
    centre_features,
    one_hot,
    project,
    standardise,
)
from feedback_alignment.data.sources import SOURCES
from feedback_alignment.streams import Streams

DIGITS = {
    "data": "digits",
    "scaling": "centred",
    "samples": 1437,
    "dimension": 64,
    "validation_samples": 0,
    "dtype": "float64",
}


def made(replicates, **changes):
    settings = DIGITS | changes
    return draw(settings, 3, replicates, loader(settings["data"], None, {}))


def test_each_replicate_has_its_own_split_whoever_is_beside_it():
    alone, block = made([5]), made([2, 5])
    for name, array in block.items():
        assert np.array_equal(array[1], alone[name][0])
    assert not np.array_equal(block["inputs"][0], block["inputs"][1])
    expected = centre_features(load_digits(Streams(3).generator(5, "data")))
    assert np.array_equal(alone["inputs"][0], expected.inputs_train)
    assert np.array_equal(alone["targets_test"][0], one_hot(expected.labels_test, 10))


def test_digits_in_order_are_shared_and_those_of_the_file():
    found = made(None, data="digits_in_order", samples=15)
    whole = load_digits(None)
    assert found["inputs"].shape == (15, 64)
    assert found["targets"].argmax(axis=1).tolist() == whole.labels_train[:15].tolist()
    assert found["targets"].argmax(axis=1).tolist() == [*range(10), *range(5)]
    # Scaled by all training digits, and cut afterwards.
    assert np.array_equal(found["inputs"], centre_features(whole).inputs_train[:15])
    assert found["inputs_test"].shape == (360, 64)


def test_inputs_are_scaled_and_projected_by_the_training_part():
    plain = load_digits(Streams(3).generator(0, "data"))
    assert np.array_equal(
        made([0], scaling="standardised")["inputs"][0], standardise(plain).inputs_train
    )
    small = made([0], samples=150, dimension=16)
    data = centre_features(plain)
    data = project(
        type(data)(data.inputs_train[:150], data.labels_train[:150], data.inputs_test,
                   data.labels_test, 10), 16,
    )  # fmt: skip
    assert np.array_equal(small["inputs"][0], data.inputs_train)
    assert np.array_equal(small["inputs_test"][0], data.inputs_test)


def test_held_out_samples_are_training_samples_that_nothing_else_knows():
    found, whole = (
        made([0], validation_samples=100, samples=1337, scaling="none"),
        made([0], scaling="none"),
    )
    held, rest, known = (
        {row.tobytes() for row in rows}
        for rows in (found["inputs_test"][0], found["inputs"][0], whole["inputs"][0])
    )
    assert len(found["inputs_test"][0]) == 100
    assert held | rest == known
    scaled = made([0], validation_samples=100, samples=1337)["inputs"][0]
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    assert scaled.std() == pytest.approx(1)


def test_arrays_have_the_floating_point_type_of_the_run():
    assert {array.dtype for array in made([0], dtype="float32").values()} == {np.dtype("float32")}


@pytest.mark.parametrize("name", ["digits", "digits_in_order"])
def test_sources_tell_the_truth(name):
    data = loader(name, None, {})(np.random.default_rng(0))
    assert data.inputs_train.shape == (SOURCES[name].samples, SOURCES[name].dimension)
    assert data.classes == SOURCES[name].classes


def test_an_own_file_that_does_not_fit_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no\.npz: there is no such file"):
        draw(DIGITS | {"data": "mine"}, 0, None, loader("mine", tmp_path / "no.npz", {}))


def test_mnist_is_read_from_the_folder_that_the_config_names(tmp_path):
    with pytest.raises(DataError, match="the MNIST directory must name one with train-images"):
        loader("mnist", tmp_path / "none", {})(np.random.default_rng(0))
    environ = {"FEEDBACK_ALIGNMENT_MNIST": str(tmp_path / "none")}
    with pytest.raises(DataError, match="FEEDBACK_ALIGNMENT_MNIST must name one"):
        loader("mnist", None, environ)(np.random.default_rng(0))
