"""A minimum holds under feedback that is aligned with its weights (Chu 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from feedback_alignment.figures.spectra import limit_spectra, link, spectrum

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["METRICS", "draw", "lacking", "summary"]

#: Below this loss, errors are rounding and cosines mean nothing.
ROUNDING = 1e-20

# One hue for networks of another width, far from the blue of FA and from the angles' colours.
_WIDE = ("#f7b267", "#8f4a00")
_MARKERS = {"tied": "o", "random": "D", "own": "^", "fresh": "v"}
_RANDOM_AT = 112.0  # place of random feedback on the axis of angles,
_APART = 9.0  # and how far the next width is from it
_STAYS_LINE = {"color": style.GUIDE, "linewidth": 0.9, "linestyle": marks.DOTTED}


def draw(table: pd.DataFrame) -> Figure:
    """Spectra of K_FA (above); loss, alignment, who stays, and alignment against rise (below)."""
    numbers.check_columns(table.columns)
    if reason := lacking(table):
        return marks.explanation(reason)
    with style.context():
        rows = select(table)
        remarks = ["Circles in (h) have the colours of the angles in (g)."]
        remarks = remarks * int((rows["kind"] == "tied").any())
        remarks += filter(None, [own_step_size(rows), left_out(table, rows)])
        return _draw(rows, " ".join(remarks))


def _draw(rows: pd.DataFrame, remark: str) -> Figure:
    runs = runs_of(rows)
    figure, (upper, lower) = marks.grid(2, 4, 2.35)
    link(upper)
    replicates = []
    for axes, kind, letter in zip(upper, KINDS, "abcd", strict=False):
        of_kind = rows[(rows["kind"] == kind) & ~rows["wide"]]
        name = name_of(kind, rule_of(rows)).replace(", ", ",\n")
        if kind == "tied" and len(of_kind):
            least = of_kind["tie_angle"].min()
            of_kind = of_kind[of_kind["tie_angle"] == least]
            name = f"BP minimum,\nfeedback at {least:g}°"
        axes.set_title(f"({letter}) {name}", loc="left", pad=15.0)
        ratios = runs.loc[runs["condition"].isin(of_kind["condition"]), "ratio"].dropna()
        replicates.append(spectrum(axes, of_kind, ratios))
        if replicates[-1] is None:
            wanted = "eigenvalues (spectrum: true, eigenvalues: true)"
            _say_none(axes, of_kind, kind, wanted, wrap=24)
    shown = [axes for axes in upper if axes.axison]
    for axes in shown[:1]:
        axes.set_ylabel("Im of an eigenvalue of $K$")
        axes.tick_params(labelleft=True)
    limit_spectra(upper)
    _losses(lower[0], rows)
    _path(lower[1], rows)
    _shares(lower[2], runs)
    _criterion(lower[3], runs)
    marks.legend(figure, _keys(rows, runs, replicates), most=4, rows=3)
    marks.footnote(figure, remark)
    return figure


def _say_none(axes: Axes, cells: pd.DataFrame, kind: str, metrics: str, wrap: int = 28) -> None:
    """Say why a panel has nothing to show: no such run, all diverged, or no such metric."""
    if cells.empty:
        cases = " or ".join(case for case, of in CASES.items() if of == kind)
        reason = f"No run of case {cases} in the table."
    elif (cells["status"] == "diverged").all():
        number = len(numbers.replicates(cells))
        reason = f"All {number} replicates diverged."
    else:
        reason = f"No {metrics} in the table."
    marks.say_missing(axes, reason, wrap=wrap)


def _angle_color(angle: float) -> str:
    import seaborn
    from matplotlib.colors import to_hex

    # The pale end of the scale cannot be seen on white.
    return to_hex(seaborn.color_palette("viridis", as_cmap=True)(0.88 * min(angle, 90.0) / 90.0))


def _losses(axes: Axes, rows: pd.DataFrame) -> None:
    """Loss after the intervention over that at it: a thin line a replicate, thick their mean."""
    marks.title(axes, "(e) loss")
    cells = rows[rows["kind"].isin(["random", "control"])]
    loss = cells[(cells["metric"] == "loss") & (cells["step"] >= cells["moment"])]
    loss = loss[loss["value"] > 0]
    if loss.empty:
        _say_none(axes, cells, "random", "loss after the intervention")
        return
    at = loss[loss["step"] == loss["moment"]].set_index(numbers.REPLICATE)["value"]
    starts = at.reindex(loss.set_index(numbers.REPLICATE).index).to_numpy()
    loss = loss.assign(value=loss["value"] / starts, since=loss["step"] - loss["moment"])
    loss = loss[loss["value"].notna()]
    for (_, width), part in loss.groupby(["kind", "width"]):
        color, dashes = _look(part)
        for _, run in part.sort_values("since").groupby("replicate"):
            axes.plot(
                run["since"], run["value"], color=color, linewidth=0.5, alpha=0.35, zorder=2,
                gid="replicate",
            )  # fmt: skip
        kept = part[part["status"] != "diverged"]
        stats = numbers.estimate(kept, ["since"], "geometric")
        axes.plot(
            stats["since"], stats["mean"], color=color, linestyle=dashes, linewidth=1.9, zorder=4,
            gid="data", label=f"{width}",
        )  # fmt: skip
        for _, run in part[part["status"] == "diverged"].groupby("replicate"):
            last = run.sort_values("since").iloc[-1]
            axes.plot(
                last["since"], last["value"], "x", color=color, markersize=5, markeredgewidth=1.3,
                zorder=5, gid="diverged",
            )  # fmt: skip
    axes.axhline(STAYS, zorder=1, **_STAYS_LINE)
    axes.set_ylim(loss["value"].min() / 3, max(loss["value"].max(), STAYS) * 3)
    marks.decades(axes)
    _since_axis(axes)
    axes.set_ylabel("loss / loss at the intervention")
    _count_diverged(axes, cells)


def _since_axis(axes: Axes) -> None:
    """Steps from the intervention on: logarithmic from 1, since most happens at once."""
    import numpy as np
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    drawn = [line.get_xdata() for line in axes.get_lines() if line.get_gid() is not None]
    shown = [np.asarray(steps) for steps in drawn]
    last = max((max(steps) for steps in shown if len(steps)), default=1)
    axes.set_xscale("symlog", linthresh=1, linscale=0.6)
    axes.set_xlim(-0.3, max(last, 1) * 1.3)
    powers = range(0, len(str(int(last))), 1 if last < 1000 else 2)
    axes.xaxis.set_major_locator(FixedLocator([0, *(10**power for power in powers)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _power(x)))
    axes.set_xlabel("steps after the intervention")


def _power(step: float) -> str:
    """0, 1, 10, and powers of ten beyond."""
    return f"{step:g}" if step < 100 else f"$10^{{{len(str(int(step))) - 1}}}$"


def _path(axes: Axes, rows: pd.DataFrame) -> None:
    """Alignment along the way after the switch, where the loss is above rounding."""
    marks.title(axes, "(f) alignment")
    cells = rows[rows["kind"] == "random"]
    after = cells[cells["step"] >= cells["moment"]]
    cosine = numbers.metric(after, "gradient_alignment", "hidden")
    keys = [*numbers.REPLICATE, "step"]
    loss = numbers.metric(after, "loss").set_index(keys)["value"]
    rounding = loss.reindex(cosine.set_index(keys).index).to_numpy() <= ROUNDING
    cosine = cosine.assign(since=cosine["step"] - cosine["moment"])[~rounding]
    if cosine.empty:
        _say_none(axes, cells, "random", "gradient_alignment where the loss is above rounding")
        return
    for _, part in cosine.groupby("width"):
        color, dashes = _look(part)
        stats = numbers.estimate(part, ["since"])
        marks.band(axes, stats["since"], stats, color, linestyle=dashes)
    axes.axhline(0, color=style.GUIDE, linewidth=0.9, zorder=1)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -0.2), max(high, 0.2))
    _since_axis(axes)
    axes.set_ylabel("gradient alignment,\nhidden layers")


def _shares(axes: Axes, runs: pd.DataFrame) -> None:
    """Share of replicates that stay against the angle of the feedback, and for random feedback."""
    marks.title(axes, "(g) share that stays")
    cells = runs[runs["kind"].isin(["tied", "random"])]
    judged = cells[cells["stays"].notna()]
    if judged.empty:
        _say_none(axes, cells, "tied", "loss_rise")
        return
    ticks: dict[float, str] = {0: "0", 30: "30", 60: "60", 90: "90"}
    places = sorted(judged.loc[judged["kind"] == "random", "rank"].unique())
    for rank, at_width in judged.groupby("rank"):
        color, dashes = _look(at_width)
        tied = [
            (angle, *share_of(cell["stays"]), _angle_color(angle))
            for angle, cell in at_width[at_width["kind"] == "tied"].groupby("tie_angle")
        ]
        if tied:
            axes.plot(
                [x[0] for x in tied], [x[1] for x in tied], color=style.GUIDE, linewidth=1.1,
                linestyle=dashes, zorder=2, gid="data",
            )  # fmt: skip
        for angle, share, low, high, shade in tied:
            _bar(axes, angle, share, low, high, shade, "s" if rank else "o")
        random = at_width[at_width["kind"] == "random"]
        if len(random):
            place = _RANDOM_AT + _APART * places.index(rank)
            _bar(axes, place, *share_of(random["stays"]), color, "s" if rank else "D")
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


def _bar(
    axes: Axes, x: float, share: float, low: float, high: float, color: str, marker: str
) -> None:
    axes.errorbar(
        [x], [share], yerr=[[share - low], [high - share]], color=color, marker=marker,
        markersize=4.2, elinewidth=1.0, linestyle="none", zorder=3, gid="share",
    )  # fmt: skip


def _criterion(axes: Axes, runs: pd.DataFrame) -> None:
    """A point a replicate: alignment at the intervention and the rise of the loss after it."""
    marks.title(axes, "(h) alignment and loss")
    cells = runs[runs["kind"] != "control"]
    runs = cells[cells["alignment"].notna()]
    shown = runs[runs["rise"] > 0]
    if shown.empty:
        _say_none(axes, cells, "tied", "loss_rise with gradient_alignment")
        return
    for _, part in shown.groupby(["kind", "rank", "tie_angle"]):
        color, marker, face = _mark(part)
        axes.plot(
            part["alignment"], part["rise"], marker, color=color, markersize=3.6, alpha=0.85,
            markerfacecolor=face, markeredgewidth=0.8, linestyle="none", zorder=3, gid="data",
        )  # fmt: skip
    axes.axhline(STAYS, zorder=1, **_STAYS_LINE)
    axes.set_ylim(min(0.5, shown["rise"].min() / 2), max(shown["rise"].max(), STAYS) * 5)
    marks.decades(axes)
    for _, part in runs[runs["status"] == "diverged"].groupby(["kind", "rank", "tie_angle"]):
        axes.plot(
            part["alignment"], [0.97] * len(part), "x", color=_mark(part)[0],
            markersize=5, markeredgewidth=1.3, transform=axes.get_xaxis_transform(), zorder=5,
            gid="diverged",
        )  # fmt: skip
    axes.set_xlim(min(-0.1, runs["alignment"].min() - 0.05), 1.05)
    axes.set_xlabel("gradient alignment, hidden\nlayers, at the intervention")
    axes.set_ylabel("loss rises by a factor of")


def _wide_color(shade: float) -> str:
    """Light to dark as `shade` goes from 0 to 1."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    return to_hex(LinearSegmentedColormap.from_list("wide", _WIDE)(float(shade)))


