"""Where the update vanishes, and whether the gradient does too (Chu 2024).

A column of panels for each network. Runs of case `then_bp` are those of the same network that
backpropagation trains on from some step; they are dashed, in the panels of that network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from feedback_alignment.figures import marks, numbers, style
from feedback_alignment.figures.layout import in_lines

METRICS = ("rule_gradient_norm", "bp_gradient_norm", "loss")
_CELL = ["samples", "width", "activation", "dimension", "variant"]
_THEN_BP = "then_bp"
_GRADIENT = {"linewidth": 3.4, "alpha": 0.45}  # broad, beneath the update


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    return numbers.lacking_metrics(table, *METRICS) or numbers.lacking_steps(table)


def _select(table: pd.DataFrame) -> pd.DataFrame:
    """The conditions with all three metrics, with their `variant`."""
    for name in METRICS:
        has = table.loc[table["metric"] == name, "condition"].unique()
        table = table[table["condition"].isin(has)]
    return table.assign(variant=numbers.variants(table, [*_CELL[:-1], "case"], ignore=["steps"]))


def _updates(rows: pd.DataFrame) -> pd.DataFrame:
    # Where BP trains, the table has the norm of the update that another rule would make.
    switched = (rows["step"] >= rows["switch_step"]).fillna(False).astype(bool)
    by_bp = rows["rule"].where(~switched, rows["switch_rule"]) == "bp"
    return rows[~(by_bp & (rows["metric"] == "rule_gradient_norm"))]


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Norms and loss at the end, geometric means over replicates, a row per network and case.

    `least ratio` and `largest ratio` bound the gradient's norm in units of the update's, replicate
    by replicate; there is no update where BP trains, as it is the gradient.
    """
    if reason := lacking(table):
        return numbers.nothing(reason)
    rows = _select(table)
    keys = ["case", *(name for name in _CELL if name != "variant" or rows["variant"].any())]
    alive = numbers.replicates(rows[rows["status"] != "diverged"])
    parts, ends = {"replicates": alive.groupby(keys).size()}, {}
    for name, column in zip(METRICS, ("update", "gradient", "loss"), strict=True):
        end = _updates(numbers.last(numbers.metric(rows, name)))
        ends[column] = end.set_index([*keys, "replicate"])["value"]
        stats = numbers.estimate(end[end["value"] > 0], keys, "geometric")
        parts[column] = stats.set_index(keys)["mean"]
    update = ends["update"]
    ratio = (ends["gradient"] / update.where(update > 0)).dropna().groupby(level=keys)
    parts["largest update"] = update.groupby(level=keys).max()
    parts["least ratio"], parts["largest ratio"] = ratio.min(), ratio.max()
    return pd.DataFrame(parts)


@marks.drawing(lacking)
def draw(table: pd.DataFrame) -> Figure:
    """Norms of update and gradient (above) and loss (below) against step, a column per network."""
    rows = _select(table)
    order = [True, False, True, True, True]  # wide networks first: the narrow one is the exception
    cells = rows[_CELL].drop_duplicates().sort_values(_CELL, ascending=order)
    figure, (upper, lower) = marks.grid(2, len(cells), 2.05, sharex="col")
    columns = cells.itertuples(index=False)
    for above, below, cell in zip(upper, lower, columns, strict=True):
        here = rows[(rows[_CELL] == list(cell)).all(axis=1)]
        alike = (cells[["width", "activation"]] == [cell.width, cell.activation]).all(axis=1)
        several = cells.loc[alike, "dimension"].nunique() > 1
        marks.title(above, _name(cell, several), note=marks.diverged_note(here, rows))
        below.set_xlim(0, max(1, here["step"].max()))
        for axes, metrics in ((above, METRICS[:2]), (below, METRICS[2:])):
            if not marks.all_diverged(axes, here):
                _panel(axes, here, metrics)
        _loss_axis(below)
        marks.step_axis(below)
        below.set_xlabel("step $t$")
        ended = numbers.diverged(here)
        marks.mark_ends(above, ended, ended["end_step"])
    rules = [style.method_name(rule, 0) for rule in rows["rule"].unique() if rule != "bp"]
    update = f"$\\Vert g_{{{rules[0]}}}\\Vert$" if len(rules) == 1 else "norms of update"
    upper[0].set_ylabel(f"{update} and $\\Vert g_{{BP}}\\Vert$")
    lower[0].set_ylabel("loss")
    low, high = zip(*map(_extent, upper), strict=True)
    for axes in upper:
        if np.isfinite(min(low)):
            axes.set_ylim(max(min(low) / 3, 1e-20), 3 * max(high))
        marks.decades(axes)
        axes.tick_params(labelleft=axes is upper[0])
    marks.legend(figure, _keys(rows))
    return figure


