"""A user's arrays are taken over as they are, or refused with one line that names the key."""

import hashlib
import re

import numpy as np
import pytest

from feedback_alignment.data.own import KEYS, inspect_own, load_own
from feedback_alignment.data.preparation import DataError


def arrays(**changed):
    rng = np.random.default_rng(1)
    given = {
        "inputs_train": rng.standard_normal((6, 3)),
        "labels_train": np.array([2, 0, 1, 1, 0, 2]),
        "inputs_test": rng.standard_normal((2, 3)),
        "labels_test": np.array([0, 2]),
    }
    return {key: value for key, value in (given | changed).items() if value is not None}


def write(tmp_path, **changed):
    path = tmp_path / "own.npz"
    np.savez(path, **arrays(**changed))
    return path


def test_arrays_come_back_as_they_were(tmp_path):
    data, given = load_own(write(tmp_path)), arrays()
    for key in KEYS:
        np.testing.assert_array_equal(getattr(data, key), given[key])
    assert data.classes == 3


@pytest.mark.parametrize("inputs", [np.uint8, np.int64, np.float32, np.float64, bool])
@pytest.mark.parametrize("labels", [np.uint8, np.int32, np.uint64])
def test_real_numbers_and_integers_of_any_kind_become_float64_and_int64(tmp_path, inputs, labels):
    kinds = {key: inputs if key.startswith("inputs") else labels for key in KEYS}
    data = load_own(write(tmp_path, **{k: arrays()[k].astype(t) for k, t in kinds.items()}))
    assert {getattr(data, key).dtype for key in KEYS if "inputs" in key} == {np.dtype(np.float64)}
    assert {getattr(data, key).dtype for key in KEYS if "labels" in key} == {np.dtype(np.int64)}


def test_further_keys_and_a_test_part_without_some_classes_are_fine(tmp_path):
    path = write(tmp_path, names=np.array(["a", "b", "c"]), labels_test=np.array([1, 1]))
    assert load_own(path).classes == 3


WITH_NAN = np.zeros((6, 3))
WITH_NAN[4, 1] = np.nan
WRONG = {
    "missing key": (
        {"labels_test": None},
        "the key labels_test is missing; needed: inputs_train, labels_train, inputs_test, "
        "labels_test; found: inputs_train, labels_train, inputs_test",
    ),
    "images": (
        {"inputs_train": np.zeros((6, 8, 8))},
        "inputs_train: must have the shape (samples, dimensions), both at least 1, not (6, 8, 8)",
    ),
    "no samples": (
        {"inputs_test": np.zeros((0, 3)), "labels_test": np.zeros(0, int)},
        "inputs_test: must have the shape (samples, dimensions), both at least 1, not (0, 3)",
    ),
    "text": (
        {"inputs_train": np.full((6, 3), "x")},
        "inputs_train: must hold real numbers, not <U1",
    ),
    "complex": (
        {"inputs_test": np.zeros((2, 3), complex)},
        "inputs_test: must hold real numbers, not complex128",
    ),
    "objects": (
        {"inputs_train": np.full((6, 3), None)},
        "inputs_train: not an array of numbers "
        "(Object arrays cannot be loaded when allow_pickle=False)",
    ),
    "nan": (
        {"inputs_train": WITH_NAN},
        "inputs_train: must be finite; 1 of 6 samples are not, the first is sample 4",
    ),
    "infinite": (
        {"inputs_test": np.full((2, 3), np.inf)},
        "inputs_test: must be finite; 2 of 2 samples are not, the first is sample 0",
    ),
    "other dimension": (
        {"inputs_test": np.zeros((2, 4))},
        "inputs_train has 3 dimensions, inputs_test has 4; they must have as many",
    ),
    "fewer labels": (
        {"labels_train": np.array([0, 1, 2])},
        "inputs_train has 6 samples, labels_train has 3; they must have as many",
    ),
    "fewer test labels": (
        {"labels_test": np.array([0])},
        "inputs_test has 2 samples, labels_test has 1; they must have as many",
    ),
    "one-hot labels": (
        {"labels_test": np.eye(3, dtype=int)[:2]},
        "labels_test: must have the shape (samples,), not (2, 3)",
    ),
    "real labels": (
        {"labels_train": np.array([2.0, 0, 1, 1, 0, 2])},
        "labels_train: must hold integers, not float64",
    ),
    "truth labels": (
        {"labels_test": np.array([True, False])},
        "labels_test: must hold integers, not bool",
    ),
    "negative labels": (
        {"labels_train": np.array([-1, 0, 1, 1, 0, 2])},
        "labels_train: must be 0 or more, not -1",
    ),
    "labels from 1": (
        {"labels_train": np.array([1, 2, 3, 3, 2, 1])},
        "labels_train: has 3 classes, so they must be 0 to 2; 0 is missing",
    ),
    "a class left out": (
        {"labels_train": np.array([0, 1, 3, 3, 1, 0])},
        "labels_train: has 3 classes, so they must be 0 to 2; 2 is missing",
    ),
    "one class": (
        {"labels_train": np.zeros(6, int), "labels_test": np.zeros(2, int)},
        "labels_train: must have two classes or more, not 1",
    ),
    "class only in the test part": (
        {"labels_test": np.array([0, 3])},
        "labels_test: 3 is not among labels_train, 0 to 2",
    ),
    "huge label": (
        {"labels_test": np.array([0, 2**63], dtype=np.uint64)},
        "labels_test: 9223372036854775808 is not among labels_train, 0 to 2",
    ),
}


def refusal(path):
    with pytest.raises(DataError) as caught:
        load_own(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_one_line(tmp_path, case):
    changed, message = WRONG[case]
    assert refusal(write(tmp_path, **changed)) == message


def test_a_missing_file_a_folder_and_other_files_are_one_line_each(tmp_path):
    whole = write(tmp_path).read_bytes()
    assert refusal(tmp_path / "none.npz") == "there is no such file"
    assert refusal(tmp_path) == "cannot be read: Is a directory"
    path = tmp_path / "cut.npz"
    for content in (b"", b"not arrays", whole[: len(whole) // 2]):
        path.write_bytes(content)
        assert refusal(path) == "not an .npz file, or cut off; write it with numpy.savez"
    np.save(tmp_path / "one.npy", np.zeros(3))
    assert refusal(tmp_path / "one.npy").startswith("not an .npz file")


def test_a_file_that_python_cannot_unpack_is_one_line(tmp_path):
    path = write(tmp_path)
    content = bytearray(path.read_bytes())
    # The flags of each entry, in the file's directory: encrypted.
    for found in re.finditer(rb"PK\x01\x02", bytes(content)):
        content[found.start() + 8] |= 1
    path.write_bytes(content)
    assert re.match(r"cannot be read: .*encrypted", refusal(path))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_file_is_one_line(tmp_path, save):
    path = tmp_path / "own.npz"
    save(path, **arrays())
    content = bytearray(path.read_bytes())
    # In the middle of the first array's data.
    for at in range(170, 200):
        content[at] ^= 0xFF
    path.write_bytes(content)
    assert re.match("the file is damaged|inputs_train: ", refusal(path))


def test_what_a_file_offers_is_known_before_any_training(tmp_path):
    path = write(tmp_path)
    source = inspect_own(path)
    assert (source.samples, source.dimension, source.classes, source.shared) == (6, 3, 3, True)
    assert source.digest == hashlib.sha256(path.read_bytes()).hexdigest()
