"""From a tidy table to the numbers that a figure plots: means over replicates, and who diverged.

Diverged replicates are counted and never averaged in.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pyarrow.parquet import read_schema

from feedback_alignment import tables
from feedback_alignment.tables import COLUMNS, STATUSES

REPLICATE = ["condition", "replicate"]
#: What tells the values of a tidy table apart.
VALUE = [*REPLICATE, "step", "metric", "layer"]
#: Settings that a sweep can vary; those that a figure has no place for become a `variant`.
SETTINGS = [name for name in tables.SETTINGS if name != "case"]
#: Columns of a horizontal axis along which one run has many values.
COURSES = ("step", "epoch")
_SYMBOLS = {"eta": "η", "samples": "n", "dimension": "d", "l2": "λ", "width": "p"}


class FigureError(ValueError):
    """A file that is no tidy table, or a call that fits none; the message is one line."""


def read(
    paths: Iterable[str | Path], metrics: Sequence[str], each_case: bool = False
) -> pd.DataFrame:
    """The rows of the given metrics, from every tidy table, in one frame; there may be none.

    Experiments may share a condition. Each of its replicates is there once, with the case that the
    first table gives it; or, with `each_case`, once for each of its cases.

    Raises:
        FigureError: if a file or a column is missing.
    """
    frames = []
    for path in map(Path, paths):
        if not path.is_file():
            raise FigureError(f"no table {path}")
        check_columns(read_schema(path).names, f"the table {path}")
        frames.append(pd.read_parquet(path, filters=[("metric", "in", list(metrics))]))
    if not frames:
        raise FigureError("no tables given")
    frames = [frame for frame in frames if len(frame)] or frames[:1]
    if len(frames) == 1:
        return frames[0]
    once = [*VALUE, "case"] if each_case else VALUE
    return pd.concat(frames, ignore_index=True).drop_duplicates(once)


def check_columns(columns: Iterable[str], what: str = "the table") -> None:
    """Refuse a table that lacks a tidy column.

    Raises:
        FigureError: naming the columns.
    """
    missing = sorted(set(COLUMNS) - set(columns))
    if missing:
        raise FigureError(f"{what} has no column {', '.join(missing)}")


def lacking_metrics(table: pd.DataFrame, *metrics: str, needs: str = "") -> str:
    """Which of the metrics have no row, in a sentence; empty if all have one.

    `needs` says what provides them, such as ``set kernels: true in the experiment's settings``.
    """
    known = set(table["metric"])
    missing = [name for name in metrics if name not in known]
    if not missing:
        return ""
    needs = needs or "the experiment does not record it"
    return f"No {', '.join(missing)} in the table: {needs}."


def lacking_cases(table: pd.DataFrame, cases: Iterable[str]) -> str:
    """A sentence if no run has one of the cases; empty otherwise."""
    if table["case"].isin(list(cases)).any():
        return ""
    return f"No run in the table has a case of this figure: give one of {', '.join(cases)}."


def lacking_steps(table: pd.DataFrame) -> str:
    """A sentence if nothing was recorded after step 0; empty otherwise."""
    if (table["step"] > 0).any():
        return ""
    return "No step after the start in the table: set steps above 0 in the experiment's settings."


def nothing(reason: str) -> pd.DataFrame:
    """A table of nothing: why, in rows short enough for pandas to print whole."""
    lines = textwrap.wrap(reason, 49)
    return pd.DataFrame({"nothing to show": lines}, index=[""] * len(lines))


def variants(table: pd.DataFrame, keys: Sequence[str], ignore: Sequence[str] = ()) -> pd.Series:
    """For each row, a label of the settings beyond `keys` that vary within a cell of `keys`.

    It is the empty string throughout if every cell is one condition, the usual case. A sweep over
    an axis that the figure has no place for (say `eta`) is thus drawn apart, not averaged; but
    over none of `ignore`, settings without bearing on what is shown.
    """
    others = [name for name in SETTINGS if name not in {*keys, *ignore}]
    conditions = table.drop_duplicates("condition").set_index("condition")
    cells = conditions.groupby(list(keys), dropna=False) if len(conditions) else None
    varying = [n for n in others if cells and (cells[n].nunique(dropna=False) > 1).any()]
    labels = [
        ", ".join(f"{_SYMBOLS.get(k, k)} = {_plain(v)}" for k, v in zip(varying, row, strict=True))
        for row in conditions[varying].itertuples(index=False)
    ]
    return table["condition"].map(dict(zip(conditions.index, labels, strict=True))).astype(str)


def _plain(value: object) -> str:
    if pd.isna(value):
        return "never"
    return f"{value:g}" if isinstance(value, float) else str(value)


def metric(table: pd.DataFrame, name: str | Sequence[str]) -> pd.DataFrame:
    """The rows of a metric, or several, of replicates that did not diverge, NaN left out."""
    names = [name] if isinstance(name, str) else name
    kept = table["metric"].isin(names) & (table["status"] != "diverged")
    return table[kept & table["value"].notna()]


def last(rows: pd.DataFrame) -> pd.DataFrame:
    """Of rows as of :func:`metric`, the last recorded step of each replicate and layer."""
    rows = rows.sort_values("step", kind="stable")
    return rows.drop_duplicates([*REPLICATE, "metric", "layer"], keep="last")


def epochs(table: pd.DataFrame, column: str = "step") -> pd.Series:
    """A column of steps in passes over the training samples; steps, where a step takes all.

    Samples that fill no batch sit an epoch out, so an epoch has `samples // batch_size` steps.
    """
    per_epoch = (table["samples"] // table["batch_size"].where(table["batch_size"] > 0)).fillna(1)
    return table[column] / per_epoch


def relative(table: pd.DataFrame, name: str, floor: float = 0.0) -> pd.DataFrame:
    """The table with a metric in units of its own value at step 0, replicate by replicate.

    It is not less than `floor`, at which a logarithm is cut off.
    """
    of = table["metric"] == name
    start = table[of & (table["step"] == 0)].set_index(REPLICATE)["value"]
    first = table.loc[of, REPLICATE].join(start.rename("start"), on=REPLICATE)["start"]
    divided = (table.loc[of, "value"] / first).clip(lower=floor)
    return table.assign(value=table["value"].mask(of, divided))


def estimate(
    rows: pd.DataFrame,
    keys: Sequence[str],
    estimator: str | Callable = "mean",
    errorbar: Callable | None = None,
) -> pd.DataFrame:
    """Mean, band and number of replicates of the column `value`, by `keys`.

    Args:
        rows: one row a replicate and cell.
        keys: the columns that make a cell; `step` among them for a trajectory.
        estimator: `mean`; `geometric`, mean and deviation of the logarithm, for quantities that
            span decades; or a function from a cell's values to a number.
        errorbar: a function from a cell's values to the ends of its band, (low, high); one
            standard deviation both ways if None.

    Returns:
        The keys, then `mean`, `sd` (NaN with one replicate), `low`, `high`, `n`, and `text`, such
        as `0.93 ± 0.01`; of the logarithm, `0.021 ×/÷ 1.15`.
    """
    geometric = estimator == "geometric"
    values = np.log(rows["value"]) if geometric else rows["value"]
    groups = rows.assign(value=values).groupby(list(keys), dropna=False, observed=True)["value"]
    centre = estimator if callable(estimator) else "mean"
    stats = groups.agg(mean=centre, sd="std", n="size").reset_index()
    stats["low"], stats["high"] = stats["mean"] - stats["sd"], stats["mean"] + stats["sd"]
    if errorbar is not None:
        ends = groups.agg(errorbar)
        stats["low"], stats["high"] = ([end[i] for end in ends] for i in (0, 1))
    if geometric:
        stats = stats.assign(**np.exp(stats[["mean", "low", "high"]]))
    spreads = [f" ×/÷ {math.exp(sd):.2f}" if geometric else f" ± {sd:.2g}" for sd in stats["sd"]]
    told = zip(stats["mean"], stats["sd"].notna(), spreads, strict=True)
    return stats.assign(text=[f"{mean:.3g}{spread * known}" for mean, known, spread in told])


def replicates(table: pd.DataFrame) -> pd.DataFrame:
    """One row a replicate: its settings, status and end step."""
    return table.drop_duplicates(REPLICATE)


def diverged(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of :func:`replicates` that diverged."""
    rows = replicates(table)
    return rows[rows["status"] == "diverged"]


def overview(table: pd.DataFrame) -> pd.DataFrame:
    """Conditions and runs behind a figure, and how the runs ended, by experiment and activation."""
    runs = replicates(table).assign(**{name: table["status"] == name for name in STATUSES})
    groups = runs.groupby(["experiment", "activation"])
    sums = {name: (name, "sum") for name in STATUSES}
    return groups.agg(conditions=("condition", "nunique"), runs=("replicate", "size"), **sums)


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table as text: three significant digits, and nothing where there is no value."""

    def text(value: object) -> str:
        if isinstance(value, float):
            return "" if value != value else f"{value:.3g}"
        return str(value)

    return frame.map(text)
