"""Published values: small tidy tables, `resources/published/`, checked when read."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from feedback_alignment.errors import InputError, nearest
from feedback_alignment.rows import Row, read_rows
from feedback_alignment.settings import COLUMN_TYPES

if TYPE_CHECKING:
    import pandas as pd

# The settings that may be columns, and the columns beside them.
_SETTINGS = {name: kind for name, (kind, _) in COLUMN_TYPES.items() if kind is not bool}
COLUMNS = ("step", "metric", "layer", "mean", "sd", "n")


@dataclass(frozen=True)
class PublishedPoint:
    """One published value: a mean over runs.

    Attributes:
        settings: the settings that tell this point from others of its table, by name.
        metric: name of the quantity, as in the tidy tables.
        layer: its layer, as in the tidy tables; empty for the whole network.
        step: training steps done; None where the table has no steps.
        mean: mean over the runs.
        sd: standard deviation over the runs (divisor n - 1); None where it is not known.
        n: number of runs.
    """

    settings: Mapping[str, str | int | float]
    metric: str
    layer: str
    step: int | None
    mean: float
    sd: float | None
    n: int


def published_table(name: str) -> "pd.DataFrame":
    """A table of published values: a column for each setting, `metric`, `mean`, `sd`, `n`, ...

    It lies in the project, or in the copy that a job runs.

    Raises:
        InputError: there is none of that name, or it is malformed.
    """
    import pandas as pd

    folders = [folder / "resources/published" for folder in Path(__file__).parents[1:3]]
    there = {path.stem: path for folder in folders for path in sorted(folder.glob("*.csv"))}
    if name not in there:
        raise InputError(
            f'unknown table of published values "{name}"{nearest(name, there)}; '
            f"allowed: {', '.join(there)}"
        )
    rows = [{**point.settings, **asdict(point)} for point in read_published(there[name])]
    return pd.DataFrame(rows).drop(columns="settings").dropna(axis=1, how="all")


def read_published(path: Path) -> tuple[PublishedPoint, ...]:
    """Read a table of published values.

    It is a CSV file with the columns `metric`, `mean`, `n`, and any of `step`, `layer`, `sd` and
    settings.

    Raises:
        InputError: one line that names the file, the line and the column.
    """
    rows = read_rows(path, ("metric", "mean", "n"))
    allowed = [*_SETTINGS, *COLUMNS]
    for column in rows[0].cells:
        if column not in allowed:
            raise InputError(
                f'{path}: line 1: unknown column "{column}"{nearest(column, allowed)}; '
                f"allowed: a setting, {', '.join(COLUMNS)}"
            )
    seen: dict[tuple[object, ...], str] = {}
    points = []
    for row in rows:
        point = _point(row)
        key = (*point.settings.values(), point.metric, point.layer, point.step)
        if key in seen:
            raise InputError(f"{row.place}: the same point as in {seen[key]}; keep one")
        seen[key] = row.place.removeprefix(f"{path}: ")
        points.append(point)
    return tuple(points)


def read_all(paths: Iterable[Path]) -> dict[str, tuple[PublishedPoint, ...]]:
    """Tables as of :func:`read_published`, by the names of their files without the ending."""
    return {path.stem: read_published(path) for path in sorted(paths)}


def _point(row: Row) -> PublishedPoint:
    cells = row.cells
    return PublishedPoint(
        settings={name: _setting(row, name) for name in cells if name in _SETTINGS},
        metric=row.text("metric"),
        layer=cells.get("layer", ""),
        step=row.whole("step") if cells.get("step") else None,
        mean=row.number("mean"),
        sd=row.number("sd", least=0) if cells.get("sd") else None,
        n=row.whole("n", least=1),
    )


def _setting(row: Row, name: str) -> str | int | float:
    if _SETTINGS[name] is int:
        return row.whole(name)
    return row.number(name) if _SETTINGS[name] is float else row.text(name)
