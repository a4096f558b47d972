"""The eigenvalues of K around an intervention, on axes logarithmic on both sides of zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feedback_alignment.figures import marks, minima, style

_KINDS = ("random", "own", "fresh", "tied")
_DOT: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.4, "markeredgewidth": 0}
#: Eigenvalues one step before the intervention, at it, and those of the latter left of zero.
_LOOKS: dict[str, dict[str, Any]] = {
    "before": {"linestyle": "none", "marker": "o", "markersize": 4.2, "markeredgewidth": 0.7}
    | {"color": "#a4a8ae", "markerfacecolor": "none"},
    "data": _DOT | {"color": style.rule_color("fa")},
    "unstable": _DOT | {"color": style.ALERT},
}


@marks.drawing(minima.lacking)
def draw(table: pd.DataFrame) -> Figure:
    """A panel for each kind of run, at the commonest width and the least angle of the feedback."""
    rows = minima.select(table)
    usual = rows.drop_duplicates("condition")["width"].mode()[0]
    rows = rows[rows["width"] == usual]
    runs, rule = minima.runs_of(rows), minima.rule_of(rows)
    figure, (panels,) = marks.grid(1, len(_KINDS), 2.0, sharex=True, sharey=True)
    for axes, kind, letter in zip(panels, _KINDS, "abcd", strict=True):
        cells = rows[rows["kind"] == kind]
        name = minima.name_of(kind, rule)
        if kind == "tied" and len(cells):
            cells = cells[cells["tie_angle"] == cells["tie_angle"].min()]
            name = f"BP minimum, feedback at {cells['tie_angle'].min():g}°"
        axes.set_title(f"({letter}) {name}".replace(", ", ",\n"), loc="left", pad=15.0)
        if not _spectrum(axes, cells, runs[runs["condition"].isin(cells["condition"])]["ratio"]):
            minima.say_none(axes, cells, kind, "eigenvalues (eigenvalues: true)", wrap=22)
        axes.set_xlabel("Re of an eigenvalue")
    panels[0].set_ylabel("Im of an eigenvalue of $K$")
    _limit(panels)
    names = ("one step before the intervention", "at it", "at it, left of zero")
    looks = zip(names, _LOOKS.values(), strict=True)
    marks.legend(figure, [marks.key(label=name, **look) for name, look in looks])
    return figure


def _spectrum(axes: Axes, cells: pd.DataFrame, ratios: pd.Series) -> bool:
    """The eigenvalues of the first replicate; above them the mean of r over replicates."""
    parts = cells[cells["metric"].isin(["K_real", "K_imag"]) & cells["value"].notna()]
    parts = parts[(parts["step"] - parts["moment"]).isin([-1, 0])]
    if parts.empty:
        return False
    mean = ratios.mean()
    if mean == mean:
        digits = ".2g" if abs(mean) >= 0.1 else ".1g"
        text, at = f"mean $r$ = {marks.signed(float(f'{mean:{digits}}'))}", (0, 5)
        axes.annotate(text, (0, 1), at, "axes fraction", "offset points", gid="ratio")
    if note := marks.diverged_note(cells, cells):
        marks.remark(axes, note, (0.03, 0.03), "axes fraction", (0, 0), style.ALERT, gid="note")
    one = parts[parts["replicate"] == parts["replicate"].min()]
    values = one.pivot_table("value", ["step", "layer"], "metric").dropna().reset_index()
    now, left = values["step"] == one["moment"].iloc[0], values["K_real"] < 0
    axes.axvspan(-1e9, 0, color=style.ALERT, alpha=0.06, linewidth=0, zorder=0)
    axes.axvline(0, color=style.INK, linewidth=0.8, zorder=1)
    for (gid, look), those in zip(_LOOKS.items(), (~now, now & ~left, now & left), strict=True):
        axes.plot(values["K_real"][those], values["K_imag"][those], zorder=3, gid=gid, **look)
    return True


def _limit(panels: Sequence[Axes]) -> None:
    """Spectra span decades, and what counts lies around zero: two decades each way."""
    drawn = [line for axes in panels for line in axes.get_lines() if line.get_gid() is not None]
    if not drawn:
        return
    both = np.concatenate([np.asarray(line.get_data(), dtype=float) for line in drawn], axis=1)
    largest = abs(both).max()
    edge = 10.0 ** (np.floor(np.log10(largest)) - 2) if largest > 0 else 1.0
    ticks = [edge * 10.0**k for k in (1, 2, 3)]
    axes = panels[0]  # the others share its axes
    for which, values in zip("xy", both, strict=True):
        getattr(axes, f"set_{which}scale")("symlog", linthresh=edge, linscale=0.6)
        marks.ticks(getattr(axes, f"{which}axis"), [-t for t in ticks] + [0, *ticks], marks.signed)
        ends = min(1.6 * values.min(), -2 * edge), max(1.6 * values.max(), 2 * edge)
        getattr(axes, f"set_{which}lim")(*ends)
