"""A minimum holds under feedback that is aligned with its weights (Chu 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from feedback_alignment.figures import marks, minima, style

_MARKERS = {"tied": "o", "random": "D", "own": "^", "fresh": "v"}
_NEAR_ZERO = 1e-3  # linear below, on the axis of r
_RANDOM_AT = 112.0  # place of random feedback on the axis of angles,
_APART = 9.0  # and how far the next width is from it
_LOOK: dict[str, Any] = {"linestyle": "none", "markersize": 3.6, "markeredgewidth": 0.8}


@marks.drawing(minima.lacking)
def draw(table: pd.DataFrame) -> Figure:
    """Rise of the loss against r, a point a run (left); who stays, against the angle (right)."""
    rows = minima.select(table)
    runs = minima.runs_of(rows)
    colors = style.width_colors(runs["width"])
    figure, ((left, right),) = marks.grid(1, 2, 2.4)
    judged = runs[runs["ratio"].notna() & runs["stays"].notna() & runs["kind"].isin(_MARKERS)]
    agree = int(((judged["ratio"] >= 0) == judged["stays"]).sum())
    told = f"its sign tells {agree} of {len(judged)} runs" if len(judged) else ""
    for axes, name, aside, painter, kinds, metrics in (
        (left, "(a) $r$ and the loss", told, _criterion, [*_MARKERS],
         "loss_rise with stability_ratio (spectrum: true)"),
        (right, "(b) who stays", "", _shares, ["tied", "random"], "loss_rise"),
    ):  # fmt: skip
        cells = runs[runs["kind"].isin(kinds)]
        marks.title(axes, name, aside, marks.diverged_note(cells, runs))
        if not painter(axes, cells, colors):
            minima.say_none(axes, cells, kinds[0], metrics)
    marks.legend(figure, _keys(runs, colors))
    notes = minima.own_step_size(rows), minima.left_out(table, rows)
    marks.footnote(figure, " ".join(filter(None, notes)))
    return figure


def _criterion(axes: Axes, cells: pd.DataFrame, colors: dict[int, str]) -> bool:
    """A point a replicate: r at the intervention and the rise of the loss after it."""
    runs = cells[cells["ratio"].notna()]
    shown = runs[runs["rise"] > 0]
    if shown.empty:
        return False
    keys = ["kind", "width", "tie_angle"]
    for key, part in shown.groupby(keys):
        look = _LOOK | _mark(colors, *key)
        axes.plot(part["ratio"], part["rise"], alpha=0.85, zorder=3, gid="data", **look)
    axes.axhline(minima.STAYS, color=style.GUIDE, linewidth=0.9, zorder=1)
    axes.set_ylim(min(0.5, shown["rise"].min() / 2), max(shown["rise"].max(), minima.STAYS) * 5)
    marks.decades(axes)
    for key, part in runs[runs["status"] == "diverged"].groupby(keys):
        marks.cross(axes, part["ratio"], [0.97] * len(part), _mark(colors, *key)["color"])
    # What counts is the sign: logarithmic on both sides of zero.
    axes.axvspan(-1e9, 0, color=style.ALERT, alpha=0.06, linewidth=0, zorder=0)
    axes.axvline(0, color=style.INK, linewidth=0.8, zorder=1)
    axes.set_xscale("symlog", linthresh=_NEAR_ZERO, linscale=0.6)
    marks.ticks(axes.xaxis, [-1, -0.1, -0.01, 0, 0.01], marks.signed)
    low, high = runs["ratio"].min(), runs["ratio"].max()
    axes.set_xlim(min(2 * low, -2 * _NEAR_ZERO), max(2 * high, 2 * _NEAR_ZERO))
    at, of = (0.99, minima.STAYS), ("axes fraction", "data")
    marks.remark(axes, "the loss doubles", at, of, (0, 2), style.GUIDE, ha="right")
    axes.set_xlabel("$r$ at the intervention: least over largest real part of $K$")
    axes.set_ylabel("loss rises by a factor of")
    return True


def _shares(axes: Axes, cells: pd.DataFrame, colors: dict[int, str]) -> bool:
    """Share of replicates that stay against the angle of the feedback, and for random feedback."""
    judged = cells[cells["stays"].notna()]
    if judged.empty:
        return False
    ticks: dict[float, str] = {0: "0", 30: "30", 60: "60", 90: "90"}
    tied = judged[judged["kind"] == "tied"]
    for (width, angle), part in tied.groupby(["width", "tie_angle"]):
        _bar(axes, angle, minima.share_of(part["stays"]), _mark(colors, "tied", width, angle))
    for _, part in tied.groupby("width"):
        shares = part.groupby("tie_angle")["stays"].mean()
        look = {"color": style.GUIDE, "linewidth": 1.1, "zorder": 2, "gid": "joined"}
        axes.plot(shares.index, shares.astype(float), **look)
    random = judged[judged["kind"] == "random"]
    places = _RANDOM_AT
    for number, (width, part) in enumerate(random.groupby("width")):
        places = _RANDOM_AT + _APART * number
        _bar(axes, places, minima.share_of(part["stays"]), _mark(colors, "random", width))
    if len(random):
        ticks[(_RANDOM_AT + places) / 2] = "random"
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set_xlim(-6, places + 10 if len(random) else 96)
    axes.set_ylim(-0.04, 1.06)
    axes.set_xlabel("angle of the feedback to the weights, degrees")
    axes.set_ylabel("share of replicates that stay")
    return True


def _bar(axes: Axes, x: float, share: Sequence[float], mark: dict[str, Any]) -> None:
    mean, low, high = share
    look = {"elinewidth": 1.0, "zorder": 3, "gid": "share"} | _LOOK | mark
    axes.errorbar([x], [mean], yerr=[[mean - low], [high - mean]], **look)


def _mark(colors: dict[int, str], kind: str, width: int, angle: float = 0.0) -> dict[str, Any]:
    """Marker and colour of the runs of a kind: the angle's, or the width's."""
    if kind in ("own", "fresh"):
        return {"marker": _MARKERS[kind], "color": style.INK, "markerfacecolor": "none"}
    if kind == "random":
        return {"marker": _MARKERS[kind], "color": colors[width]}
    # The pale end of the scale cannot be seen on white.
    color = seaborn.color_palette("viridis", as_cmap=True)(0.88 * min(angle, 90.0) / 90.0)
    return {"marker": _MARKERS[kind], "color": to_hex(color)}


def _keys(runs: pd.DataFrame, colors: dict[int, str]) -> list[Line2D]:
    """Entries of the legend for what is there."""
    rule, handles = minima.rule_of(runs), []
    tied = runs[runs["kind"] == "tied"]
    if len(tied):
        name = "BP minimum, feedback at an angle: colours of (b)"
        middle = float(tied["tie_angle"].median())
        handles.append(marks.key(label=name, **_LOOK | _mark(colors, "tied", 0, middle)))
    for kind in ("random", "own", "fresh"):
        for width, _ in runs[runs["kind"] == kind].groupby("width"):
            size = f", {style.label('width', width)}" if kind == "random" else ""
            mark = _LOOK | _mark(colors, kind, width)
            handles.append(marks.key(label=minima.name_of(kind, rule) + size, **mark))
    return handles
