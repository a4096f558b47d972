"""chu_fixed_points: where the update vanishes, and whether the gradient does too (Chu 2024)."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from feedback_alignment.plotting import panels, style, tables
from feedback_alignment.plotting.chu_alignment import (
    INTERVENTIONS,
    legend,
    methods,
    variant_lines,
    with_controls,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("rule_gradient_norm", "bp_gradient_norm", "loss")
_CELL = ["samples", "width", "activation", "dimension", "variant"]
_SWITCH = {"color": style.GUIDE, "linewidth": 1.0, "linestyle": (0, (1.5, 1.5))}
_GRADIENT = {"linewidth": 3.4, "alpha": 0.45, "zorder": 2.7}  # beneath the update


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    return tables.lacking_metrics(table, *METRICS) or tables.lacking_steps(table)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Norms and loss at the end, geometric means over replicates, a row per column and control.

    `least ratio` and `largest ratio` bound the gradient's norm in units of the update's, replicate
    by replicate; there is no update where BP trains, as it is the gradient.
    """
    import pandas as pd

    rows = select(table)
    cell = [name for name in _CELL if name != "variant" or rows["variant"].any()]
    keys = [*cell, *(["control"] if rows["control"].any() else [])]
    alive = tables.replicates(rows[rows["status"] != "diverged"])
    parts = {"replicates": alive.groupby(keys).size()}
    ends = {name: _with_updates(tables.last(rows, name)) for name in METRICS}
    names = ("update", "gradient", "loss")
    for name, column in zip(METRICS, names, strict=True):
        end = ends[name][ends[name]["value"] > 0]
        stats = tables.mean_over_replicates(end, keys, geometric=True)
        parts[column] = stats.set_index(keys)["mean"]
    update = ends["rule_gradient_norm"].set_index([*keys, "replicate"])["value"]
    gradient = ends["bp_gradient_norm"].set_index([*keys, "replicate"])["value"]
    ratio = (gradient / update.where(update > 0)).dropna().groupby(level=keys)
    parts["largest update"] = update.groupby(level=keys).max()
    parts["least ratio"], parts["largest ratio"] = ratio.min(), ratio.max()
    return pd.DataFrame(parts)


def draw(table: pd.DataFrame) -> Figure:
    """Norms of update and gradient (above) and loss (below) against step, a column per network."""
    rows = select(table)
    cells = rows[_CELL].drop_duplicates()
    order = ["samples", "width", "activation", "dimension", "variant"]
    cells = cells.sort_values(order, ascending=[True, False, True, True, True])
    columns = list(cells.itertuples(index=False, name=None))
    figure, (upper, lower) = panels.grid(2, len(columns), 2.05, sharex="col")
    names = _names(cells)
    controls = [name for name in rows["control"].unique() if name]
    for above, below, cell, name in zip(upper, lower, columns, names, strict=True):
        here = rows
        for key, value in zip(_CELL, cell, strict=True):
            here = here[here[key] == value]
        panels.title(above, name, note=panels.diverged_note(here, rows))
        below.set_xlim(0, max(1, here["step"].max()))
        for axes in (above, below):
            if not panels.all_diverged(axes, here):
                _panel(axes, here, METRICS[:2] if axes is above else METRICS[2:], controls)
        _loss_axis(below)
        panels.step_axis(below)
        panels.mark_diverged(above, here)
    upper[0].set_ylabel(_norms(rows))
    lower[0].set_ylabel("loss")
    _same_limits(upper)
    legend(figure, _handles(rows, controls))
    return figure


def select(table: pd.DataFrame) -> pd.DataFrame:
    """The conditions with all three metrics; a run that goes on otherwise is a control of its own.

    How long a run lasts tells no two columns apart, if an intervention does as well.
    """
    for name in METRICS:
        has = table.loc[table["metric"] == name, "condition"].unique()
        table = table[table["condition"].isin(has)]
    rows = with_controls(table, _CELL[:-1])
    alike = with_controls(table.assign(steps=0), _CELL[:-1])
    doubled = alike.drop_duplicates("condition").duplicated([*_CELL, "control"]).any()
    return rows if doubled else alike.assign(steps=rows["steps"])


def _names(cells: pd.DataFrame) -> list[str]:
    several = (
        cells.groupby(["activation", "width", "samples"])["dimension"].transform("nunique") > 1
    )
    names = []
    for (_, cell), with_dimension in zip(cells.iterrows(), several, strict=True):
        name = f"{style.activation_name(cell['activation'])}, $p$ = {style.count(cell['width'])}"
        name += f", $n$ = {style.count(cell['samples'])}"
        if with_dimension:
            name += f", $d$ = {style.count(cell['dimension'])}"
        names.append("\n".join([name, *variant_lines(cell["variant"])]))
    return names


