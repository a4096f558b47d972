"""song_trajectories: decay aligns the weights and leaves a loss that grows with it (Song 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_alignment.plotting import panels, style, tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("loss", "weight_alignment")
_CELL = ["rule", "l2", "schedule", "activation", "width"]


def select(table: pd.DataFrame) -> pd.DataFrame:
    """For each activation, the rows of the largest width at which every lambda was run."""
    import pandas as pd

    rows = tables.steady(table)
    parts = []
    for _, part in rows.groupby("activation"):
        swept = part.groupby("width")["l2"].nunique()
        common = swept[swept == swept.max()].index.max()
        parts.append(part[part["width"] == common])
    return pd.concat(parts)


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    lacks = tables.lacking_metrics(table, *METRICS) or tables.lacking_steady(table)
    return lacks or tables.lacking_steps(tables.steady(table))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Final loss (geometric mean, as drawn) and weight alignment over replicates, by cell."""
    rows = tables.with_variant(select(table), _CELL)
    keys = ["activation", "width", "l2", *(["variant"] if rows["variant"].any() else [])]
    final = tables.last(rows, "loss")
    loss = tables.mean_over_replicates(final[final["value"] > 0], keys, geometric=True).set_index(
        keys
    )
    cosine = tables.mean_over_replicates(tables.last(rows, "weight_alignment"), keys).set_index(
        keys
    )
    out = cosine[["n", "mean", "sd"]].set_axis(["replicates", "cos(β, b)", "sd of cos"], axis=1)
    out["loss"] = loss["mean"]
    out["loss, low"], out["loss, high"] = loss["low"], loss["high"]
    return out


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
        below.set_xscale("log")
        below.set_xlim(1, max(2, cells["step"].max()))
        below.set_xlabel("step $t$")
        panels.mark_diverged(above, cells)
    upper[0].set_ylabel("loss $\\frac{1}{2}\\Vert e(t)\\Vert^2$")
    lower[0].set_ylabel("weight alignment\ncos($\\beta$, $b$)")
    limit_loss(upper, rows)
    limit_alignment(lower[0], rows)
    names = sorted(rows["l2"].unique())
    handles = [panels.key(style.l2_color(x), style.l2_name(x)) for x in names]
    panels.legend(figure, handles + panels.variant_keys(variants))
    return figure


def _panel(axes: Axes, cells: pd.DataFrame, metric: str, variants: list[str]) -> None:
    # Step 0 has no place on a logarithmic axis; step 1 differs from it by one update.
    rows = tables.metric(cells, metric)
    rows = rows[rows["step"] > 0]
    for l2, curve in rows.groupby("l2"):

        def line(part, dashes, l2=l2):
            part = part[part["value"] > 0] if metric == "loss" else part
            stats = tables.mean_over_replicates(part, ["step"], geometric=metric == "loss")
            panels.band(axes, stats["step"], stats, style.l2_color(l2), linestyle=dashes)

        panels.each_variant(curve, variants, line)


def limit_loss(row: list[Axes], cells: pd.DataFrame) -> None:
    """A logarithmic loss axis that ends below the plateaus, not at the floating-point floor.

    Where a curve leaves the panel, its final value stands at the lower edge.
    """
    rows = tables.metric(cells, "loss")
    rows = rows[(rows["step"] > 0) & (rows["value"] > 0)]
    if rows.empty:
        panels.decades(row[0])
        return
    keys = ["activation", "l2", "variant"]
    stats = tables.mean_over_replicates(rows, [*keys, "step"], geometric=True)
    final = stats.sort_values("step").groupby(keys).tail(1)
    plateaus = final.loc[final["l2"] > 0, "mean"]
    lowest = stats["mean"].min()
    low = max(lowest, plateaus.min() * 1e-3) if len(plateaus) else lowest
    row[0].set_ylim(low / 3, stats["mean"].max() * 5)
    panels.decades(row[0])
    for axes, activation in zip(
        row, style.in_order(list(cells["activation"].unique())), strict=True
    ):
        ends = final[(final["activation"] == activation) & (final["mean"] < low / 3)]
        for position, (_, end) in enumerate(ends.iterrows()):
            text = f"↓ to {_scientific(end['mean'])}"
            axes.annotate(
                text, (0.03, 0.04 + 0.09 * position), xycoords="axes fraction",
                color=style.l2_color(end["l2"]), fontsize=7.0, gid="floor",
            )  # fmt: skip


def limit_alignment(axes: Axes, cells: pd.DataFrame) -> None:
    """An alignment axis from zero (or the least value drawn) to one."""
    rows = tables.metric(cells, "weight_alignment")
    keys = ["activation", "l2", "schedule", "variant", "step"]
    stats = tables.mean_over_replicates(rows, keys)
    low = stats["low"].fillna(stats["mean"]).min() if len(stats) else 0.0
    axes.set_ylim(min(-0.05, 1.1 * low), 1.02)


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"${mantissa}\\times 10^{{{int(exponent)}}}$"
