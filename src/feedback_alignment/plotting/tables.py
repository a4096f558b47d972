"""From a tidy table to what a figure draws: cells, means over replicates, and who diverged.

A *cell* is one combination of the settings that a figure keeps apart (its ``keys``). Diverged
replicates are counted and never averaged in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: Settings that a sweep can vary; those that a figure has no place for become a `variant`.
SETTINGS = (
    "rule",
    "l2",
    "schedule",
    "cutoff_step",
    "decay_layers",
    "activation",
    "width",
    "depth",
    "bias",
    "parametrisation",
    "loss_function",
    "init_scale",
    "feedback_scale",
    "feedback_distribution",
    "data",
    "scaling",
    "samples",
    "dimension",
    "validation_samples",
    "eta",
    "steps",
    "batch_size",
    "switch_step",
    "switch_rule",
    "redraw_step",
    "redraw_every",
    "tie_step",
    "tie_angle",
    "tie_every",
    "perturb_step",
    "perturb_size",
    "freeze_step",
    "metric_samples",
    "weights",
    "engine",
    "dtype",
    "device",
)
_SYMBOLS = {"eta": "η", "samples": "n", "dimension": "d", "l2": "λ", "width": "p"}
REPLICATE = ["condition", "replicate"]
_COLUMNS = {*SETTINGS, *REPLICATE, "experiment", "step", "metric", "layer"}
_COLUMNS |= {"value", "status", "end_step"}


class PlotError(ValueError):
    """A figure that does not exist, or a file that is no tidy table; the message is one line."""


def read(paths: Iterable[str | Path], metrics: Sequence[str]) -> pd.DataFrame:
    """The rows of the given metrics, from every table, in one frame; there may be none.

    Raises:
        PlotError: if a file or a column is missing.
    """
    import pandas as pd
    from pyarrow.parquet import read_schema

    frames = []
    for path in map(Path, paths):
        if not path.is_file():
            raise PlotError(f"no table {path}")
        _check(read_schema(path).names, f"the table {path}")
        frames.append(pd.read_parquet(path, filters=[("metric", "in", list(metrics))]))
    if not frames:
        raise PlotError("no tables given")
    frames = [frame for frame in frames if len(frame)] or frames[:1]
    if len(frames) == 1:
        return frames[0]
    # Experiments may share a condition; its replicates count once.
    both = pd.concat(frames, ignore_index=True)
    return both.drop_duplicates(["condition", "replicate", "step", "metric", "layer"])


def check_columns(table: pd.DataFrame) -> None:
    """Refuse a table that lacks a column that figures read.

    Raises:
        PlotError: naming the columns.
    """
    _check(table.columns, "the table")


def _check(columns: Iterable[str], what: str) -> None:
    missing = sorted(_COLUMNS - set(columns))
    if missing:
        raise PlotError(f"{what} has no column {', '.join(missing)}")


def lacking_metrics(table: pd.DataFrame, *metrics: str) -> str:
    """Which of the metrics have no row, in a sentence; empty if all have one."""
    missing = [name for name in metrics if not (table["metric"] == name).any()]
    if not missing:
        return ""
    return f"No {', '.join(missing)} in the table: the experiment does not record it."


def lacking_steps(table: pd.DataFrame) -> str:
    """A sentence if nothing was recorded after step 0; empty otherwise."""
    if (table["step"] > 0).any():
        return ""
    return "No step after the start in the table: set steps above 0 in the experiment's settings."


def steady(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs with random feedback whose decay, if any, never ends."""
    return table[(table["rule"] != "bp") & (table["schedule"] != "cutoff")]


def lacking_steady(table: pd.DataFrame) -> str:
    """A sentence if :func:`steady` has no row; empty otherwise."""
    if len(steady(table)):
        return ""
    return (
        "No run with random feedback and without a cutoff in the table: "
        "set rule: fa and schedule: constant or none in the experiment."
    )


def nothing(reason: str) -> pd.DataFrame:
    """A summary of nothing: why, in rows short enough for pandas to print whole."""
    import textwrap

    import pandas as pd

    lines = textwrap.wrap(reason, 49)
    return pd.DataFrame({"nothing to show": lines}, index=[""] * len(lines))


