"""Tidy tables: their columns, which settings among them, writing and reading."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from feedback_alignment.files import replacing
from feedback_alignment.settings import COLUMN_TYPES

if TYPE_CHECKING:
    import pandas as pd

# The columns beside the settings, with their pandas types and meanings.
OTHERS = {
    "experiment": ("str", "name of the experiment in the config"),
    "condition": ("str", "id of the condition: a readable name with a digest of all its settings"),
    "replicate": (
        "int64",
        "index of an independent repetition, from 0; the same index means the same data, weights "
        "and feedback in every condition",
    ),
    "step": (
        "int64",
        "step of this row; 0 is the network before training; at an intervention's step, the state "
        "just after it",
    ),
    "metric": ("str", "name of the quantity, see below"),
    "layer": (
        "str",
        "`1`, `2`, ... for a hidden layer, `hidden` for all of them together, `output`, `all`, or "
        "an eigenvalue's index; empty for the whole network",
    ),
    "value": (
        "float64",
        "its value; empty at the step at which a run diverged, and for a derived metric that does "
        "not exist",
    ),
    "status": (
        "str",
        "how this replicate's run ended: `ok`, `settled`, `unsettled` (was to settle, and had not "
        "by the last step), `diverged`; the same in all its rows",
    ),
    "end_step": (
        "int64",
        "step at which it ended; after it, a settled run repeats its last values and a diverged "
        "one has no rows",
    ),
}

# How a run can end.
STATUSES = ("ok", "settled", "unsettled", "diverged")

# The settings that are columns, with their pandas types; text is empty where a setting is null.
_PANDAS = {bool: "bool", int: "int64", float: "float64"}
SETTINGS = {
    name: "Int64" if kind is int and empty else _PANDAS.get(kind, "str")
    for name, (kind, empty) in COLUMN_TYPES.items()
}
# The settings come after the condition.
_OTHERS = {name: kind for name, (kind, _) in OTHERS.items()}
COLUMNS = {name: _OTHERS[name] for name in ("experiment", "condition")} | SETTINGS | _OTHERS


def tidy_frame(columns: Mapping[str, object]) -> "pd.DataFrame":
    """A table with exactly the tidy columns and their types.

    Args:
        columns: arrays of one length, or scalars that hold for all rows.

    Raises:
        ValueError: a column is missing or unknown.
    """
    import pandas as pd

    if columns.keys() != COLUMNS.keys():
        wrong = ", ".join(sorted(columns.keys() ^ COLUMNS.keys()))
        raise ValueError(f"the tidy table's columns do not fit: {wrong}")
    return pd.DataFrame({name: columns[name] for name in COLUMNS}).astype(COLUMNS)


def write_table(frame: "pd.DataFrame", parquet: Path, csv: Path) -> None:
    """Write a tidy table as Parquet and as CSV, each whole or not at all."""
    with replacing(parquet) as temporary:
        frame.to_parquet(temporary, index=False)
    with replacing(csv) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def read_tables(paths: Sequence[Path]) -> "pd.DataFrame":
    """Read tidy tables from Parquet files, one under the other, in the order given."""
    import pandas as pd

    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)


class StoredTables(Mapping[str, "pd.DataFrame | None"]):
    """Tidy tables by name, each read when it is asked for: together they may exceed the memory.

    Each name stands for Parquet files, one under the other; for none of them its table is None.
    """

    def __init__(self, paths: Mapping[str, Sequence[Path]]) -> None:
        self._paths = paths

    def __getitem__(self, name: str) -> "pd.DataFrame | None":
        paths = self._paths[name]
        return read_tables(paths) if paths else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)
