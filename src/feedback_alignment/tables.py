"""Tidy tables: their columns, what a recorded run becomes in them, writing and reading."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, get_args, get_origin

import numpy as np

from feedback_alignment.conditions import Condition
from feedback_alignment.files import replacing
from feedback_alignment.metrics.courses import derived as derive
from feedback_alignment.settings import is_recorded

if TYPE_CHECKING:
    import pandas as pd

    from feedback_alignment.training.recording import Recording

# The columns around the settings, with their pandas types and meanings.
BEFORE = {
    "experiment": ("str", "name of the experiment in the config"),
    "condition": (
        "str",
        "id of the condition: a readable name with a digest of all its settings",
    ),
}
AFTER = {
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
        "how this replicate's run ended: `ok`, `settled`, `diverged`; the same in all its rows",
    ),
    "end_step": (
        "int64",
        "step at which it ended; after it, a settled run repeats its last values and a diverged "
        "one has no rows",
    ),
}


def _pandas_type(annotation: object) -> str:
    kinds = set(get_args(annotation) if get_origin(annotation) else [annotation])
    whole = "Int64" if NoneType in kinds else "int64"
    return {bool: "bool", int: whole, float: "float64"}.get((kinds - {NoneType}).pop(), "str")


# The settings that are columns, with their pandas types; text is empty where a setting is null.
SETTINGS = {
    name: _pandas_type(field.annotation)
    for name, field in Condition.model_fields.items()
    if not is_recorded(name)
}
COLUMNS = {
    **{name: kind for name, (kind, _) in BEFORE.items()},
    **SETTINGS,
    **{name: kind for name, (kind, _) in AFTER.items()},
}


def extract(
    experiment: str,
    condition: Condition,
    identifier: str,
    replicates: Sequence[int],
    recording: "Recording",
) -> "pd.DataFrame":
    """The rows of one training run: recorded metrics, then the derived ones.

    A diverged replicate has the rows before its end, and one row a metric without a value at it.

    Args:
        experiment: name of the experiment.
        condition: what was run.
        identifier: the condition's id.
        replicates: replicate index of each of the recording's R lanes.
        recording: what the run recorded.
    """
    columns: dict[str, list] = {"replicate": [], "step": [], "metric": [], "layer": [], "value": []}
    columns |= {"status": [], "end_step": []}
    for lane, replicate in enumerate(replicates):
        status, end = str(recording.status[lane]), int(recording.end_step[lane])
        steps = recording.steps
        lived = steps < end if status == "diverged" else np.ones(steps.size, dtype=bool)
        rows = []
        for (metric, layer), values in recording.values.items():
            value = values[lane]
            # Quantities of the initial network only, and metrics a run does not have, are NaN.
            known = lived & ~np.isnan(value)
            pairs = zip(steps[known].tolist(), value[known].tolist(), strict=True)
            rows += [(step, metric, layer, v) for step, v in pairs]
            if status == "diverged" and known.any():
                rows.append((end, metric, layer, np.nan))
        series = {key: values[lane][lived] for key, values in recording.values.items()}
        derived = derive(condition, steps[lived], series)
        rows += [(end, metric, "", value) for metric, value in derived.items()]
        columns["replicate"] += [replicate] * len(rows)
        columns["status"] += [status] * len(rows)
        columns["end_step"] += [end] * len(rows)
        names = ("step", "metric", "layer", "value")
        for name, cells in zip(names, zip(*rows, strict=True), strict=True):
            columns[name] += cells
    settings = {
        name: "" if kind == "str" and value is None else value
        for name, kind in SETTINGS.items()
        for value in [getattr(condition, name)]
    }
    return tidy_frame(
        {
            "experiment": experiment,
            "condition": identifier,
            **settings,
            **columns,
        }
    )


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
