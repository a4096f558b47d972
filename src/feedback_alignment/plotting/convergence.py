"""song_convergence: the error falls exponentially under random feedback (Song 2021, theorem)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_alignment.plotting import panels, style, tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("error_norm", "rate_bound", "rate_local", "decay_rate")
_CELL = ["activation", "width", "rule", "l2", "schedule"]
_FLOOR = 1e-18  # relative error at which the logarithm is cut off; doubles carry no more
_GUIDES = {"rate_bound": "theorem bound", "rate_local": "local rate"}


def relative_error(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `error_norm`, each divided by its replicate's value at step 0."""
    rows = tables.metric(table, "error_norm")
    start = rows[rows["step"] == 0].set_index(tables.REPLICATE)["value"]
    first = rows.join(start.rename("start"), on=tables.REPLICATE)["start"]
    return rows.assign(value=(rows["value"] / first).clip(lower=_FLOOR))


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    if not (table.loc[table["metric"] == "error_norm", "step"] == 0).any():
        return "No error_norm at step 0 in the table: the experiment does not record it."
    return tables.lacking_steps(table)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Fitted, local and guaranteed rate a step, and the error left, mean over runs by cell."""
    table = tables.with_variant(table, _CELL)
    cell = [*_CELL, *(["variant"] if table["variant"].any() else [])]
    end = tables.last(relative_error(table), "error_norm")
    columns = {"error left": tables.mean_over_replicates(end, cell, geometric=True)}
    for name in ("decay_rate", "rate_local", "rate_bound"):
        columns[name] = tables.mean_over_replicates(tables.metric(table, name), cell)
    out = (
        tables.replicates(table).groupby(cell, dropna=False).size().rename("replicates").to_frame()
    )
    out["diverged"] = tables.diverged(table).groupby(cell, dropna=False).size()
    out["diverged"] = out["diverged"].fillna(0).astype(int)
    for name, stats in columns.items():
        out[name.replace("_", " ")] = stats.set_index(cell)["mean"]
    return out


def draw(table: pd.DataFrame) -> Figure:
    """Relative error against step: columns of activations, rows of widths, lines of rules."""
    table = tables.with_variant(table, _CELL)
    variants = sorted(table["variant"].unique())
    activations = style.in_order(list(table["activation"].unique()))
    widths = {a: sorted(table.loc[table["activation"] == a, "width"].unique()) for a in activations}
    rows = max(map(len, widths.values()))
    figure, axes = panels.grid(rows, len(activations), 1.95, sharey=True)
    for column, activation in enumerate(activations):
        for row in range(rows):
            panel = axes[row][column]
            if row >= len(widths[activation]):
                panel.set_axis_off()
                continue
            width = widths[activation][row]
            cells = table[(table["activation"] == activation) & (table["width"] == width)]
            panels.title(
                panel,
                style.activation_name(activation),
                f"$p$ = {style.count(width)}",
                panels.diverged_note(cells, table),
            )
            _panel(panel, cells, variants)
            last = row + 1 >= len(widths[activation])
            panels.step_axis(panel, label=last)
            if column == 0:
                panel.set_ylabel("$\\Vert e(t)\\Vert\\,/\\,\\Vert e(0)\\Vert$")
    axes[0][0].set_ylim(*_limits(table))
    panels.decades(axes[0][0])
    panels.legend(figure, _handles(table, variants))
    absent = [name for name in _GUIDES if tables.metric(table, name).empty]
    if absent and (table["rule"] == "fa").any() and (table["status"] != "diverged").any():
        what = " or ".join(_GUIDES[name] for name in absent)
        panels.footnote(figure, f"No {what} in the table: set kernels: true in the settings.")
    return figure


def _panel(axes: Axes, cells: pd.DataFrame, variants: list[str]) -> None:
    error = relative_error(cells)
    panels.all_diverged(axes, cells)
    horizon = 0.0
    for (rule, l2, schedule), rows in error.groupby(["rule", "l2", "schedule"], dropna=False):
        color = style.method_color(rule, l2)

        def line(part, dashes, color=color, rule=rule):
            stats = tables.mean_over_replicates(part, ["step"], geometric=True)
            # BP lies under FA where the two coincide.
            wide = {"linewidth": 2.6, "alpha": 0.6, "zorder": 2.5} if rule == "bp" else {}
            panels.band(axes, stats["step"], stats, color, linestyle=dashes, **wide)

        panels.each_variant(rows, variants, line)
        if schedule == "none":
            horizon = max(horizon, _reaches_floor(rows))
    end = horizon or float(cells["step"].max())
    axes.set_xlim(0, max(end, 1.0))
    _guides(axes, cells, axes.get_xlim()[1])
    panels.mark_diverged(axes, cells)


def _reaches_floor(rows: pd.DataFrame) -> float:
    # The axis ends a little after the slowest curve has reached its floating-point floor.
    stats = tables.mean_over_replicates(rows, ["step"], geometric=True)
    last, least = stats["step"].max(), stats["mean"].min()
    near = stats.loc[stats["mean"] <= 20 * least, "step"].min()
    if least > 1e-5 or near > last / 2:
        return float(last)
    return min(1.15 * float(near), float(last))


def _guides(axes: Axes, cells: pd.DataFrame, end: float) -> None:
    import numpy as np

    steps = np.linspace(0, end, 200)
    plain = cells[cells["schedule"] == "none"]
    fa = plain[plain["rule"] == "fa"]
    for name, dashes in (("rate_bound", (0, (4, 2))), ("rate_local", (0, (1.2, 1.3)))):
        rate = tables.metric(fa, name)["value"]
        if len(rate):
            guide = np.clip((1 - rate.mean()) ** steps, _FLOOR, None)
            color = style.GUIDE if name == "rate_bound" else style.INK
            axes.plot(
                steps, guide, color=color, linewidth=1.1, linestyle=dashes, gid=name, zorder=4
            )


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    error = relative_error(table)
    if error.empty:
        return 1e-3, 3.0
    stats = tables.mean_over_replicates(error, [*_CELL, "variant", "step"], geometric=True)
    low, high = float(stats["mean"].min()), float(stats["mean"].max())
    return max(low / 3, _FLOOR), max(high * 3, low * 10)


def _handles(table: pd.DataFrame, variants: list[str]) -> list:
    methods = table[["rule", "l2", "schedule"]].drop_duplicates().sort_values(["rule", "l2"])
    handles = []
    for rule, l2 in dict.fromkeys(methods[["rule", "l2"]].itertuples(index=False, name=None)):
        wide = {"linewidth": 3.0, "alpha": 0.6} if rule == "bp" else {}
        handles.append(
            panels.key(style.method_color(rule, l2), style.method_name(rule, l2), **wide)
        )
    if "rate_local" in set(table["metric"]):
        handles.append(
            panels.guide_key(
                "local rate $(1-\\eta\\lambda_{\\min}(G{+}H))^t$",
                color=style.INK,
                linestyle=(0, (1.2, 1.3)),
            )
        )
    if "rate_bound" in set(table["metric"]):
        handles.append(panels.guide_key("theorem $(1-\\eta\\gamma/4)^t$"))
    return handles + panels.variant_keys(variants)
