"""The parts that figures share: lines with bands, titles and notes, axes, legends."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from feedback_alignment.figures import numbers, style


def grid(rows: int, columns: int, height: float, **shared: Any) -> tuple[Figure, Any]:
    """A figure of equal panels: a column of the page wide for one column of them, else the text.

    A row is `height` inches high; `shared` are `sharex` and `sharey` of `Figure.subplots`.
    """
    figure = Figure()
    arrange(figure, rows, columns, height)
    return figure, figure.subplots(rows, columns, squeeze=False, **shared)


def arrange(figure: Figure, rows: int, columns: int, height: float) -> None:
    """Give a figure the size and the spacing of :func:`grid`."""
    figure.set_size_inches(style.COLUMN if columns == 1 else style.TEXT, 0.5 + height * rows)
    figure.set_layout_engine("constrained", w_pad=0.04, h_pad=0.04, wspace=0.02, hspace=0.03)


def band(axes: Axes, x: Any, stats: pd.DataFrame, color: str, **line: Any) -> None:
    """Draw the mean of :func:`numbers.estimate`, and the band where there are two replicates.

    The line carries the id `data`, so that a reader of the SVG (or a test) finds the data.
    """
    with_spread = stats["n"] > 1
    if with_spread.any():
        low, high = stats["low"].where(with_spread), stats["high"].where(with_spread)
        axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0, zorder=2)
    look: dict[str, Any] = {"zorder": 3} | line
    axes.plot(x, stats["mean"], color=color, gid="data", **look)


def title(axes: Axes, left: str, right: str, note: str | None) -> None:
    """Panel title; a note (diverged replicates) stands between the title and the frame.

    `note` is None where no panel of the figure has one, so that titles of a row stay level.
    """
    pad = 5.0 if note is None else 15.0
    axes.set_title(left, loc="left", pad=pad)
    axes.set_title(right, loc="right", pad=pad, fontweight="normal", fontsize=7.5)
    if note:
        remark(axes, note, (0, 1), "axes fraction", (0, 5), style.ALERT, gid="note")


def remark(
    axes: Axes, text: str, at: Any, of: Any, shift: tuple[float, float], color: Any, **look: Any
) -> None:
    """Small print `shift` points from a place, given in coordinates as of `Axes.annotate`."""
    look |= {"color": color, "fontsize": style.SMALL}
    axes.annotate(text, at, shift, of, "offset points", **look)


def diverged_note(cells: pd.DataFrame, table: pd.DataFrame) -> str | None:
    """`✕ 2 of 8 replicates diverged`; empty if none of the cells' did, None if none at all did."""
    if lost := len(numbers.diverged(cells)):
        return f"✕ {lost} of {len(numbers.replicates(cells))} replicates diverged"
    return "" if (table["status"] == "diverged").any() else None


def all_diverged(axes: Axes, cells: pd.DataFrame) -> bool:
    """If so, say in the panel that there is nothing else to show."""
    lost = len(numbers.diverged(cells))
    if not lost or lost < len(numbers.replicates(cells)):
        return False
    axes.text(
        0.5, 0.5, f"all {lost} replicates diverged",
        transform=axes.transAxes, ha="center", va="center", color=style.ALERT, gid="all-diverged",
    )  # fmt: skip
    return True


def say_missing(axes: Axes, reason: str, wrap: int = 30) -> None:
    """An empty panel, but for its title and the reason why it is empty, in lines of `wrap` letters.

    A reason says what is missing, and which key of the config provides it.
    """
    axes.set_axis_off()
    axes.text(
        0.5, 0.5, textwrap.fill(reason, wrap), transform=axes.transAxes, ha="center", va="center",
        linespacing=1.5, gid="missing",
    )  # fmt: skip


def explanation(reason: str) -> Figure:
    """A whole figure that says why there is nothing to draw."""
    with style.context():
        figure, ((axes,),) = grid(1, 1, 1.2)
        say_missing(axes, reason, wrap=52)
    return figure


def drawing(lacking: Callable[[pd.DataFrame], str]) -> Callable[[Callable], Callable]:
    """Let a function draw a tidy table in the figures' style, unless `lacking` tells a reason."""

    def decorate(draw: Callable[[pd.DataFrame], Figure]) -> Callable[[pd.DataFrame], Figure]:
        @wraps(draw)
        def checked(table: pd.DataFrame) -> Figure:
            numbers.check_columns(table.columns)
            if reason := lacking(table):
                return explanation(reason)
            with style.context():
                return draw(table)

        return checked

    return decorate


def footnote(figure: Figure, text: str) -> None:
    """A remark below the panels, in small print; none if it is empty."""
    if not text:
        return
    # A letter of small print is about half as wide as it is high.
    text = textwrap.fill(text, int(figure.get_figwidth() * 72 / style.SMALL * 1.8))
    figure.supxlabel(text, fontsize=style.SMALL, color=style.GUIDE, gid="footnote")