def _norms(rows: pd.DataFrame) -> str:
    labels = {style.method_name(rule, 0) for rule, _ in methods(rows) if rule != "bp"}
    update = f"$\\Vert g_{{{labels.pop()}}}\\Vert$" if len(labels) == 1 else "norms of update"
    return f"{update} and $\\Vert g_{{BP}}\\Vert$"


def _panel(axes: Axes, here: pd.DataFrame, metrics: tuple[str, ...], controls: list[str]) -> None:
    undisturbed = (here["control"] == "").any()
    for control, part in here.groupby("control"):
        start = _start(part) if control else 0
        # Until then the run is that left to itself, with the same replicates.
        shown = part[part["step"] >= start] if undisturbed else part
        dashes = panels.dash(1 + controls.index(control)) if control else "-"
        if control and start > 0:
            axes.axvline(start, gid="switch", zorder=2.2, **_SWITCH)
        for name in metrics:
            rows = tables.metric(_with_updates(shown), name)
            stats = tables.mean_over_replicates(rows[rows["value"] > 0], ["step"], geometric=True)
            if len(stats):
                look = _look(name, part) | ({"linestyle": dashes} if control else {})
                panels.band(axes, stats["step"], stats, **look)


def _with_updates(rows: pd.DataFrame) -> pd.DataFrame:
    # Where BP trains, the table has the norm of the update that another rule would make.
    switched = (rows["step"] >= rows["switch_step"]).fillna(False).astype(bool)
    by_bp = rows["rule"].where(~switched, rows["switch_rule"]) == "bp"
    return rows[~(by_bp & (rows["metric"] == "rule_gradient_norm"))]


def _look(metric: str, part: pd.DataFrame) -> dict[str, Any]:
    by_bp = part["switch_rule"].iloc[0] == "bp"
    if metric == "bp_gradient_norm":
        return {"color": style.rule_color("bp")} | ({} if by_bp else _GRADIENT)
    if metric == "loss" and by_bp:
        return {"color": style.rule_color("bp")}
    return {"color": style.method_color(*methods(part)[0])}


def _start(part: pd.DataFrame) -> int:
    steps = part[[name for name in INTERVENTIONS if name.endswith("_step")]].iloc[0].dropna()
    return int(steps.min())


def _loss_axis(axes: Axes) -> None:
    # Each network has a loss of its own scale, so that a fall from one plateau to the next shows.
    low, high = _extent(axes)
    if low == 0 or high / low < 10:
        axes.set_ylim(low - 0.2 * (high - low), high + 0.1 * (high - low))
        for line in axes.get_lines():
            if line.get_gid() == "data":
                step, value = (values[-1] for values in map(list, line.get_data()))
                axes.annotate(
                    f"{value:.3g}", (step, value), (-3, 4), textcoords="offset points", ha="right",
                    fontsize=7.0, color=line.get_color(), gid="end",
                )  # fmt: skip
    elif high > 0:
        axes.set_ylim(low / 3, high * 3)
        panels.decades(axes)


def _same_limits(row: list[Axes]) -> None:
    import numpy as np

    ends = [_extent(axes) for axes in row]
    low = min(end for end, _ in ends)
    for axes in row:
        if np.isfinite(low):
            axes.set_ylim(max(low / 3, 1e-20), 3 * max(high for _, high in ends))
        panels.decades(axes)
        axes.tick_params(labelleft=axes is row[0])


def _extent(axes: Axes) -> tuple[float, float]:
    # Least and largest value drawn; infinite where there is none.
    import numpy as np

    drawn = [line.get_ydata() for line in axes.get_lines() if line.get_gid() == "data"]
    values = np.concatenate([np.asarray(y, float) for y in drawn] or [np.array([])])
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if len(values) else (np.inf, -np.inf)


def _handles(rows: pd.DataFrame, controls: list[str]) -> list:
    handles = []
    for method in methods(rows):
        if method[0] != "bp":
            label = f"{style.method_name(*method)}: norm of the update, loss"
            handles.append(panels.key(style.method_color(*method), label))
    look = {"linewidth": _GRADIENT["linewidth"], "alpha": _GRADIENT["alpha"]}
    handles.append(panels.key(style.rule_color("bp"), "norm of the gradient", **look))
    for name in controls:
        bp = (rows.loc[rows["control"] == name, "switch_rule"] == "bp").any()
        color = style.rule_color("bp" if bp else methods(rows)[0][0])
        dashes = panels.dash(1 + controls.index(name))
        handles.append(panels.key(color, textwrap.fill(name, 30), linestyle=dashes))
    return handles