def with_variant(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Add a column `variant`: a label of the settings beyond `keys` that vary within a cell.

    It is the empty string throughout if every cell is one condition, the usual case. A sweep over
    an axis that the figure has no place for (say `eta`) is thus drawn apart, not averaged.
    """
    others = [name for name in SETTINGS if name not in keys]
    conditions = table.drop_duplicates("condition").set_index("condition")
    cells = conditions.groupby(list(keys), dropna=False)
    varying = [name for name in others if (cells[name].nunique(dropna=False) > 1).any()]
    labels = [
        ", ".join(f"{_SYMBOLS.get(k, k)} = {_plain(v)}" for k, v in zip(varying, row, strict=True))
        for row in conditions[varying].itertuples(index=False)
    ]
    by_condition = dict(zip(conditions.index, labels, strict=True))
    return table.assign(variant=table["condition"].map(by_condition))


def _plain(value: object) -> str:
    if value != value or value is None or str(value) == "<NA>":
        return "never"
    return f"{value:g}" if isinstance(value, float) else str(value)


def metric(table: pd.DataFrame, name: str, layer: str | None = None) -> pd.DataFrame:
    """The rows of one metric that belong to replicates that did not diverge, NaN left out.

    Args:
        table: tidy rows.
        name: the metric.
        layer: the layer, for a metric that has several; None for all there are.
    """
    rows = table[(table["metric"] == name) & (table["status"] != "diverged")]
    if layer is not None:
        rows = rows[rows["layer"] == layer]
    return rows[rows["value"].notna()]


def last(table: pd.DataFrame, name: str, layer: str | None = None) -> pd.DataFrame:
    """One row a replicate: the metric at its last recorded step; arguments as for `metric`."""
    rows = metric(table, name, layer).sort_values("step", kind="stable")
    return rows.drop_duplicates(REPLICATE, keep="last")


def epochs(table: pd.DataFrame) -> pd.Series:
    """The column `step` in passes over the training samples; steps, where a step takes all.

    Samples that fill no batch sit an epoch out, so an epoch has `samples // batch_size` steps.
    """
    per_epoch = (table["samples"] // table["batch_size"].where(table["batch_size"] > 0)).fillna(1)
    return table["step"] / per_epoch


def mean_over_replicates(
    rows: pd.DataFrame, keys: Sequence[str], geometric: bool = False
) -> pd.DataFrame:
    """Mean, band and number of replicates of the column `value`, by `keys`.

    Args:
        rows: one row a replicate and cell.
        keys: the columns that make a cell; `step` among them for a trajectory.
        geometric: mean and standard deviation of the logarithm, for quantities that span decades.

    Returns:
        The keys, then `mean`, `sd` (NaN with one replicate), `low`, `high` (mean -+ sd, or mean /
        and * exp(sd) of the logarithm) and `n`.
    """
    import numpy as np

    values = np.log(rows["value"]) if geometric else rows["value"]
    groups = rows.assign(value=values).groupby(list(keys), dropna=False)["value"]
    stats = groups.agg(mean="mean", sd="std", n="size").reset_index()
    stats["low"], stats["high"] = stats["mean"] - stats["sd"], stats["mean"] + stats["sd"]
    if geometric:
        for name in ("mean", "low", "high"):
            stats[name] = np.exp(stats[name])
    return stats


def replicates(table: pd.DataFrame) -> pd.DataFrame:
    """One row a replicate: its settings, replicate, status and end step."""
    return table.drop_duplicates(REPLICATE)


def diverged(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of :func:`replicates` that diverged."""
    rows = replicates(table)
    return rows[rows["status"] == "diverged"]


def overview(table: pd.DataFrame) -> pd.DataFrame:
    """Conditions and runs behind a figure, and how the runs ended, by experiment and activation."""
    runs = replicates(table).assign(
        **{name: table["status"] == name for name in ("ok", "settled", "diverged")}
    )
    groups = runs.groupby(["experiment", "activation"])
    return groups.agg(
        conditions=("condition", "nunique"),
        runs=("replicate", "size"),
        ok=("ok", "sum"),
        settled=("settled", "sum"),
        diverged=("diverged", "sum"),
    )


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table as text: three significant digits, and nothing where there is no value."""

    def text(value: object) -> str:
        if isinstance(value, float):
            return "" if value != value else f"{value:.3g}"
        return str(value)

    return frame.map(text)
