"""Panels of the eigenvalues of K, on axes that are logarithmic on both sides of zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from feedback_alignment.figures import marks, style


def spectrum(axes: Axes, rows: pd.DataFrame, ratios: pd.Series) -> int | None:
    """Eigenvalues of one replicate before and at the intervention; returns the replicate.

    Args:
        axes: the panel.
        rows: tidy rows of one condition, with a column `moment`, the step of the intervention.
        ratios: r at the intervention, of each replicate.
    """
    parts = rows[rows["metric"].isin(["K_real", "K_imag"]) & rows["value"].notna()]
    parts = parts[(parts["step"] - parts["moment"]).isin([-1, 0])]
    if parts.empty:
        return None
    if len(ratios):
        mean = ratios.mean()
        value = f"{mean:.2f}" if abs(mean) >= 0.1 else f"{mean:.1g}"
        of = f", mean of {len(ratios)} runs" if len(ratios) > 1 else ""
        axes.annotate(
            f"$r$ = {_minus(value)}{of}", (0, 1), (0, 5), "axes fraction", "offset points",
            fontsize=7.5, gid="ratio",
        )  # fmt: skip
    replicate = int(parts["replicate"].min())
    one = parts[parts["replicate"] == replicate]
    values = one.pivot_table("value", ["step", "layer"], "metric").dropna().reset_index()
    before, now = values["step"] < one["moment"].iloc[0], values["step"] == one["moment"].iloc[0]
    left = values["K_real"] < 0
    axes.axvspan(-1e9, 0, color=style.ALERT, alpha=0.06, linewidth=0, zorder=0)
    axes.axvline(0, color=style.INK, linewidth=0.8, zorder=1)
    ring = {"markersize": 4.2, "markerfacecolor": "none", "markeredgecolor": "#b4b8be"}
    dot = {"markersize": 2.4, "markeredgewidth": 0}
    looks: tuple[tuple[pd.Series, str, dict[str, Any]], ...] = (
        (before, "before", ring | {"markeredgewidth": 0.7}),
        (now & ~left, "data", dot | {"color": style.rule_color("fa")}),
        (now & left, "unstable", dot | {"color": style.ALERT}),
    )
    for those, gid, look in looks:
        points = values[those]
        axes.plot(
            points["K_real"], points["K_imag"], "o", linestyle="none", zorder=3, gid=gid, **look
        )
    axes.set_xlabel("Re of an eigenvalue of $K$")
    return replicate


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def limit_spectra(row: list[Axes]) -> None:
    """Logarithmic on both sides of zero: spectra span decades, and what counts lies around it."""
    drawn = [line for axes in row for line in axes.get_lines() if line.get_gid() is not None]
    if not drawn:
        return
    x, y = np.concatenate([np.asarray(line.get_data(), dtype=float) for line in drawn], axis=1)
    largest = max(abs(x).max(), abs(y).max())
    # Two decades each way, and zero in the middle.
    edge = 10.0 ** (np.floor(np.log10(largest)) - 2) if largest > 0 else 1.0
    decades = [edge * 10.0**k for k in range(1, 4)]
    ticks = [-tick for tick in reversed(decades)] + [0.0] + decades
    for axes in row:
        if not axes.axison:
            continue
        for which, values in (("x", x), ("y", y)):
            getattr(axes, f"set_{which}scale")("symlog", linthresh=edge, linscale=0.6)
            marks.ticks(getattr(axes, f"{which}axis"), ticks, lambda tick: _minus(f"{tick:g}"))
            ends = min(1.6 * values.min(), -2 * edge), max(1.6 * values.max(), 2 * edge)
            getattr(axes, f"set_{which}lim")(*ends)
