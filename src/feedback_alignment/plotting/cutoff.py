"""song_cutoff: after a spell of decay the loss goes to zero, alignment stays (Song 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_alignment.plotting import panels, style, tables
from feedback_alignment.plotting.trajectories import limit_alignment

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("loss", "weight_alignment")
_CELL = ["rule", "l2", "schedule", "cutoff_step", "activation", "width"]
_DASHES = {"none": "-", "constant": "-", "cutoff": (0, (4, 1.5))}
_LAYERS = {"constant": 3.0, "none": 3.2, "cutoff": 3.4}
_NAMES = {"none": "no decay", "constant": "constant", "cutoff": "switched off"}


def select(table: pd.DataFrame) -> pd.DataFrame:
    """The runs with random feedback; for each activation, those at its largest width.

    Raises:
        PlotError: no run with a cutoff.
    """
    import pandas as pd

    rows = table[table["rule"] != "bp"]
    if not (rows["schedule"] == "cutoff").any():
        raise tables.PlotError("song_cutoff: the table has no run with the schedule cutoff")
    parts = []
    for _, part in rows.groupby("activation"):
        widths = part.loc[part["schedule"] == "cutoff", "width"]
        parts.append(part[part["width"] == (widths.max() if len(widths) else part["width"].max())])
    return pd.concat(parts)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Loss (geometric mean, as drawn) and weight alignment at the cut and at the end, by cell."""
    import pandas as pd

    rows = tables.with_variant(select(table), _CELL)
    extra = ["variant"] if rows["variant"].any() else []
    cuts = rows.loc[rows["schedule"] == "cutoff"].groupby("activation")["cutoff_step"].max()
    keys = ["activation", "width", "schedule", "l2", *extra]
    at_cut = rows[rows["step"] <= rows["activation"].map(cuts).fillna(-1).astype("int64")]
    parts = {}
    for metric, name in (("loss", "loss"), ("weight_alignment", "cos(β, b)")):
        for where, part in (("at the cut", at_cut), ("at the end", rows)):
            last = tables.last(part, metric)
            last = last[last["value"] > 0] if metric == "loss" else last
            stats = tables.mean_over_seeds(last, keys, geometric=metric == "loss")
            parts[f"{name} {where}"] = stats.set_index(keys)["mean"]
    return pd.DataFrame(parts)


def draw(table: pd.DataFrame) -> Figure:
    """Loss (above) and weight alignment (below) against step; a column per activation."""
    tables.require(table, "song_cutoff", *METRICS)
    rows = tables.with_variant(select(table), _CELL)
    activations = style.in_order(list(rows["activation"].unique()))
    figure, (upper, lower) = panels.grid(2, len(activations), 2.0, sharex="col", sharey="row")
    for above, below, activation in zip(upper, lower, activations, strict=True):
        cells = rows[rows["activation"] == activation]
        width = f"$p$ = {style.count(cells['width'].iloc[0])}"
        name, note = style.activation_name(activation), panels.diverged_note(cells, rows)
        panels.title(above, name, width, note)
        for axes, metric in ((above, "loss"), (below, "weight_alignment")):
            _panel(axes, cells, metric)
            panels.all_diverged(axes, cells)
        below.set_xlim(0, max(1, cells["step"].max()))
        panels.step_axis(below)
        panels.mark_diverged(above, cells)
    upper[0].set_ylabel("loss $\\frac{1}{2}\\Vert e(t)\\Vert^2$")
    lower[0].set_ylabel("weight alignment\ncos($\\beta$, $b$)")
    _limit_loss(upper[0], rows)
    panels.decades(upper[0])
    limit_alignment(lower[0], rows)
    panels.legend(figure, _handles(rows))
    return figure


def _panel(axes: Axes, cells: pd.DataFrame, metric: str) -> None:
    rows = tables.metric(cells, metric)
    rows = rows[rows["value"] > 0] if metric == "loss" else rows
    for (schedule, l2, _, _), curve in rows.groupby(
        ["schedule", "l2", "cutoff_step", "variant"], dropna=False
    ):
        stats = tables.mean_over_seeds(curve, ["step"], geometric=metric == "loss")
        # Constant and switched off coincide until the cut: a broad line under a dashed one.
        wide = {"linewidth": 3.2, "alpha": 0.45} if schedule == "constant" else {}
        look = {
            "linestyle": _DASHES.get(schedule, "-"),
            "zorder": _LAYERS.get(schedule, 3.0),
        } | wide
        panels.band(axes, stats["step"], stats, style.l2_color(l2), **look)
    for cut in sorted(cells["cutoff_step"].dropna().unique()):
        axes.axvline(
            int(cut), color=style.GUIDE, linewidth=1.0, linestyle=(0, (1.5, 1.5)), gid="cut"
        )


def _limit_loss(axes: Axes, cells: pd.DataFrame) -> None:
    rows = tables.metric(cells, "loss")
    values = rows.loc[rows["value"] > 0, "value"]
    if len(values):
        axes.set_ylim(values.min() / 10, values.max() * 10)


def _handles(rows: pd.DataFrame) -> list:
    kinds = rows[["schedule", "l2"]].drop_duplicates()
    order = {"none": 0, "constant": 1, "cutoff": 2}
    kinds = kinds.assign(order=kinds["schedule"].map(order)).sort_values(["order", "l2"])
    handles = []
    for schedule, l2, _ in kinds.itertuples(index=False, name=None):
        wide = {"linewidth": 3.4, "alpha": 0.45} if schedule == "constant" else {}
        look = {"linestyle": _DASHES.get(schedule, "-")} | wide
        name = _NAMES.get(schedule, schedule)
        label = f"{style.l2_name(l2)}, {name}"
        handles.append(panels.key(style.l2_color(l2), label, **look))
    return [*handles, panels.guide_key("cut", linestyle=(0, (1.5, 1.5)))]
