"""A user's own data: arrays in an `.npz` file, checked."""

import hashlib
import zipfile
import zlib
from pathlib import Path

import numpy as np

from feedback_alignment.data.preparation import Classification, DataError
from feedback_alignment.data.sources import Source

KEYS = ("inputs_train", "labels_train", "inputs_test", "labels_test")


def load_own(path: Path) -> Classification:
    """Load a user's arrays.

    Args:
        path: an `.npz` with the keys of `KEYS`: inputs (N, d) and (M, d), finite numbers; labels
            (N,) and (M,), integers from 0 to C - 1, each of them in the training part. Other keys
            are not read.

    Raises:
        DataError: the file or what is in it does not fit; one line with the file and the key.
    """
    arrays = _read(path)
    for part in ("train", "test"):
        _check_inputs(f"{path}: inputs_{part}", arrays[f"inputs_{part}"])
        _check_labels(f"{path}: labels_{part}", arrays[f"labels_{part}"])
        samples, labels = len(arrays[f"inputs_{part}"]), len(arrays[f"labels_{part}"])
        if samples != labels:
            raise DataError(
                f"{path}: inputs_{part} has {samples} samples, labels_{part} has {labels}; "
                "they must have as many"
            )
    train, test = arrays["inputs_train"].shape[1], arrays["inputs_test"].shape[1]
    if train != test:
        raise DataError(
            f"{path}: inputs_train has {train} dimensions, inputs_test has {test}; "
            "they must have as many"
        )
    return Classification(
        arrays["inputs_train"].astype(np.float64),
        arrays["labels_train"].astype(np.int64),
        arrays["inputs_test"].astype(np.float64),
        arrays["labels_test"].astype(np.int64),
        _count_classes(path, arrays["labels_train"], arrays["labels_test"]),
    )


def inspect_own(path: Path) -> Source:
    """What a user's own file offers.

    Raises:
        DataError: the file or what is in it does not fit; one line with the file and the key.
    """
    data = load_own(path)
    samples, dimension = data.inputs_train.shape
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Source(samples, dimension, data.classes, shared=True, digest=digest)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        if not zipfile.is_zipfile(path):
            Path(path).open("rb").close()
            raise DataError(f"{path}: not an .npz file, or cut off; write it with numpy.savez")
        with np.load(path, allow_pickle=False) as archive:
            for key in KEYS:
                if key not in archive.files:
                    raise DataError(
                        f"{path}: the key {key} is missing; needed: {', '.join(KEYS)}; "
                        f"found: {', '.join(archive.files) or 'none'}"
                    )
            return {key: _read_array(path, archive, key) for key in KEYS}
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise DataError(f"{path}: the file is damaged; write it again") from None
    except (RuntimeError, MemoryError) as error:
        # Encrypted, compressed in a way that Python lacks, or larger than the memory.
        problem = " ".join(str(error).split()) or "it does not fit into the memory"
        raise DataError(f"{path}: cannot be read: {problem}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None


def _read_array(path: Path, archive: np.lib.npyio.NpzFile, key: str) -> np.ndarray:
    try:
        array = archive[key]
    except ValueError as error:
        problem = " ".join(str(error).split())
        raise DataError(f"{path}: {key}: not an array of numbers ({problem})") from None
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: {key}: not an array of numbers; write the file with numpy.savez")
    return array


def _check_inputs(place: str, inputs: np.ndarray) -> None:
    if inputs.dtype.kind not in "biuf":
        raise DataError(f"{place}: must hold real numbers, not {inputs.dtype}")
    if inputs.ndim != 2 or not inputs.size:
        raise DataError(
            f"{place}: must have the shape (samples, dimensions), both at least 1, "
            f"not {inputs.shape}"
        )
    broken = np.flatnonzero(~np.isfinite(inputs).all(axis=1))
    if broken.size:
        raise DataError(
            f"{place}: must be finite; {broken.size} of {len(inputs)} samples are not, "
            f"the first is sample {broken[0]}"
        )


def _check_labels(place: str, labels: np.ndarray) -> None:
    if labels.dtype.kind not in "iu":
        raise DataError(f"{place}: must hold integers, not {labels.dtype}")
    if labels.ndim != 1 or not labels.size:
        raise DataError(f"{place}: must have the shape (samples,), not {labels.shape}")
    if labels.min() < 0:
        raise DataError(f"{place}: must be 0 or more, not {labels.min()}")


def _count_classes(path: Path, train: np.ndarray, test: np.ndarray) -> int:
    present = np.unique(train)
    classes = len(present)
    if classes < 2:
        raise DataError(f"{path}: labels_train: must have two classes or more, not {classes}")
    if present[-1] != classes - 1:
        missing = int(np.flatnonzero(present != np.arange(classes))[0])
        raise DataError(
            f"{path}: labels_train: has {classes} classes, so they must be 0 to {classes - 1}; "
            f"{missing} is missing"
        )
    if test.max() >= classes:
        raise DataError(
            f"{path}: labels_test: {test.max()} is not among labels_train, 0 to {classes - 1}"
        )
    return classes
