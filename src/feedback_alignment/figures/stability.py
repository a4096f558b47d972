"""A minimum holds under feedback that is aligned with its weights (Chu 2024)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from feedback_alignment.figures import marks, numbers, style
from feedback_alignment.figures.minima import (
    CASES,
    KINDS,
    METRICS,
    STAYS,
    lacking,
    left_out,
    name_of,
    own_step_size,
    rule_of,
    runs_of,
    select,
    share_of,
    summary,
)
from feedback_alignment.figures.spectra import limit_spectra, spectrum

__all__ = ["METRICS", "draw", "lacking", "summary"]

#: Below this loss, errors are rounding and cosines mean nothing.
ROUNDING = 1e-20

# One hue for networks of another width, far from the blue of FA and from the angles' colours.
_WIDE = LinearSegmentedColormap.from_list("wide", ("#f7b267", "#8f4a00"))
_MARKERS = {"tied": "o", "random": "D", "own": "^", "fresh": "v"}
_NEAR_ZERO = 1e-3  # linear below, on the axis of r
_MINUS = "\N{MINUS SIGN}"
_RANDOM_AT = 112.0  # place of random feedback on the axis of angles,
_APART = 9.0  # and how far the next width is from it
_STAYS_LINE = {"color": style.GUIDE, "linewidth": 0.9, "linestyle": marks.DOTTED}
_CROSS = {"marker": "x", "markersize": 5, "markeredgewidth": 1.3, "linestyle": "none", "zorder": 5}
_DOT = {"linestyle": "none", "marker": "o"}


@marks.drawing(lacking)
def draw(table: pd.DataFrame) -> Figure:
    """Spectra of K_FA (above); loss, alignment, who stays, and rise against r (below)."""
    rows = select(table)
    runs = runs_of(rows)
    figure, (upper, lower) = marks.grid(2, 4, 2.35)
    for axes in upper[1:]:
        axes.sharex(upper[0])
        axes.sharey(upper[0])
        axes.tick_params(labelleft=False)
    replicates = [
        _spectrum(axes, rows[(rows["kind"] == kind) & ~rows["wide"]], runs, kind, letter)
        for axes, kind, letter in zip(upper, KINDS, "abcd", strict=False)
    ]
    for axes in [axes for axes in upper if axes.axison][:1]:
        axes.set_ylabel("Im of an eigenvalue of $K$")
        axes.tick_params(labelleft=True)
    limit_spectra(upper)
    for axes, (name, painter, cells, kinds, metrics) in zip(
        lower,
        (
            ("(e) loss", _losses, rows, ("random", "control"), "loss after the intervention"),
            (
                "(f) alignment", _path, rows, ("random",),
                "gradient_alignment where the loss is above rounding",
            ),
            ("(g) share that stays", _shares, runs, ("tied", "random"), "loss_rise"),
            (
                "(h) r and loss", _criterion, runs, ("tied", "random", "own", "fresh"),
                "loss_rise with stability_ratio (spectrum: true)",
            ),
        ),
        strict=True,
    ):  # fmt: skip
        marks.title(axes, name)
        cells = cells[cells["kind"].isin(kinds)]
        if not painter(axes, cells):
            _say_none(axes, cells, kinds[0], metrics)
    marks.legend(figure, _keys(rows, runs, replicates), most=4, rows=3)
    remarks = ["Circles in (h) have the colours of the angles in (g)."]
    remarks = remarks * int((rows["kind"] == "tied").any())
    remarks += filter(None, [own_step_size(rows), left_out(table, rows)])
    marks.footnote(figure, " ".join(remarks))
    return figure


def _spectrum(
    axes: Axes, cells: pd.DataFrame, runs: pd.DataFrame, kind: str, letter: str
) -> int | None:
    """A panel of the eigenvalues of the runs of one kind; returns the replicate shown."""
    name = name_of(kind, rule_of(runs)).replace(", ", ",\n")
    if kind == "tied" and len(cells):
        least = cells["tie_angle"].min()
        cells = cells[cells["tie_angle"] == least]
        name = f"BP minimum,\nfeedback at {least:g}°"
    axes.set_title(f"({letter}) {name}", loc="left", pad=15.0)
    ratios = runs.loc[runs["condition"].isin(cells["condition"]), "ratio"].dropna()
    shown = spectrum(axes, cells, ratios)
    if shown is None:
        _say_none(axes, cells, kind, "eigenvalues (spectrum: true, eigenvalues: true)", wrap=24)
    return shown


def _say_none(axes: Axes, cells: pd.DataFrame, kind: str, metrics: str, wrap: int = 28) -> None:
    """Say why a panel has nothing to show: no such run, all diverged, or no such metric."""
    reason = f"No {metrics} in the table."
    if cells.empty:
        cases = " or ".join(case for case, of in CASES.items() if of == kind)
        reason = f"No run of case {cases} in the table."
    elif (cells["status"] == "diverged").all():
        reason = f"All {len(numbers.replicates(cells))} replicates diverged."
    marks.say_missing(axes, reason, wrap=wrap)


def _losses(axes: Axes, cells: pd.DataFrame) -> bool:
    """Loss after the intervention over that at it: a thin line a replicate, thick their mean."""
    loss = cells[(cells["metric"] == "loss") & (cells["step"] >= cells["moment"])]
    loss = loss[loss["value"] > 0]
    if loss.empty:
        return False
    at = loss[loss["step"] == loss["moment"]].set_index(numbers.REPLICATE)["value"]
    starts = at.reindex(loss.set_index(numbers.REPLICATE).index).to_numpy()
    loss = loss.assign(value=loss["value"] / starts, since=loss["step"] - loss["moment"])
    loss = loss[loss["value"].notna()].sort_values("since", kind="stable")
    for _, part in loss.groupby(["kind", "width"]):
        color, dashes = _look(part)
        lost = part["status"] == "diverged"
        for _, run in part.groupby("replicate"):
            thin = {"color": color, "linewidth": 0.5, "alpha": 0.35, "zorder": 2}
            axes.plot(run["since"], run["value"], gid="replicate", **thin)
        stats = numbers.estimate(part[~lost], ["since"], "geometric")
        thick = {"color": color, "linestyle": dashes, "linewidth": 1.9, "zorder": 4}
        axes.plot(stats["since"], stats["mean"], gid="data", **thick)
        for end in part[lost].groupby("replicate").tail(1).sort_values("replicate").itertuples():
            axes.plot(end.since, end.value, color=color, gid="diverged", **_CROSS)
    axes.axhline(STAYS, zorder=1, **_STAYS_LINE)
    axes.set_ylim(loss["value"].min() / 3, max(loss["value"].max(), STAYS) * 3)
    marks.decades(axes)
    _since_axis(axes)
    axes.set_ylabel("loss / loss at the intervention")
    if note := marks.diverged_note(cells, cells):
        look = {"color": style.ALERT, "fontsize": 6.5, "ha": "right", "gid": "note"}
        axes.annotate(note, (0.98, 0.02), xycoords="axes fraction", **look)
    return True


def _since_axis(axes: Axes) -> None:
    """Steps from the intervention on: logarithmic from 1, since most happens at once."""
    drawn = [line.get_xdata() for line in axes.get_lines() if line.get_gid() is not None]
    last = max(1, *np.concatenate([np.atleast_1d(steps) for steps in drawn]))
    axes.set_xscale("symlog", linthresh=1, linscale=0.6)
    axes.set_xlim(-0.3, last * 1.3)
    powers = range(0, len(str(int(last))), 1 if last < 1000 else 2)
    marks.ticks(axes.xaxis, [0, *(10**power for power in powers)], _power)
    axes.set_xlabel("steps after the intervention")


def _power(step: float) -> str:
    """0, 1, 10, and powers of ten beyond."""
    return f"{step:g}" if step < 100 else f"$10^{{{len(str(int(step))) - 1}}}$"


def _path(axes: Axes, cells: pd.DataFrame) -> bool:
    """Alignment along the way after the switch, where the loss is above rounding."""
    after = cells[cells["step"] >= cells["moment"]]
    cosine = numbers.metric(after, "gradient_alignment", "hidden")
    keys = [*numbers.REPLICATE, "step"]
    loss = numbers.metric(after, "loss").set_index(keys)["value"]
    rounding = loss.reindex(cosine.set_index(keys).index).to_numpy() <= ROUNDING
    cosine = cosine.assign(since=cosine["step"] - cosine["moment"])[~rounding]
    if cosine.empty:
        return False
    for _, part in cosine.groupby("width"):
        color, dashes = _look(part)
        stats = numbers.estimate(part, ["since"])
        marks.band(axes, stats["since"], stats, color, linestyle=dashes)
    axes.axhline(0, color=style.GUIDE, linewidth=0.9, zorder=1)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -0.2), max(high, 0.2))
    _since_axis(axes)
    axes.set_ylabel("gradient alignment,\nhidden layers")
    return True


def _shares(axes: Axes, cells: pd.DataFrame) -> bool:
    """Share of replicates that stay against the angle of the feedback, and for random feedback."""
    judged = cells[cells["stays"].notna()]
    if judged.empty:
        return False
    ticks: dict[float, str] = {0: "0", 30: "30", 60: "60", 90: "90"}
    places = sorted(judged.loc[judged["kind"] == "random", "rank"].unique())
    for rank, at_width in judged.groupby("rank"):
        color, dashes = _look(at_width)
        random = at_width["kind"] == "random"
        tied = at_width[~random].groupby("tie_angle")["stays"]
        shares = {angle: share_of(stays) for angle, stays in tied}
        if shares:
            line = {"color": style.GUIDE, "linewidth": 1.1, "linestyle": dashes, "zorder": 2}
            axes.plot([*shares], [share for share, *_ in shares.values()], gid="data", **line)
        for angle, share in shares.items():
            _bar(axes, angle, share, _angle_color(angle), "s" if rank else "o")
        if rank in places:
            place = _RANDOM_AT + _APART * places.index(rank)
            share = share_of(at_width["stays"][random])
            _bar(axes, place, share, color, "s" if rank else "D")
    right = 96.0
    if places:
        # The widths stand in the legend; below the bars there is no room for them.
        last = _RANDOM_AT + _APART * (len(places) - 1)
        ticks[(_RANDOM_AT + last) / 2] = "random"
        right = max(last + 8.0, (_RANDOM_AT + last) / 2 + 20.0)
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set_xlim(-6, right)
    axes.set_ylim(-0.04, 1.06)
    axes.set_xlabel("angle of the feedback, degrees")
    axes.set_ylabel("share of replicates")
    return True


def _bar(axes: Axes, x: float, share: Sequence[float], color: str, marker: str) -> None:
    mean, low, high = share
    axes.errorbar(
        [x], [mean], yerr=[[mean - low], [high - mean]], color=color, marker=marker,
        markersize=4.2, elinewidth=1.0, linestyle="none", zorder=3, gid="share",
    )  # fmt: skip


def _criterion(axes: Axes, cells: pd.DataFrame) -> bool:
    """A point a replicate: r at the intervention and the rise of the loss after it."""
    runs = cells[cells["ratio"].notna()]
    shown = runs[runs["rise"] > 0]
    if shown.empty:
        return False
    keys = ["kind", "rank", "tie_angle"]
    for _, part in shown.groupby(keys):
        look = {"markersize": 3.6, "alpha": 0.85, "markeredgewidth": 0.8, "zorder": 3}
        axes.plot(part["ratio"], part["rise"], gid="data", **_mark(part), **look)
    axes.axhline(STAYS, zorder=1, **_STAYS_LINE)
    axes.set_ylim(min(0.5, shown["rise"].min() / 2), max(shown["rise"].max(), STAYS) * 5)
    marks.decades(axes)
    edge = axes.get_xaxis_transform()
    for _, part in runs[runs["status"] == "diverged"].groupby(keys):
        color = _mark(part)["color"]
        heights = [0.97] * len(part)
        axes.plot(part["ratio"], heights, color=color, gid="diverged", transform=edge, **_CROSS)
    # What counts is the sign: logarithmic on both sides of zero.
    axes.axvspan(-1e9, 0, color=style.ALERT, alpha=0.06, linewidth=0, zorder=0)
    axes.axvline(0, color=style.INK, linewidth=0.8, zorder=1)
    axes.set_xscale("symlog", linthresh=_NEAR_ZERO, linscale=0.6)
    marks.ticks(axes.xaxis, [-1, -0.01, 0, 0.01], lambda r: f"{r:g}".replace("-", _MINUS))
    low, high = runs["ratio"].min(), runs["ratio"].max()
    axes.set_xlim(min(2 * low, -2 * _NEAR_ZERO), max(2 * high, 2 * _NEAR_ZERO))
    axes.set_xlabel("$r$ at the intervention")
    axes.set_ylabel("loss rises by a factor of")
    return True


def _angle_color(angle: float) -> str:
    # The pale end of the scale cannot be seen on white.
    return to_hex(seaborn.color_palette("viridis", as_cmap=True)(0.88 * min(angle, 90.0) / 90.0))


def _mark(part: pd.DataFrame) -> dict[str, Any]:
    """The points of the runs of one kind, width and angle, a point a replicate."""
    one = part.iloc[0]
    marker = {"marker": "s" if one["wide"] else _MARKERS[one["kind"]], "linestyle": "none"}
    if one["kind"] in ("own", "fresh"):
        return marker | {"color": style.INK, "markerfacecolor": "none"}
    color = _angle_color(one["tie_angle"]) if one["kind"] == "tied" else _look(part)[0]
    return marker | {"color": color, "markerfacecolor": color}


def _look(part: pd.DataFrame) -> tuple[str, Any]:
    """Colour and dashes of the runs of one kind and width."""
    one = part.iloc[0]
    if one["kind"] == "control":
        return style.rule_color("bp"), marks.dash(1 + one["rank"]) if one["wide"] else "-"
    color = to_hex(_WIDE(float(one["shade"]))) if one["wide"] else style.rule_color("fa")
    return color, marks.dash(one["rank"])


def _keys(rows: pd.DataFrame, runs: pd.DataFrame, replicates: Iterable[int | None]) -> list[Line2D]:
    """Entries of the legend for what is there."""
    handles, rule = [], rule_of(rows)
    known = {replicate for replicate in replicates if replicate is not None}
    if known:
        which = f"replicate {min(known)}, " if len(known) == 1 else ""
        hollow = {"markerfacecolor": "none", "markeredgecolor": "#9a9ea5", "markersize": 4.2}
        handles += [
            marks.key("#9a9ea5", f"{which}one step before", **_DOT, **hollow),
            marks.key(style.rule_color("fa"), "at the intervention", **_DOT, markersize=3),
            marks.key(style.ALERT, "at it, unstable", **_DOT, markersize=3),
        ]
    several = rows["width"].nunique() > 1
    for kind in ("random", "control", "tied", "own", "fresh"):
        of_kind = runs[runs["kind"] == kind]
        for width, cell in of_kind.groupby("width"):
            size = f", $p$ = {style.count(width)}" if several else ""
            color, dashes = _look(cell)
            if kind in ("random", "control"):
                name = f"BP minimum, then {rule if kind == 'random' else 'BP'}"
                marker = {"marker": _mark(cell)["marker"]} if kind == "random" else {}
                handles.append(marks.key(color, name + size, linestyle=dashes, **marker))
            elif kind == "tied":
                look = {"linestyle": dashes, "marker": _mark(cell)["marker"], "linewidth": 1.1}
                if of_kind["wide"].any():
                    handles.append(marks.key(style.GUIDE, f"at an angle{size}", **look))
            else:
                name = name_of(kind, rule) + size * bool(cell["wide"].iloc[0])
                handles.append(marks.key(label=name, **_mark(cell)))
    if runs["rise"].notna().any():
        handles.append(marks.guide_key(f"stays below a rise of {STAYS:g}", **_STAYS_LINE))
    return handles
