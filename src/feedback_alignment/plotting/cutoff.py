"""song_cutoff: after a spell of decay the loss goes to zero, alignment stays (Song 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedback_alignment.plotting import panels, style, tables
from feedback_alignment.plotting.trajectories import limit_alignment

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("loss", "weight_alignment")
_CELL = ["rule", "l2", "schedule", "cutoff_step", "activation", "width"]
# By schedule, a pattern for each variant; constant is told from none by its breadth.
_PLAIN = ("-", (0, (1.4, 1.4)), (0, (7, 1.6)), (0, (7, 1.4, 1.2, 1.4)), (0, (1, 3)))
_CUT = (4, 1.5), (5, 1.2, 1.2, 1.2), (2.2, 2.2), (8, 3), (3, 1, 1, 1, 1, 1)
_DASHES = {"none": _PLAIN, "constant": _PLAIN, "cutoff": tuple((0, dashes) for dashes in _CUT)}
_LAYERS = {"constant": 3.0, "none": 3.2, "cutoff": 3.4}
_NAMES = {"none": "no decay", "constant": "constant", "cutoff": "switched off"}


def select(table: pd.DataFrame) -> pd.DataFrame:
    """The runs with random feedback; for each activation, those at its largest width."""
    import pandas as pd

    rows = table[table["rule"] != "bp"]
    parts = []
    for _, part in rows.groupby("activation"):
        widths = part.loc[part["schedule"] == "cutoff", "width"]
        parts.append(part[part["width"] == (widths.max() if len(widths) else part["width"].max())])
    return pd.concat(parts)


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    if not ((table["rule"] != "bp") & (table["schedule"] == "cutoff")).any():
        return (
            "No run in the table has random feedback and a decay that is switched off: "
            "set rule: fa, schedule: cutoff, l2 and cutoff_step in the experiment."
        )
    return tables.lacking_metrics(table, *METRICS)


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
            stats = tables.mean_over_replicates(last, keys, geometric=metric == "loss")
            parts[f"{name} {where}"] = stats.set_index(keys)["mean"]
    return pd.DataFrame(parts)


def draw(table: pd.DataFrame) -> Figure:
    """Loss (above) and weight alignment (below) against step; a column per activation."""
    rows = tables.with_variant(select(table), _CELL)
    variants = sorted(rows["variant"].unique())
    activations = style.in_order(list(rows["activation"].unique()))
    figure, (upper, lower) = panels.grid(2, len(activations), 2.0, sharex="col", sharey="row")
    for above, below, activation in zip(upper, lower, activations, strict=True):
        cells = rows[rows["activation"] == activation]
        width = f"$p$ = {style.count(cells['width'].iloc[0])}"
        name, note = style.activation_name(activation), panels.diverged_note(cells, rows)
        panels.title(above, name, width, note)
        for axes, metric in ((above, "loss"), (below, "weight_alignment")):
            _panel(axes, cells, metric, variants)
            panels.all_diverged(axes, cells)
        below.set_xlim(0, max(1, cells["step"].max()))
        panels.step_axis(below)
        panels.mark_diverged(above, cells)
    upper[0].set_ylabel("loss $\\frac{1}{2}\\Vert e(t)\\Vert^2$")
    lower[0].set_ylabel("weight alignment\ncos($\\beta$, $b$)")
    _limit_loss(upper[0], rows)
    panels.decades(upper[0])
    limit_alignment(lower[0], rows)
    panels.legend(figure, _handles(rows, variants), columns=2 if len(variants) > 1 else None)
    return figure


def _dash(schedule: str, variant: int) -> Any:
    patterns = _DASHES.get(schedule, _PLAIN)
    return patterns[variant % len(patterns)]


def _panel(axes: Axes, cells: pd.DataFrame, metric: str, variants: list[str]) -> None:
    rows = tables.metric(cells, metric)
    rows = rows[rows["value"] > 0] if metric == "loss" else rows
    for (schedule, l2, _, variant), curve in rows.groupby(
        ["schedule", "l2", "cutoff_step", "variant"], dropna=False
    ):
        stats = tables.mean_over_replicates(curve, ["step"], geometric=metric == "loss")
        # Constant and switched off coincide until the cut: a broad line under a dashed one.
        wide = {"linewidth": 3.2, "alpha": 0.45} if schedule == "constant" else {}
        look = {
            "linestyle": _dash(schedule, variants.index(variant)),
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


def _handles(rows: pd.DataFrame, variants: list[str]) -> list:
    kinds = rows[["schedule", "l2", "variant"]].drop_duplicates()
    order = {"none": 0, "constant": 1, "cutoff": 2}
    kinds = kinds.assign(order=kinds["schedule"].map(order)).sort_values(["order", "l2", "variant"])
    handles = []
    for schedule, l2, variant, _ in kinds.itertuples(index=False, name=None):
        wide = {"linewidth": 3.4, "alpha": 0.45} if schedule == "constant" else {}
        look = {"linestyle": _dash(schedule, variants.index(variant))} | wide
        name = _NAMES.get(schedule, schedule)
        label = ", ".join(filter(None, (style.l2_name(l2), name, variant)))
        handles.append(panels.key(style.l2_color(l2), label, **look))
    return [*handles, panels.guide_key("cut", linestyle=(0, (1.5, 1.5)))]
