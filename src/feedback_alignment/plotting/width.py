"""song_alignment_width: alignment vanishes with width unless output weights decay (Song 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_alignment.plotting import panels, style, tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("weight_alignment",)
_CELL = ["rule", "l2", "schedule", "activation", "width"]


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    return tables.lacking_metrics(table, *METRICS) or tables.lacking_steady(table)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Final weight alignment, `mean ± sd`, a row per activation and lambda, a column per width."""
    stats = _stats(tables.steady(table))
    stats["shown"] = [
        f"{mean:.3f}" if n < 2 else f"{mean:.3f} ± {sd:.3f}"
        for mean, sd, n in zip(stats["mean"], stats["sd"], stats["n"], strict=True)
    ]
    keys = ["activation", "l2", *(["variant"] if stats["variant"].any() else [])]
    out = stats.pivot(index=keys, columns="width", values="shown").fillna("")
    return out.rename_axis(columns="p")


def draw(table: pd.DataFrame) -> Figure:
    """Final cos(beta, b) against width: a panel per activation, a line per lambda."""
    table = tables.steady(table)
    stats = _stats(table)
    variants = sorted(_variants(table)["variant"].unique())
    activations = style.in_order(list(table["activation"].unique()))
    figure, (row,) = panels.grid(1, len(activations), 2.75, sharey=True)
    logarithmic = len(stats) > 0 and (stats["mean"] <= 0).mean() < 0.1
    for axes, activation in zip(row, activations, strict=True):
        cells = table[table["activation"] == activation]
        title = style.activation_name(activation)
        panels.title(axes, title, note=panels.diverged_note(cells, table))
        panels.width_axis(axes, cells["width"])
        if panels.all_diverged(axes, cells):
            continue
        here = stats[stats["activation"] == activation]
        for l2, curve in here.groupby("l2"):
            if logarithmic:
                _mark_below_zero(axes, curve, l2)
                curve = curve.assign(mean=curve["mean"].where(curve["mean"] > 0))
            panels.each_variant(
                curve,
                variants,
                lambda part, dashes, l2=l2, axes=axes: _curve(axes, part, l2, dashes),
            )
        _mark_diverged(axes, tables.replicates(cells))
        _chance(axes, cells["width"])
    row[0].set_ylabel("final weight alignment cos($\\beta$, $b$)")
    _limit(row[0], stats, table["width"], logarithmic)
    names = sorted(table["l2"].unique())
    handles = [panels.key(style.l2_color(x), style.l2_name(x), marker="o") for x in names]
    handles.append(panels.guide_key("chance, $1/\\sqrt{p}$"))
    if logarithmic and (stats["mean"] <= 0).any():
        below = {"linestyle": "none", "marker": "v", "markerfacecolor": "white"}
        handles.append(panels.guide_key("below zero", **below))
    panels.legend(figure, handles + panels.variant_keys(variants))
    return figure


def _variants(table: pd.DataFrame) -> pd.DataFrame:
    return tables.with_variant(table, ["l2", "schedule", "activation", "width"])


def _stats(table: pd.DataFrame) -> pd.DataFrame:
    rows = tables.last(_variants(table), "weight_alignment")
    return tables.mean_over_replicates(rows, ["l2", "activation", "variant", "width"])


def _curve(axes: Axes, stats: pd.DataFrame, l2: float, dashes) -> None:
    panels.band(axes, stats["width"], stats, style.l2_color(l2), linestyle=dashes, marker="o")


def _mark_below_zero(axes: Axes, stats: pd.DataFrame, l2: float) -> None:
    # A logarithmic axis has no place for it: an open triangle inside the lower edge.
    below = stats[stats["mean"] <= 0]
    axes.plot(
        below["width"], [0.03] * len(below), "v", color=style.l2_color(l2), markersize=5,
        markerfacecolor="white", transform=axes.get_xaxis_transform(), zorder=5, gid="below-zero",
    )  # fmt: skip


def _chance(axes: Axes, widths: pd.Series) -> None:
    # The cosine of two independent Gaussian vectors of length p has standard deviation 1/sqrt(p).
    ends = widths.min(), widths.max()
    axes.plot(
        ends, [p**-0.5 for p in ends], color=style.GUIDE, linewidth=1.1, linestyle=(0, (4, 2)),
        gid="guide",
    )  # fmt: skip


def _mark_diverged(axes: Axes, replicates: pd.DataFrame) -> None:
    # At the lower edge, away from the curves: a cross per lambda, with how many diverged.
    for width, group in replicates.groupby("width"):
        lost = group[group["status"] == "diverged"]
        for row, (l2, some) in enumerate(lost.groupby("l2")):
            place, edge = (width, 0.04 + 0.06 * row), axes.get_xaxis_transform()
            look = {"marker": "x", "markersize": 4.5, "markeredgewidth": 1.3, "gid": "diverged"}
            color = style.l2_color(l2)
            axes.plot(*place, color=color, transform=edge, linestyle="none", zorder=6, **look)
            text = f"{len(some)}/{(group['l2'] == l2).sum()}"
            axes.annotate(text, place, (4, -2.3), edge, "offset points", color=color, fontsize=6.5)


def _limit(axes: Axes, stats: pd.DataFrame, widths: pd.Series, logarithmic: bool) -> None:
    if not logarithmic:
        low = min(0.0, stats["low"].fillna(stats["mean"]).min()) if len(stats) else 0.0
        axes.set_ylim(1.05 * low - 0.04, 1.05)
        return
    smallest = min(stats.loc[stats["mean"] > 0, "mean"].min(), widths.max() ** -0.5)
    axes.set_ylim(0.6 * smallest, 1.3)
    panels.decades(axes)
