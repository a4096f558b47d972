"""The parts that figures share: the grid of panels, lines with bands, axes, legends and notes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from feedback_alignment.plotting import style, tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DASHES = ("-", (0, (5, 1.6)), (0, (1.4, 1.4)), (0, (5, 1.4, 1.2, 1.4)), (0, (8, 2)))


def grid(rows: int, columns: int, height: float, **shared: Any) -> tuple[Figure, list[list[Axes]]]:
    """A figure of equal panels; few columns make it narrower, not the panels wider.

    Args:
        rows: number of rows.
        columns: number of columns.
        height: height of a row, inches.
        shared: `sharex` and `sharey`, as of `Figure.subplots`.
    """
    from matplotlib.figure import Figure

    width = {1: 4.2, 2: 5.8}.get(columns, style.WIDTH + 2.1 * max(0, columns - 3))
    figure = Figure(figsize=(width, 0.55 + height * rows), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.04, wspace=0.02, hspace=0.04)
    axes = figure.subplots(rows, columns, squeeze=False, **shared)
    return figure, [list(row) for row in axes]


def band(axes: Axes, x: Any, stats: pd.DataFrame, color: str, **line: Any) -> None:
    """Draw the mean of :func:`tables.mean_over_runs`, and the band where there are two replicates.

    The line carries the id `data`, so that a reader of the SVG (or a test) finds the data.
    """
    with_spread = stats["n"] > 1
    if with_spread.any():
        low, high = stats["low"].where(with_spread), stats["high"].where(with_spread)
        axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0, zorder=2)
    axes.plot(x, stats["mean"], color=color, gid="data", **({"zorder": 3} | line))


def title(axes: Axes, left: str, right: str = "", note: str | None = None) -> None:
    """Panel title; a note (diverged replicates) stands between the title and the frame.

    `note` is None where no panel of the figure has one, so that titles of a row stay level.
    """
    pad = 5.0 if note is None else 15.0
    axes.set_title(left, loc="left", pad=pad)
    axes.set_title(right, loc="right", pad=pad, fontweight="normal", fontsize=8.0)
    if note:
        axes.annotate(
            note, (0, 1), (0, 5), "axes fraction", "offset points",
            color=style.ALERT, fontsize=7.0, gid="note",
        )  # fmt: skip


def diverged_note(cells: pd.DataFrame, table: pd.DataFrame) -> str | None:
    """`✕ 2 of 8 replicates diverged`; empty if none of the cells' did, None if none at all did."""
    replicates = tables.replicates(cells)
    number = int((replicates["status"] == "diverged").sum())
    if number:
        return f"✕ {number} of {len(replicates)} replicates diverged"
    return "" if (table["status"] == "diverged").any() else None


def all_diverged(axes: Axes, cells: pd.DataFrame) -> bool:
    """If so, say in the panel that there is nothing else to show."""
    replicates = tables.replicates(cells)
    if not (replicates["status"] == "diverged").all():
        return False
    axes.text(
        0.5, 0.5, f"all {len(replicates)} replicates diverged",
        transform=axes.transAxes, ha="center", va="center", color=style.ALERT, gid="all-diverged",
    )  # fmt: skip
    return True


def say_missing(axes: Axes, reason: str, wrap: int = 30) -> None:
    """An empty panel, but for the reason why it is empty.

    Args:
        axes: the panel; its title, if any, stays.
        reason: what is missing, and which key of the config provides it.
        wrap: length of a line, characters.
    """
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set(xticks=[], yticks=[])
    axes.text(
        0.5, 0.5, textwrap.fill(reason, wrap), transform=axes.transAxes, ha="center", va="center",
        linespacing=1.5, gid="missing",
    )  # fmt: skip


def explanation(reason: str) -> Figure:
    """A whole figure that says why there is nothing to draw."""
    figure, ((axes,),) = grid(1, 1, 1.2)
    say_missing(axes, reason, wrap=52)
    return figure


def footnote(figure: Figure, text: str) -> None:
    """A remark below the panels, in small print."""
    figure.supxlabel(text, fontsize=7.0, color=style.GUIDE, gid="footnote")


