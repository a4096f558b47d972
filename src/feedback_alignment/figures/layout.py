"""Where panels, titles and legend of a figure go, and how far its axes reach."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from feedback_alignment.figures import marks, numbers, style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from feedback_alignment.figures.facets import Panel, Quantity

_WRAP = 3
_ROOM = 11  # legend entries that fit into a panel's place
_X_LABELS = {"step": "step $t$", "epoch": "epoch", "depth": "hidden layers", "width": "width $p$"}
Place = tuple[Any, str]  # value of the setting of a row or column of panels, and variant


class Layout:
    """The panels of a figure: rows and columns of settings, or a row for each quantity.

    Args:
        quantities: what is on the vertical axes.
        row: setting of the rows, if any.
        rows: value and variant of each row.
        col: setting of the columns, if any.
        cols: value and variant of each column.
        height: of a row of panels, inches.
    """

    def __init__(
        self,
        quantities: Sequence[Quantity],
        row: str | None,
        rows: list[Place],
        col: str | None,
        cols: list[Place],
        height: float,
    ) -> None:
        self.quantities, self.row, self.col = quantities, row, col
        self.rows, self.cols, self.height = rows, cols, height
        self.wrapped = len(quantities) > _WRAP and len(cols) == 1
        self.stacked = len(quantities) > 1 and not self.wrapped
        self.spare: list[Axes] = []
        self._axes: Any = None

    def draw(self, stats: pd.DataFrame, x: str, lines: dict[str, dict[str, Any]]) -> Figure:
        """Make the panels and draw the lines of the plotted numbers, with their bands."""
        import matplotlib.pyplot as plt
        import seaborn

        names = [quantity.name for quantity in self.quantities]
        columns: dict[str, Any] = {"col": "_col", "col_order": range(len(self.cols))}
        if self.wrapped:
            columns = {"col": "quantity", "col_order": names, "col_wrap": _WRAP}
            shared: dict[str, Any] = {"sharex": False, "sharey": False}
        elif self.stacked:
            columns |= {"row": "quantity", "row_order": names}
            shared = {"sharex": "col", "sharey": "row"}
        else:
            columns |= {"row": "_row", "row_order": range(len(self.rows))}
            shared = {"sharex": False, "sharey": not self.quantities[0].own_axis}
        hue = {"hue": "line", "hue_order": list(lines)}
        hue["palette"] = [look["color"] for look in lines.values()]
        grid = seaborn.FacetGrid(stats, **columns, **shared, **hue, height=self.height)
        by_name = dict(zip(names, self.quantities, strict=True))

        def line(data: pd.DataFrame, color: Any, label: str) -> None:
            _line(plt.gca(), data, x, by_name[data["quantity"].iloc[0]], lines[label])

        grid.map_dataframe(line)
        figure = grid.figure
        plt.close(figure)  # no window, and no second display in a notebook
        self._axes = grid.axes
        for axes in grid.axes.flat:
            axes.set(title="", xlabel="", ylabel="")
        count = len(self.quantities)
        if self.wrapped:
            rows, cols = -(-count // _WRAP), _WRAP
            for place in range(count, rows * cols):
                spare = figure.add_subplot(grid.axes[0].get_gridspec()[place])
                spare.set_axis_off()
                self.spare.append(spare)
        else:
            rows, cols = count if self.stacked else len(self.rows), len(self.cols)
        marks.arrange(figure, rows, cols, self.height)
        return figure

    def places(self) -> Iterator[tuple[Axes, Quantity, int, int]]:
        """Axes, quantity, and numbers of row and column of each panel."""
        for number, quantity in enumerate(self.quantities):
            if self.wrapped:
                yield self._axes[number], quantity, 0, 0
                continue
            for r in range(len(self.rows)):
                for c in range(len(self.cols)):
                    yield self._axes[number if self.stacked else r][c], quantity, r, c

    def name(
        self, axes: Axes, quantity: Quantity, r: int, c: int, names: tuple[str, str | None, bool]
    ) -> None:
        """Title and axis label of a panel.

        Args:
            axes: the panel.
            quantity: what it shows.
            r: number of its row.
            c: number of its column.
            names: what stands at the right of its title, the note below that, and whether there is
                a panel at its left.
        """
        aside, note, inner = names
        first = quantity is self.quantities[0]
        (row, row_variant), (col, col_variant) = self.rows[r], self.cols[c]
        left = style.label(self.col, col) if self.col else ""
        left = "\n".join([*filter(None, [left]), *in_lines(col_variant, 24)])
        right = aside or (style.label(self.row, row) if self.row else "")
        if self.wrapped:
            if first:
                bold = {"fontsize": 10.0, "fontweight": "bold"}
                axes.figure.suptitle(left, x=0.012, ha="left", **bold)
                marks.title(axes, "", right, note)
        elif first or not self.stacked:
            marks.title(axes, left, right, note)
        if not inner:
            axes.set_ylabel("\n".join([*in_lines(row_variant, 22), quantity.label]))
            axes.tick_params(labelleft=True)

    def legend(self, figure: Figure, keys: Sequence[Artist]) -> None:
        """In the place of a panel that there is not, else above the panels."""
        if self.spare and len(keys) <= _ROOM:
            place = {"bbox_to_anchor": (0.45, 0.5), "bbox_transform": self.spare[0].transAxes}
            figure.legend(handles=list(keys), loc="center", handlelength=3.2, **place)
        else:
            marks.legend(figure, keys)


def in_lines(variant: str, width: int) -> list[str]:
    """A variant in lines that are short enough, broken between its settings."""
    lines = textwrap.wrap(variant.replace(" = ", "\u00a0=\u00a0"), width)
    return [line.replace("\u00a0", " ") for line in lines]


def finish(
    panels: Sequence[Panel],
    layout: Layout,
    x: str,
    final: bool,
    log_x: bool,
    end: Callable[[pd.DataFrame], float] | None,
    lines: dict[str, dict[str, Any]],
) -> None:
    """Axes, limits, marks of diverged runs, and words in panels without a line."""
    room: dict[str, float] = {}
    marked: set[int] = set()
    for panel in panels:
        axes, quantity, cells = panel.axes, panel.quantity, panel.cells
        lost = marks.all_diverged(axes, cells)
        if panel.numbers.empty and not lost:
            reason = quantity.lacking(cells) or quantity.lacking(cells[:0])
            marks.say_missing(axes, reason, wrap=24)
            continue
        if quantity.zero:
            marks.zero(axes)
        for shade in axes.collections:  # bands on top of each other must not hide the lines
            shade.set_alpha(0.18 * min(1.0, 4 / len(axes.collections)))
        _horizontal(axes, cells, x, log_x)
        if end is not None and len(panel.numbers):
            axes.set_xlim(right=end(panel.numbers))
        last = _is_last(panel, panels, layout)
        axes.set_xlabel(_X_LABELS.get(x, x) if last else "")
        # Quantities of the same runs above each other: the uppermost has the marks.
        place = 0 if layout.wrapped else int(cells["_col"].iloc[0])
        if lost or (place in marked and (layout.stacked or layout.wrapped)):
            continue
        marked.add(place)
        if final:
            taken = marks.mark_counts(axes, _counts(cells, x, lines))
            room[quantity.name] = max(taken, room.get(quantity.name, 0.0))
        else:
            ended = numbers.diverged(cells)
            ends = numbers.epochs(ended, "end_step") if x == "epoch" else ended["end_step"]
            marks.mark_ends(axes, ended, ends)
    for quantity in layout.quantities:
        row = [p for p in panels if p.quantity is quantity and len(p.numbers)]
        for some in [[p] for p in row] if quantity.own_axis else [row] if row else []:
            _limit(some, quantity, room.get(quantity.name, 0.0))


def _is_last(panel: Panel, panels: Sequence[Panel], layout: Layout) -> bool:
    if layout.wrapped:
        return True
    if layout.stacked:
        return panel.quantity is layout.quantities[-1]
    row = panel.cells["_row"].iloc[0]
    below = {p.cells["_col"].iloc[0] for p in panels if p.cells["_row"].iloc[0] == row + 1}
    beside = {p.cells["_col"].iloc[0] for p in panels if p.cells["_row"].iloc[0] == row}
    return not beside <= below  # a row has the label everywhere or nowhere


def _line(axes: Axes, data: pd.DataFrame, x: str, quantity: Quantity, look: dict[str, Any]) -> None:
    look = dict(look)
    if not look.pop("band", True):
        data = data.assign(n=1)
    if quantity.unused and (data["rule"] == quantity.unused).all():
        data = data.assign(n=1)
        look |= {"alpha": 0.4, "linewidth": 1.0, "markersize": 2.5, "zorder": 2.5}
    if quantity.log and not linear(data):
        below = data[data["mean"] <= 0]
        if len(below):  # a logarithmic axis has no place for it: a triangle inside the lower edge
            axes.plot(
                below[x], [0.03] * len(below), "v", color=look["color"], markersize=5,
                markerfacecolor="white", transform=axes.get_xaxis_transform(), zorder=5,
                gid="below-zero",
            )  # fmt: skip
            data = data.assign(mean=data["mean"].where(data["mean"] > 0))
    marks.band(axes, data[x], data, **look)


def linear(stats: pd.DataFrame) -> bool:
    """Whether too many means lie below zero for a logarithmic axis."""
    return bool((stats["mean"] <= 0).mean() >= 0.1)


def _horizontal(axes: Axes, cells: pd.DataFrame, x: str, log_x: bool) -> None:
    if x == "width":
        marks.width_axis(axes, cells["width"])
    elif x == "depth":
        marks.whole_axis(axes, cells["depth"])
    elif log_x:
        axes.set_xscale("log")
        axes.set_xlim(1, max(2, cells[x].max()))
    else:
        axes.set_xlim(0, max(cells[x].max(), 1e-9))
        marks.step_axis(axes)


def _counts(cells: pd.DataFrame, x: str, lines: dict) -> Iterator[tuple[float, str, int, int]]:
    runs = numbers.replicates(cells[cells["line"].notna()])
    for (place, line), group in runs.groupby([x, "line"], observed=True):
        lost = int((group["status"] == "diverged").sum())
        if lost:
            yield place, lines[line]["color"], lost, len(group)


def _limit(panels: Sequence[Panel], quantity: Quantity, below: float) -> None:
    """The same limits in all the panels, with room at the lower edge for marks of diverged runs."""
    import pandas as pd

    stats = pd.concat([panel.numbers for panel in panels])
    log = quantity.log and not linear(stats)
    if callable(quantity.limits):
        low, high = quantity.limits(stats)
    elif quantity.limits:
        low, high = quantity.limits
    else:
        low, high = _reach(stats, log, quantity.zero)
    for panel in panels:
        axes = panel.axes
        if not log:
            axes.set_ylim(low - below / (1 - below) * (high - low), high)
            continue
        axes.set_ylim(low * (low / high) ** (below / (1 - below)), high)
        marks.decades(axes)
        _name_what_leaves(axes, panel.numbers, low)


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


def _name_what_leaves(axes: Axes, stats: pd.DataFrame, low: float) -> None:
    # The final value of a line that leaves the panel stands at its lower edge.
    ends = stats.groupby("line", observed=True).tail(1)
    colors = {line.get_label(): line.get_color() for line in axes.get_lines()}
    for number, end in enumerate(ends[ends["mean"].between(0, low, "neither")].itertuples()):
        mantissa, exponent = f"{end.mean:.0e}".split("e")
        axes.annotate(
            f"↓ to ${mantissa}\\times 10^{{{int(exponent)}}}$", (0.03, 0.04 + 0.09 * number),
            xycoords="axes fraction", color=colors.get(end.line, style.INK), fontsize=7.0,
            gid="floor",
        )  # fmt: skip
