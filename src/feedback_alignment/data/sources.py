"""Data sources: what each offers, so that a config is checked before any data are made."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback_alignment.data.digits import TRAINING_SAMPLES

TEACHER_STUDENT = "teacher_student"


@dataclass(frozen=True)
class Source:
    """What a data source offers.

    Attributes:
        samples: number of training samples.
        dimension: number of inputs.
        classes: number of classes, which is the number of outputs of a network.
        shared: whether all replicates have the same data; else each draws its own.
        digest: SHA-256 of a user's file; empty for the sources that come with the project.
    """

    samples: int
    dimension: int
    classes: int
    shared: bool
    digest: str = ""


# Teacher-student data have as many samples and inputs as are asked for, and one output.
SOURCES: Mapping[str, Source] = {
    TEACHER_STUDENT: Source(0, 0, 1, shared=False),
    "digits": Source(TRAINING_SAMPLES, 64, 10, shared=False),
    "digits_in_order": Source(TRAINING_SAMPLES, 64, 10, shared=True),
    "mnist": Source(60_000, 784, 10, shared=True),
}


def inspect_arrays(path: Path) -> Source:
    """What a user's own file offers.

    Args:
        path: an `.npz` as `arrays.load_arrays` reads it.

    Raises:
        DataError: the file or what is in it does not fit; one line with the file and the key.
    """
    from feedback_alignment.data.arrays import load_arrays

    data = load_arrays(path)
    samples, dimension = data.inputs_train.shape
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Source(samples, dimension, data.classes, shared=True, digest=digest)


def file_of(data_sources: Mapping[str, Mapping[str, Any]], data: str) -> Path | None:
    """Where a source's file or folder lies, if the config says so.

    Args:
        data_sources: the config's section of that name.
        data: name of the source.
    """
    entry = data_sources.get(data, {})
    place = entry.get("directory") if data == "mnist" else entry.get("file")
    return None if place is None else Path(place).expanduser()
