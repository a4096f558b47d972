"""Tidy tables: their schema, atomic writes, and reading them back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from feedback_alignment.files import replacing

if TYPE_CHECKING:
    import pandas as pd

# The tidy table's columns in order, with their pandas types; results/README.md describes each.
COLUMNS = {
    "experiment": "str",
    "condition": "str",
    "case": "str",
    "rule": "str",
    "l2": "float64",
    "schedule": "str",
    "cutoff_step": "Int64",
    "decay_layers": "str",
    "activation": "str",
    "width": "int64",
    "depth": "int64",
    "bias": "bool",
    "parametrisation": "str",
    "loss_function": "str",
    "init_scale": "float64",
    "feedback_scale": "float64",
    "feedback_distribution": "str",
    "data": "str",
    "scaling": "str",
    "samples": "int64",
    "dimension": "int64",
    "validation_samples": "int64",
    "eta": "float64",
    "steps": "int64",
    "batch_size": "int64",
    "switch_step": "Int64",
    "switch_rule": "str",
    "redraw_step": "Int64",
    "redraw_every": "int64",
    "tie_step": "Int64",
    "tie_angle": "float64",
    "tie_every": "int64",
    "perturb_step": "Int64",
    "perturb_size": "float64",
    "freeze_step": "Int64",
    "metric_samples": "int64",
    "weights": "str",
    "engine": "str",
    "dtype": "str",
    "device": "str",
    "replicate": "int64",
    "step": "int64",
    "metric": "str",
    "layer": "str",
    "value": "float64",
    "status": "str",
    "end_step": "int64",
}


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