def mark_diverged(axes: Axes, cells: pd.DataFrame) -> None:
    """A cross at the step where a replicate diverged, at the panel's upper edge.

    Call it when the limits of the steps stand; a later step is marked at the edge, and named.
    """
    end = axes.get_xlim()[1]
    for _, replicate in tables.diverged(cells).iterrows():
        step = replicate["end_step"]
        axes.plot(
            [min(max(step, axes.get_xlim()[0]), end)], [0.96], marker="x", markersize=5,
            markeredgewidth=1.4, color=style.method_color(replicate["rule"], replicate["l2"]),
            transform=axes.get_xaxis_transform(), linestyle="none", clip_on=False, zorder=6,
            gid="diverged",
        )  # fmt: skip
    later = tables.diverged(cells)["end_step"]
    if (later > end).any():
        axes.annotate(
            f"at {style.count(later.max())}", (1, 0.96), (-6, -2.5), "axes fraction",
            "offset points", ha="right", fontsize=6.5, color=style.ALERT,
        )  # fmt: skip


def width_axis(axes: Axes, widths: Iterable[int], label: bool = True) -> None:
    """A logarithmic axis of widths: ticks at the widths swept, or at decades for a long sweep."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

    values = sorted(set(widths))
    axes.set_xscale("log")
    margin = (values[-1] / values[0]) ** 0.05 if len(values) > 1 else 2.0
    axes.set_xlim(values[0] / margin, values[-1] * margin)
    if values[-1] / values[0] > 1000:
        axes.xaxis.set_major_locator(LogLocator(numticks=9))
    else:
        stride = -(-len(values) // 5)
        axes.xaxis.set_major_locator(FixedLocator(values[::stride]))
        axes.xaxis.set_minor_locator(FixedLocator(values))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: style.count(x)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    if label:
        axes.set_xlabel("width $p$")


def step_axis(axes: Axes, label: bool = True) -> None:
    """A linear axis of steps with few, readable ticks."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}".replace(",", "\u2009")))
    if label:
        axes.set_xlabel("step $t$")


def decades(axes: Axes, which: str = "y", ticks: int = 6) -> None:
    """A logarithmic axis with ticks at powers of ten; at 1, 2, 5 where there is but a decade or so.

    Call it when the limits stand.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axis = axes.yaxis if which == "y" else axes.xaxis
    low, high = axes.get_ylim() if which == "y" else axes.get_xlim()
    getattr(axes, f"set_{which}scale")("log")
    if low <= 0:  # nothing was drawn
        low, high = 1e-3, 1e3
        getattr(axes, f"set_{which}lim")(low, high)
    if high / low < 300:
        subs = (1.0, 2.0, 5.0) if high / low < 30 else (1.0, 3.0)
        axis.set_major_locator(LogLocator(subs=subs, numticks=20))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axis.set_major_locator(LogLocator(numticks=ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def key(color: str, label: str, **line: Any) -> Artist:
    """A legend entry for a line."""
    from matplotlib.lines import Line2D

    return Line2D([], [], **({"color": color, "label": label, "linewidth": 1.8} | line))


def guide_key(label: str, **line: Any) -> Artist:
    """A legend entry for a reference line."""
    look = {"color": style.GUIDE, "linewidth": 1.1, "linestyle": (0, (4, 2))} | line
    return key(label=label, **look)


def variant_keys(variants: Sequence[str]) -> list[Artist]:
    """Legend entries for settings that only the dash pattern tells apart."""
    if list(variants) == [""]:
        return []
    return [key(style.GUIDE, v, linestyle=dash(i)) for i, v in enumerate(variants)]


def dash(index: int) -> Any:
    """The dash pattern of a variant."""
    return DASHES[index % len(DASHES)]


def legend(figure: Figure, handles: Sequence[Artist], columns: int | None = None) -> None:
    """One legend for the whole figure, above the panels, where it can hide nothing."""
    per_row = columns or max(2, int(figure.get_figwidth() / 1.35))
    rows = -(-len(handles) // per_row)
    figure.legend(handles=list(handles), loc="outside upper center", ncols=-(-len(handles) // rows))


def each_variant(
    rows: pd.DataFrame, variants: Sequence[str], draw: Callable[[pd.DataFrame, Any], None]
) -> None:
    """Call `draw(rows of the variant, dash pattern)` for every variant present."""
    for index, variant in enumerate(variants):
        part = rows[rows["variant"] == variant]
        if len(part):
            draw(part, dash(index))
