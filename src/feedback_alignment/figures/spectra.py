"""Panels of the eigenvalues of K, on axes that are logarithmic on both sides of zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_alignment.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


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
        of = f", mean of {len(ratios)} runs" if len(ratios) > 1 else ""
        axes.annotate(
            f"$r$ = {_signed(ratios.mean())}{of}", (0, 1), (0, 5), "axes fraction",
            "offset points", fontsize=7.5, gid="ratio",
        )  # fmt: skip
    replicate = int(parts["replicate"].min())
    one = parts[parts["replicate"] == replicate]
    values = one.pivot_table("value", ["step", "layer"], "metric").dropna().reset_index()
    moment = one["moment"].iloc[0]
    before, now = values[values["step"] < moment], values[values["step"] == moment]
    axes.axvspan(-1e9, 0, color=style.ALERT, alpha=0.06, linewidth=0, zorder=0)
    axes.axvline(0, color=style.INK, linewidth=0.8, zorder=1)
    look = {"linestyle": "none", "zorder": 3}
    axes.plot(
        before["K_real"], before["K_imag"], "o", markersize=4.2, markerfacecolor="none",
        markeredgecolor="#b4b8be", markeredgewidth=0.7, gid="before", **look,
    )  # fmt: skip
    for those, color, gid in (
        (now["K_real"] >= 0, style.rule_color("fa"), "data"),
        (now["K_real"] < 0, style.ALERT, "unstable"),
    ):
        axes.plot(
            now.loc[those, "K_real"], now.loc[those, "K_imag"], "o", markersize=2.4, color=color,
            markeredgewidth=0, gid=gid, **look,
        )  # fmt: skip
    axes.set_xlabel("Re of an eigenvalue of $K$")
    return replicate


def _signed(value: float) -> str:
    text = f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.1g}"
    return text.replace("-", "\N{MINUS SIGN}")


def link(row: list[Axes]) -> None:
    """Let the panels of a row share their axes."""
    for axes in row[1:]:
        axes.sharex(row[0])
        axes.sharey(row[0])
        axes.tick_params(labelleft=False)


def limit_spectra(row: list[Axes]) -> None:
    """Logarithmic on both sides of zero: spectra span decades, and what counts lies around it."""
    import numpy as np
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    drawn = [line for axes in row for line in axes.get_lines() if line.get_gid() is not None]
    if not drawn:
        return
    reach = []
    for values in (
        np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in drawn]),
        np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in drawn]),
    ):
        reach.append((values.min(), values.max()))
    largest = max(abs(end) for ends in reach for end in ends)
    # Two decades each way, and zero in the middle.
    edge = 10.0 ** (np.floor(np.log10(largest)) - 2) if largest > 0 else 1.0
    decades = [edge * 10.0**k for k in range(1, 4)]
    ticks = [-x for x in reversed(decades)] + [0.0] + decades
    for axes in row:
        if not axes.axison:
            continue
        for which, (low, high) in zip("xy", reach, strict=True):
            getattr(axes, f"set_{which}scale")("symlog", linthresh=edge, linscale=0.6)
            axis = getattr(axes, f"{which}axis")
            axis.set_major_locator(FixedLocator(ticks))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "\u2212")))
            ends = min(1.6 * low, -2 * edge), max(1.6 * high, 2 * edge)
            getattr(axes, f"set_{which}lim")(*ends)