def _name(cell: Any, with_dimension: bool) -> str:
    name = f"{style.label('activation', cell.activation)}, {style.label('width', cell.width)}"
    name += f", $n$ = {style.count(cell.samples)}"
    if with_dimension:
        name += f", $d$ = {style.count(cell.dimension)}"
    return "\n".join([name, *in_lines(cell.variant, 24)])


def _panel(axes: Axes, here: pd.DataFrame, metrics: Sequence[str]) -> None:
    alone = (here["case"] != _THEN_BP).any()
    for case, part in here.groupby("case"):
        by_bp = case == _THEN_BP
        if by_bp:
            start = int(part["switch_step"].min())
            marks.vertical(axes, start, gid="switch")
            # Until then the run is that left to itself, with the same replicates.
            part = part[part["step"] >= start] if alone else part
        for name in metrics:
            rows = _updates(numbers.metric(part, name))
            stats = numbers.estimate(rows[rows["value"] > 0], ["step"], "geometric")
            if stats.empty:
                continue
            gradient = name == "bp_gradient_norm"
            one = part.iloc[0]
            color = style.method_color("bp" if gradient or by_bp else one["rule"], one["l2"])
            look = {"linestyle": marks.dash(1)} if by_bp else {}
            look |= _GRADIENT | {"zorder": 2.7} if gradient and not by_bp else {}
            marks.band(axes, stats["step"], stats, color, **look)


def _loss_axis(axes: Axes) -> None:
    # Each network has a loss of its own scale, so that a fall from one plateau to the next shows.
    low, high = _extent(axes)
    if low == 0 or high / low < 10:
        axes.set_ylim(low - 0.2 * (high - low), high + 0.1 * (high - low))
        for line in _data(axes):
            step, value = (np.asarray(values)[-1] for values in line.get_data())
            axes.annotate(
                f"{value:.3g}", (step, value), (-3, 4), textcoords="offset points", ha="right",
                fontsize=7.0, color=line.get_color(), gid="end",
            )  # fmt: skip
    elif high > 0:
        axes.set_ylim(low / 3, high * 3)
        marks.decades(axes)


def _data(axes: Axes) -> list[Line2D]:
    return [line for line in axes.get_lines() if line.get_gid() == "data"]


def _extent(axes: Axes) -> tuple[float, float]:
    # Least and largest value drawn; infinite where there is none.
    values = np.concatenate([[], *(np.asarray(line.get_ydata(), float) for line in _data(axes))])
    values = values[np.isfinite(values)]
    return float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))


def _keys(rows: pd.DataFrame) -> list[Line2D]:
    handles = []
    trained = rows[rows["rule"] != "bp"]
    for method in sorted(set(zip(trained["rule"], trained["l2"], strict=True))):
        label = f"{style.method_name(*method)}: norm of the update, loss"
        handles.append(marks.key(style.method_color(*method), label))
    handles.append(marks.key(style.rule_color("bp"), "norm of the gradient", **_GRADIENT))
    for step in sorted(rows.loc[rows["case"] == _THEN_BP, "switch_step"].dropna().unique()):
        label = f"switched to BP at step {style.count(step)}"
        handles.append(marks.key(style.rule_color("bp"), label, linestyle=marks.dash(1)))
    return handles