def _mark(part: pd.DataFrame) -> tuple[str, str, str]:
    """Colour, marker and face of the runs of one kind, width and angle, a point a replicate."""
    one = part.iloc[0]
    marker = "s" if one["wide"] else _MARKERS[one["kind"]]
    if one["kind"] == "tied":
        color = _angle_color(one["tie_angle"])
    elif one["kind"] == "random":
        color = _look(part)[0]
    else:
        return style.INK, marker, "none"
    return color, marker, color


def _look(part: pd.DataFrame) -> tuple[str, object]:
    """Colour and dashes of the runs of one kind and width."""
    one = part.iloc[0]
    if one["kind"] == "control":
        return style.rule_color("bp"), marks.dash(1 + one["rank"]) if one["wide"] else "-"
    color = _wide_color(one["shade"]) if one["wide"] else style.rule_color("fa")
    return color, marks.dash(one["rank"])


def _count_diverged(axes: Axes, cells: pd.DataFrame) -> None:
    note = marks.diverged_note(cells, cells)
    if note:
        axes.annotate(
            note, (0.98, 0.02), xycoords="axes fraction", ha="right", color=style.ALERT,
            fontsize=6.5, gid="note",
        )  # fmt: skip


def _of_width(width: int, rows: pd.DataFrame) -> str:
    """`, p = 64`; empty where every network is as wide."""
    return f", $p$ = {style.count(width)}" if rows["width"].nunique() > 1 else ""


