"""Data sources: what each offers, so that a config is checked before any data are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Drawn by the project, as many samples and inputs as are asked for, with one output.
SYNTHETIC = ("teacher_student", "linear_teacher", "noise")


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


SOURCES: Mapping[str, Source] = {
    **{name: Source(0, 0, 1, shared=False) for name in SYNTHETIC},
    "digits": Source(1437, 64, 10, shared=False),
    "digits_in_order": Source(1437, 64, 10, shared=True),
    "mnist": Source(60_000, 784, 10, shared=True),
}


def file_of(data_sources: Mapping[str, Mapping[str, Any]], data: str) -> Path | None:
    """Where a source's file or folder lies, if the config says so.

    Args:
        data_sources: the config's section of that name.
        data: name of the source.
    """
    entry = data_sources.get(data, {})
    place = entry.get("directory") if data == "mnist" else entry.get("file")
    return None if place is None else Path(place).expanduser()
