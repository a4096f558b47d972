"""Where the update vanishes, and whether the gradient does too (Chu 2024).

A column of panels for each network. Runs of case `then_bp` are those of the same network that
backpropagation trains on from some step; they are dashed, in the panels of that network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from feedback_alignment.figures import marks, numbers, style
from feedback_alignment.figures.layout import in_lines

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("rule_gradient_norm", "bp_gradient_norm", "loss")
_CELL = ["samples", "width", "activation", "dimension", "variant"]
_THEN_BP = "then_bp"
_GRADIENT = {"linewidth": 3.4, "alpha": 0.45}  # broad, beneath the update


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    return numbers.lacking_metrics(table, *METRICS) or numbers.lacking_steps(table)


def select(table: pd.DataFrame) -> pd.DataFrame:
    """The conditions with all three metrics, with their `variant`."""
    for name in METRICS:
        has = table.loc[table["metric"] == name, "condition"].unique()
        table = table[table["condition"].isin(has)]
    alike = numbers.variants(table, [*_CELL[:-1], "case"], ignore=["steps"])
    return table.assign(variant=alike)


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
    import pandas as pd

    if reason := lacking(table):
        return numbers.nothing(reason)
    rows = select(table)
    keys = ["case", *(name for name in _CELL if name != "variant" or rows["variant"].any())]
    alive = numbers.replicates(rows[rows["status"] != "diverged"])
    parts = {"replicates": alive.groupby(keys).size()}
    ends = {name: _updates(numbers.last(numbers.metric(rows, name))) for name in METRICS}
    for name, column in zip(METRICS, ("update", "gradient", "loss"), strict=True):
        end = ends[name][ends[name]["value"] > 0]
        parts[column] = numbers.estimate(end, keys, "geometric").set_index(keys)["mean"]
    update = ends["rule_gradient_norm"].set_index([*keys, "replicate"])["value"]
    gradient = ends["bp_gradient_norm"].set_index([*keys, "replicate"])["value"]
    ratio = (gradient / update.where(update > 0)).dropna().groupby(level=keys)
    parts["largest update"] = update.groupby(level=keys).max()
    parts["least ratio"], parts["largest ratio"] = ratio.min(), ratio.max()
    return pd.DataFrame(parts)


def draw(table: pd.DataFrame) -> Figure:
    """Norms of update and gradient (above) and loss (below) against step, a column per network."""
    numbers.check_columns(table.columns)
    if reason := lacking(table):
        return marks.explanation(reason)
    with style.context():
        return _draw(select(table))


def _draw(rows: pd.DataFrame) -> Figure:
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
    _same_limits(upper)
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
        look: dict[str, Any] = {}
        if case == _THEN_BP:
            start = int(part["switch_step"].min())
            marks.vertical(axes, start, gid="switch")
            # Until then the run is that left to itself, with the same replicates.
            part = part[part["step"] >= start] if alone else part
            look = {"linestyle": marks.dash(1)}
        for name in metrics:
            rows = _updates(numbers.metric(part, name))
            stats = numbers.estimate(rows[rows["value"] > 0], ["step"], "geometric")
            if stats.empty:
                continue
            color = style.method_color(part["rule"].iloc[0], part["l2"].iloc[0])
            if name == "bp_gradient_norm" or case == _THEN_BP:
                color = style.rule_color("bp")
            broad = name == "bp_gradient_norm" and case != _THEN_BP
            under = _GRADIENT | {"zorder": 2.7} if broad else {}
            marks.band(axes, stats["step"], stats, color, **(look | under))


def _loss_axis(axes: Axes) -> None:
    # Each network has a loss of its own scale, so that a fall from one plateau to the next shows.
    import numpy as np

    low, high = _extent(axes)
    if low == 0 or high / low < 10:
        axes.set_ylim(low - 0.2 * (high - low), high + 0.1 * (high - low))
        for line in axes.get_lines():
            if line.get_gid() == "data":
                step, value = (np.asarray(values)[-1] for values in line.get_data())
                axes.annotate(
                    f"{value:.3g}", (step, value), (-3, 4), textcoords="offset points", ha="right",
                    fontsize=7.0, color=line.get_color(), gid="end",
                )  # fmt: skip
    elif high > 0:
        axes.set_ylim(low / 3, high * 3)
        marks.decades(axes)


def _same_limits(row: list[Axes]) -> None:
    import numpy as np

    ends = [_extent(axes) for axes in row]
    low = min(end for end, _ in ends)
    for axes in row:
        if np.isfinite(low):
            axes.set_ylim(max(low / 3, 1e-20), 3 * max(high for _, high in ends))
        marks.decades(axes)
        axes.tick_params(labelleft=axes is row[0])


def _extent(axes: Axes) -> tuple[float, float]:
    # Least and largest value drawn; infinite where there is none.
    import numpy as np

    drawn = [line.get_ydata() for line in axes.get_lines() if line.get_gid() == "data"]
    values = np.concatenate([np.asarray(y, float) for y in drawn] or [np.array([])])
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if len(values) else (np.inf, -np.inf)


def _keys(rows: pd.DataFrame) -> list:
    handles = []
    trained = (
        rows[rows["rule"] != "bp"][["rule", "l2"]].drop_duplicates().sort_values(["rule", "l2"])
    )
    for method in trained.itertuples(index=False, name=None):
        label = f"{style.method_name(*method)}: norm of the update, loss"
        handles.append(marks.key(style.method_color(*method), label))
    handles.append(marks.key(style.rule_color("bp"), "norm of the gradient", **_GRADIENT))
    for step in sorted(rows.loc[rows["case"] == _THEN_BP, "switch_step"].dropna().unique()):
        label = f"switched to BP at step {style.count(step)}"
        handles.append(marks.key(style.rule_color("bp"), label, linestyle=marks.dash(1)))
    return handles