def _keys(rows: pd.DataFrame, runs: pd.DataFrame, replicates: list[int | None]) -> list:
    """Entries of the legend for what is there."""
    dot = {"linestyle": "none", "marker": "o"}
    handles = []
    known = [replicate for replicate in replicates if replicate is not None]
    if known:
        which = f"replicate {known[0]}, " if len(set(known)) == 1 else ""
        hollow = {"markerfacecolor": "none", "markeredgecolor": "#9a9ea5", "markersize": 4.2}
        handles += [
            marks.key("#9a9ea5", f"{which}one step before", **dot, **hollow),
            marks.key(style.rule_color("fa"), "at the intervention", **dot, markersize=3),
            marks.key(style.ALERT, "at it, unstable", **dot, markersize=3),
        ]
    rule = rule_of(rows)
    for kind in ("random", "control"):
        part = rows[rows["kind"] == kind]
        for width, cell in part.groupby("width"):
            color, dashes = _look(cell)
            marker = {"marker": _mark(cell)[1]} if kind == "random" else {}
            name = f"BP minimum, then {rule if kind == 'random' else 'BP'}"
            name += _of_width(width, rows)
            handles.append(marks.key(color, name, linestyle=dashes, **marker))
    tied = runs[runs["kind"] == "tied"]
    for width, cell in tied.groupby("width") if tied["wide"].any() else ():
        look = {"linestyle": _look(cell)[1], "marker": _mark(cell)[1], "linewidth": 1.1}
        handles.append(marks.key(style.GUIDE, f"at an angle{_of_width(width, rows)}", **look))
    for kind in ("own", "fresh"):
        for width, cell in runs[runs["kind"] == kind].groupby("width"):
            color, marker, face = _mark(cell)
            look = {"linestyle": "none", "marker": marker, "markerfacecolor": face}
            name = name_of(kind, rule) + (_of_width(width, rows) if cell["wide"].iloc[0] else "")
            handles.append(marks.key(color, name, **look))
    if runs["rise"].notna().any():
        handles.append(marks.guide_key(f"stays below a rise of {STAYS:g}", **_STAYS_LINE))
    return handles
