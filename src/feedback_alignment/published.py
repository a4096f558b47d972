"""Values that a paper's authors published, from tidy CSV files."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from feedback_alignment.errors import InputError

_OWN = ("step", "metric", "layer", "mean", "sd", "n")
_TEXT = ("activation",)


@dataclass(frozen=True)
class PublishedPoint:
    """A published mean over runs.

    Attributes:
        settings: the settings that the file names, by column.
        metric: the metric, as in the tables.
        layer: its layer; empty for the whole network.
        step: the step it is of; None for the end of the runs.
        mean: mean over runs.
        sd: standard deviation over runs; None where it is not published.
        n: number of runs.
    """

    settings: Mapping[str, str | float | int]
    metric: str
    layer: str
    step: int | None
    mean: float
    sd: float | None
    n: int


def read_published(path: Path) -> tuple[PublishedPoint, ...]:
    """Read published values.

    Raises:
        InputError: the file cannot be used; one line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return tuple(_point(row) for row in csv.DictReader(stream))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: is no file of published values") from None


def _point(row: Mapping[str, str]) -> PublishedPoint:
    return PublishedPoint(
        settings={k: v if k in _TEXT else float(v) for k, v in row.items() if k not in _OWN},
        metric=row["metric"],
        layer=row["layer"],
        step=int(row["step"]) if row.get("step") else None,
        mean=float(row["mean"]),
        sd=float(row["sd"]) if row.get("sd") else None,
        n=int(row["n"]),
    )
