"""Where panels, titles and legend of a figure go, and how far its axes reach."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from feedback_alignment.figures import marks, numbers, style
from feedback_alignment.figures.lines import Look

if TYPE_CHECKING:
    from feedback_alignment.figures.facets import Quantity

_WRAP = 2  # panels in a row, where more than three quantities are wrapped into rows
_X_LABELS = {"step": "step $t$", "epoch": "epoch", "depth": "hidden layers", "width": "width $p$"}
Place = tuple[Any, str]  # value of the setting of a row or column of panels, and variant


@dataclass(frozen=True, eq=False)
class Panel:
    """One panel: the table's rows `cells`, the plotted `numbers`, and its row and column."""

    axes: Axes
    quantity: Quantity
    cells: pd.DataFrame
    numbers: pd.DataFrame
    place: tuple[int, int]


@dataclass
class Layout:
    """The panels of a figure: rows and columns of settings; several quantities share them.

    They have a row each, or, where there are rows of settings, columns.

    `row` and `col` are the settings, `rows` and `cols` the value and variant of each; `lines` are
    looks by name.
    """

    quantities: Sequence[Quantity]
    row: str | None
    rows: list[Place]
    col: str | None
    cols: list[Place]
    height: float
    x: str
    log_x: bool
    lines: dict[str, Look]

    def __post_init__(self) -> None:
        # In the order of their codes in the plotted numbers, each with its place.
        self.shown = [*enumerate(self.quantities)]
        self.shown += [(n, q.otherwise) for n, q in self.shown if q.otherwise]
        several = len(self.quantities) > 1
        self.across = several and (self.row is not None or len(self.rows) > 1)
        self.wrapped = len(self.quantities) > 3 and len(self.cols) == 1 and not self.across
        self.stacked = several and not self.wrapped and not self.across
        #: Row and column on the page, quantity, and row and column of settings of each panel.
        self.places: list[tuple[tuple[int, int], Quantity, tuple[int, int]]] = [
            (self._at(number, *place), quantity, place)
            for number, quantity in enumerate(self.quantities)
            for place in np.ndindex(len(self.rows), len(self.cols))
        ]

    def _at(self, number: Any, row: Any, col: Any) -> tuple[Any, Any]:
        """Row and column on the page of a quantity's panel, for a row and column of settings."""
        if self.wrapped:
            return number // _WRAP, number % _WRAP
        return (number, col) if self.stacked else (row, number * len(self.cols) + col)

    def draw(self, stats: pd.DataFrame) -> Figure:
        """Make the panels and draw the lines of the plotted numbers, with their bands."""
        number = stats["quantity"].map({q.name: n for n, q in self.shown}).astype(int)
        row, col = self._at(number, stats["_row"], stats["_col"])
        taken = [at for at, *_ in self.places]
        rows, cols = np.max(taken, axis=0) + 1
        shared: dict[str, Any] = {"sharex": "col" if self.stacked else False, "sharey": False}
        apart = any(quantity.own_axis or quantity.otherwise for quantity in self.quantities)
        if not apart and not self.wrapped:
            shared["sharey"] = "row" if self.stacked else "col" if self.across else True
        grid = seaborn.FacetGrid(
            stats.assign(_row=row, _col=col), row="_row", row_order=range(rows),
            col="_col", col_order=range(cols), hue="line", hue_order=list(self.lines),
            palette=[look["color"] for look in self.lines.values()], height=self.height, **shared,
        )  # fmt: skip
        grid.map_dataframe(self._line)
        plt.close(grid.figure)  # no window, and no second display in a notebook
        for at, axes in np.ndenumerate(grid.axes):
            axes.set(title="", xlabel="", ylabel="")
            if at not in taken:
                axes.set_axis_off()
        self.axes = grid.axes
        marks.arrange(grid.figure, rows, cols, self.height)
        return grid.figure

    def name(self, panel: Panel, aside: str, note: str | None, inner: bool) -> None:
        """Title and axis label of a panel.

        What stands at the right of its title is `aside`, with a `note` below; `inner` says whether
        there is a panel at its left.
        """
        axes, start = panel.axes, self.quantities[0]
        first = panel.quantity in (start, start.otherwise)
        at_row, at_col = panel.place
        (row, row_variant), (col, col_variant) = self.rows[at_row], self.cols[at_col]
        left = style.label(self.col, col) if self.col else ""
        left = "\n".join([*filter(None, [left]), *in_lines(col_variant, 24)])
        of_row = style.label(self.row, row) if self.row else ""
        left, right = (of_row or left, aside) if self.across else (left, aside or of_row)
        if self.wrapped:
            if first:
                bold = {"fontsize": 8.5, "fontweight": "bold"}
                axes.figure.suptitle(left, x=0.012, ha="left", **bold)
                marks.title(axes, "", right, note)
        elif first or not (self.stacked or self.across):
            marks.title(axes, left, right, note)
        if not inner:
            axes.set_ylabel("\n".join([*in_lines(row_variant, 22), panel.quantity.label]))
        axes.tick_params(labelleft=not inner or panel.quantity.own_axis)

    def finish(
        self, panels: Sequence[Panel], final: bool, end: Callable[[pd.DataFrame], float] | None
    ) -> None:
        """Axes, limits, marks of diverged runs, and words in panels without a line."""
        room = {quantity.name: 0.0 for _, quantity in self.shown}
        marked: set[tuple[int, int]] = set()
        for panel in panels:
            axes, quantity, cells = panel.axes, panel.quantity, panel.cells
            lost = marks.all_diverged(axes, cells)
            if panel.numbers.empty and not lost:
                reason = quantity.lacking(cells) or quantity.lacking(cells[:0])
                marks.say_missing(axes, reason, wrap=24)
                continue
            if quantity.zero:
                look = {"color": style.GUIDE, "alpha": 0.4, "linewidth": 0.8, "zorder": 1.5}
                axes.axhline(0, gid="zero", **look)
            for shade in axes.collections:  # bands on top of each other must not hide the lines
                shade.set_alpha(0.18 * min(1.0, 4 / len(axes.collections)))
            self._horizontal(axes, cells)
            if end is not None and len(panel.numbers):
                axes.set_xlim(right=end(panel.numbers))
            axes.set_xlabel(_X_LABELS.get(self.x, self.x) if self._is_last(panel, panels) else "")
            if lost or panel.place in marked:  # the first quantity of the same runs has the marks
                continue
            marked.add(panel.place)
            if final:
                room[quantity.name] = max(self._count_lost(axes, cells), room[quantity.name])
            else:
                self._mark_ends(axes, cells)
        for _, quantity in self.shown:
            row = [p for p in panels if p.quantity is quantity and len(p.numbers)]
            for alike in filter(None, [[p] for p in row] if quantity.own_axis else [row]):
                _limit(alike, quantity, room[quantity.name])

    def _line(self, data: pd.DataFrame, color: Any, label: str) -> None:
        # Not `seaborn.lineplot`: it would estimate anew, and a look, a null, a band apart and means
        # below zero would each still need their own code.
        axes, look, x = plt.gca(), dict(self.lines[label]), data[self.x]
        _, quantity = self.shown[data["quantity"].cat.codes.iloc[0]]
        if not look.pop("band", True):
            data = data.assign(n=1)
        if quantity.unused and (data["rule"] == quantity.unused).all():
            data = data.assign(n=1)
            look |= style.NULL | {"marker": "", "zorder": 2.5}
        if quantity.log and not _linear(data):
            below = x[data["mean"] <= 0]
            if len(below):  # no place on a logarithmic axis: a triangle inside the lower edge
                own = {"color": look["color"], "markersize": 5, "markerfacecolor": "white"}
                own |= {"transform": axes.get_xaxis_transform(), "zorder": 5, "gid": "below-zero"}
                axes.plot(below, [0.03] * len(below), "v", **own)
                data = data.assign(mean=data["mean"].where(data["mean"] > 0))
        marks.band(axes, x, data, **look)

    def _is_last(self, panel: Panel, panels: Sequence[Panel]) -> bool:
        if self.wrapped or self.stacked:
            return self.wrapped or panel.quantity is self.quantities[-1]
        row = panel.place[0]
        below = {p.place[1] for p in panels if p.place[0] == row + 1}
        beside = {p.place[1] for p in panels if p.place[0] == row}
        return not beside <= below  # a row has the label everywhere or nowhere

    def _horizontal(self, axes: Axes, cells: pd.DataFrame) -> None:
        if self.x == "width":
            marks.width_axis(axes, cells["width"])
        elif self.x == "depth":
            whole = range(cells["depth"].min(), cells["depth"].max() + 1)
            axes.set_xlim(whole[0] - 0.25, whole[-1] + 0.25)
            axes.set_xticks(whole[:: -(-len(whole) // 8)])
        elif self.log_x:
            axes.set_xscale("log")
            axes.set_xlim(1, max(2, cells[self.x].max()))
        else:
            axes.set_xlim(0, max(cells[self.x].max(), 1e-9))
            axes.xaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: style.thousands(x)))

    def _mark_ends(self, axes: Axes, cells: pd.DataFrame) -> None:
        """A cross at the upper edge where each replicate diverged; a later end is named."""
        lost, (start, end) = numbers.diverged(cells), axes.get_xlim()
        ends = numbers.epochs(lost, "end_step") if self.x == "epoch" else lost["end_step"]
        for rule, l2, place in zip(lost["rule"], lost["l2"], ends, strict=True):
            color = style.method_color(rule, l2)
            marks.cross(axes, min(max(place, start), end), 0.96, color, clip_on=False)
        if (ends > end).any():
            text, at = f"at {style.count(ends.max())}", (1, 0.96)
            marks.remark(axes, text, at, "axes fraction", (-6, -2.5), style.ALERT, ha="right")

    def _count_lost(self, axes: Axes, cells: pd.DataFrame) -> float:
        """Crosses at the lower edge, one above the other, with how many replicates diverged there.

        Returns the share of the panel's height that they take.
        """
        above: Counter[float] = Counter()
        runs = numbers.replicates(cells[cells["line"].notna()])
        for (x, line), group in runs.groupby([self.x, "line"], observed=True):
            if lost := (group["status"] == "diverged").sum():
                at, color = (x, 0.04 + 0.065 * above[x]), self.lines[line]["color"]
                above[x] += 1
                marks.cross(axes, *at, color)
                text, edge = f"{lost}/{len(group)}", axes.get_xaxis_transform()
                marks.remark(axes, text, at, edge, (4, -2.3), color, gid="count")
        return min(0.5, 0.095 + 0.065 * (max(above.values()) - 1)) if above else 0.0


def in_lines(variant: str, width: int) -> list[str]:
    """A variant in lines that are short enough, broken between its settings."""
    lines = textwrap.wrap(variant.replace(" = ", "\u00a0=\u00a0"), width)
    return [line.replace("\u00a0", " ") for line in lines]


def _linear(stats: pd.DataFrame) -> bool:
    """Whether too many means lie below zero for a logarithmic axis."""
    return bool((stats["mean"] <= 0).mean() >= 0.1)


def _limit(panels: Sequence[Panel], quantity: Quantity, below: float) -> None:
    """The same limits in all the panels, with room at the lower edge for marks of diverged runs."""
    stats = pd.concat([panel.numbers for panel in panels])
    log = quantity.log and not _linear(stats)
    if callable(quantity.limits):
        low, high = quantity.limits(stats)
    else:
        low, high = quantity.limits or _reach(stats, log, quantity.zero)
    share = below / (1 - below)
    for panel in panels:
        if log:
            panel.axes.set_ylim(low * (low / high) ** share, high)
            marks.decades(panel.axes)
            _name_what_leaves(panel, low)
        else:
            panel.axes.set_ylim(low - share * (high - low), high)


def _reach(stats: pd.DataFrame, log: bool, zero: bool) -> tuple[float, float]:
    low = stats["low"].fillna(stats["mean"]).min()
    high = stats["high"].fillna(stats["mean"]).max()
    if log:
        least = stats.loc[stats["mean"] > 0, "mean"].min()
        low = math.log(max(low, least / 3))
        margin = 0.06 * (math.log(high) - low) or 0.1
        return math.exp(low - margin), math.exp(math.log(high) + margin)
    if zero:
        low, high = min(0.0, low), max(0.1, high)
    margin = 0.06 * (high - low) or 0.02
    return low - margin, high + margin


def _name_what_leaves(panel: Panel, low: float) -> None:
    # The final value of a line that leaves the panel stands at its lower edge.
    ends = panel.numbers.groupby("line", observed=True).tail(1)
    colors = {line.get_label(): line.get_color() for line in panel.axes.get_lines()}
    for number, end in enumerate(ends[ends["mean"].between(0, low, "neither")].itertuples()):
        mantissa, exponent = f"{end.mean:.0e}".split("e")
        text, at = f"↓ to ${mantissa}\\times 10^{{{int(exponent)}}}$", (0.03, 0.04 + 0.09 * number)
        color = colors.get(end.line, style.INK)
        marks.remark(panel.axes, text, at, "axes fraction", (0, 0), color, gid="floor")