def cross(axes: Axes, x: Any, height: Any, color: str, **look: Any) -> None:
    """A cross where runs diverged, at a share of the panel's height."""
    look |= {"marker": "x", "markersize": 4.5, "markeredgewidth": 1.3, "linestyle": "none"}
    edge = axes.get_xaxis_transform()
    axes.plot(x, height, color=color, transform=edge, zorder=6, gid="diverged", **look)


def vertical(axes: Axes, x: float, gid: str) -> None:
    """A vertical line beneath the data: something happens here."""
    axes.axvline(x, color=style.GUIDE, linewidth=0.9, zorder=2.2, gid=gid)


def guide(axes: Axes, x: Any, y: Any, gid: str = "guide", **line: Any) -> None:
    """A reference curve over the data: what chance gives, or with a look of its own."""
    look: dict[str, Any] = {"zorder": 4} | style.NULL | line
    axes.plot(x, y, gid=gid, **look)


def ticks(
    axis: Axis, places: Sequence[float], text: Callable[[float], str] = "{:g}".format
) -> None:
    """Ticks at these places and no others, named by `text`."""
    axis.set_major_locator(FixedLocator(places))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))


def signed(value: float, form: str = "g") -> str:
    """A number as text, with a real minus sign."""
    return f"{value:{form}}".replace("-", "\N{MINUS SIGN}")


def width_axis(axes: Axes, widths: Iterable[int]) -> None:
    """A logarithmic axis of widths: ticks at the widths swept, or at decades for a long sweep."""
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


def decades(axes: Axes, which: str = "y") -> None:
    """A logarithmic axis with ticks at powers of ten; at finer ones where there is but a decade.

    Call it when the limits stand.
    """
    axis, limits = getattr(axes, f"{which}axis"), f"{which}lim"
    low, high = getattr(axes, f"get_{limits}")()
    getattr(axes, f"set_{which}scale")("log")
    if low <= 0:  # nothing was drawn
        low, high = 1e-3, 1e3
    if high / low < 8:  # 1, 2, 5 may be too few
        locator = FixedLocator([x for x in MaxNLocator(5).tick_values(low, high) if x > 0])
    elif high / low < 300:
        subs = (1.0, 2.0, 5.0) if high / low < 30 else (1.0, 3.0)
        locator = LogLocator(subs=subs, numticks=20)
    else:
        locator = LogLocator(numticks=6)
    axis.set_major_locator(locator)
    if high / low < 300:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    axes.set(**{limits: (low, high)})


def inner_legend(axes: Axes, handles: Sequence[Artist], **place: Any) -> None:
    """A legend within a panel, where it hides least; none without entries."""
    if not handles:
        return
    look: dict[str, Any] = {"loc": "best", "fontsize": style.SMALL, "handlelength": 1.5}
    look |= {"labelspacing": 0.25, "borderaxespad": 0.2, "handletextpad": 0.5}
    axes.legend(handles=list(handles), **look | place)


def key(color: str, label: str, **line: Any) -> Line2D:
    """A legend entry for a line."""
    return Line2D([], [], **({"color": color, "label": label, "linewidth": 1.8} | line))


def guide_key(label: str, **line: Any) -> Line2D:
    """A legend entry for a :func:`guide`."""
    return key(label=label, **style.NULL | line)


def vertical_key(label: str) -> Line2D:
    """A legend entry for a :func:`vertical` line."""
    look = {"marker": "|", "linestyle": "none", "markersize": 9, "markeredgewidth": 0.9}
    return key(style.GUIDE, label, **look)


def legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """One legend for the whole figure, above the panels, where it can hide nothing.

    It has as few rows as the lengths of its entries allow; beyond two the figure grows, so that the
    panels keep their height.
    """
    # Inches at the legend's type size: line and gaps, then the letters of the longest line.
    texts = [re.sub(r"\\[a-zA-Z]+", "x", str(h.get_label())) for h in handles]
    texts = [re.sub(r"[${}^_]|\\.", "", text) for text in texts]
    widths = [0.5 + 0.057 * max(map(len, text.split("\n"))) for text in texts]
    columns = long = 1
    for columns in range(min(8, len(handles)), 0, -1):
        long = -(-len(handles) // columns)
        needed = sum(max(widths[at : at + long]) for at in range(0, len(widths), long))
        if needed <= figure.get_figwidth() - 0.1:
            break
    even = -(-len(handles) // long)
    figure.legend(handles=list(handles), loc="outside upper center", ncols=even)
    figure.set_figheight(figure.get_figheight() + 0.16 * max(0, long - 2))
