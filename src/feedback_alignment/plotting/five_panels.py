"""Five quantities of MLPs side by side: what the figures of rules and of MNIST share.

One network gives a grid of panels with the legend in its corner; several give a column each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from feedback_alignment.plotting import panels, style, tables
from feedback_alignment.rules import RULES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("accuracy", "loss", "gradient_alignment", "signal_alignment", "weight_alignment")
METHOD = ["rule", "l2", "variant"]
Method = tuple[str, float, str]

_DATA_NAMES = {"mnist": "MNIST", "digits_in_order": "digits, in order"}
# Decays times variants can be many; the last of panels.DASHES reads as solid in a legend.
_DASHES = (
    *panels.DASHES[:4],
    (0, (5, 1.3, 1, 1.3, 1, 1.3)),
    (0, (2.6, 2.6)),
    (0, (9, 3)),
    (0, (9, 1.5, 2.5, 1.5)),
)
_ROOM = 11  # legend entries that fit into the corner
_PALE = 0.4  # opacity of alignments with feedback that is not used


@dataclass(frozen=True)
class Quantity:
    """A quantity with a panel of its own.

    Attributes:
        metric: its name in the tidy table.
        layer: the layer shown.
        label: axis label.
        short: name in summaries.
    """

    metric: str
    layer: str
    label: str
    short: str

    @property
    def logarithmic(self) -> bool:
        """Whether its axis is, and its mean over replicates that of the logarithm."""
        return self.metric == "loss"

    @property
    def alignment(self) -> bool:
        """Whether it is a cosine."""
        return self.metric.endswith("alignment")

    def values(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Its rows, without diverged replicates and what a logarithmic axis has no place for."""
        rows = tables.metric(rows, self.metric, self.layer)
        return rows[rows["value"] > 0] if self.logarithmic else rows

    def stats(self, rows: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
        """:func:`tables.mean_over_replicates` of its values."""
        return tables.mean_over_replicates(self.values(rows), keys, geometric=self.logarithmic)

    def final(self, rows: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
        """The same of each replicate's last value."""
        return self.stats(tables.last(rows, self.metric, self.layer), keys)


ACCURACY = Quantity("accuracy", "", "accuracy, held out", "accuracy")
LOSS = Quantity("loss", "", "training loss", "loss")
GRADIENT = Quantity(
    "gradient_alignment", "hidden", "gradient alignment,\nhidden", "gradient alignment"
)
SIGNAL = Quantity("signal_alignment", "hidden", "signal alignment,\nhidden", "signal alignment")


def weight(layer: str) -> Quantity:
    """The weight alignment of a layer, or of `all`."""
    label = f"weight alignment,\n{'all layers' if layer == 'all' else layer}"
    return Quantity("weight_alignment", layer, label, "weight alignment")


def mlps(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of MLPs."""
    return table[table["parametrisation"] != "song"]


def lacking(table: pd.DataFrame) -> str:
    """Why there is nothing to draw; empty if there is something."""
    if not table["metric"].isin(METRICS).any():
        return tables.lacking_metrics(table, *METRICS)
    rows = mlps(table)
    if rows.empty:
        return "No MLP in the table: set parametrisation: standard or ntk in the experiment."
    return tables.lacking_steps(rows)


def data_name(data: str) -> str:
    """A data set in words: `MNIST` of `mnist`, a user's name as it is."""
    return _DATA_NAMES.get(data, data)


def layers_name(depth: int) -> str:
    """`1 hidden layer`, `2 hidden layers`."""
    return "1 hidden layer" if depth == 1 else f"{depth} hidden layers"


def methods(rows: pd.DataFrame) -> list[Method]:
    """The (rule, l2, variant) of the rows: rules in the order of the library, then by decay."""
    order = list(RULES)
    found = rows[METHOD].drop_duplicates().itertuples(index=False, name=None)
    return sorted(found, key=lambda m: (order.index(m[0]) if m[0] in order else 99, *m))


def method_name(method: Method) -> str:
    """Legend entry of a method."""
    rule, l2, variant = method
    return style.method_name(rule, l2) + (f", {variant}" if variant else "")


def looks(rows: pd.DataFrame) -> dict[Method, dict[str, Any]]:
    """Colour and dash pattern of each of :func:`methods`.

    Dashes tell the decays of a rule apart, and variants; FA has a colour for each decay besides.
    """
    decays = sorted({0.0, *rows["l2"]})
    variants = sorted(rows["variant"].unique())
    found = {}
    for rule, l2, variant in methods(rows):
        place = decays.index(l2) * len(variants) + variants.index(variant)
        dashes = _DASHES[place % len(_DASHES)]
        found[rule, l2, variant] = {
            "color": style.method_color(rule, l2),
            "linestyle": dashes,
        }
    return found


def in_words(stats: pd.DataFrame, quantity: Quantity) -> list[str]:
    """Mean and standard deviation, `0.930 ± 0.010`; of the logarithm, `0.0210 ×/÷ 1.15`."""
    shown = []
    for mean, sd, n in stats[["mean", "sd", "n"]].itertuples(index=False):
        text = f"{mean:.3g}" if quantity.logarithmic else f"{mean:.3f}"
        spread = f" ×/÷ {math.exp(sd):.2f}" if quantity.logarithmic else f" ± {sd:.3f}"
        shown.append(text + spread if n > 1 else text)
    return shown


class Drawing(Protocol):
    """What a figure draws its own way; `looks` is that of :func:`looks`, with markers if any."""

    rows: pd.DataFrame
    column: Sequence[str]
    quantities: Sequence[Quantity]
    looks: Mapping[Method, dict[str, Any]]

    def title(self, values: tuple) -> str:
        """The values of the settings `column` in words."""

    def stats(self, cells: pd.DataFrame, quantity: Quantity) -> pd.DataFrame:
        """Mean over replicates by method and `x`."""

    def horizontal(self, axes: Axes, cells: pd.DataFrame, label: bool) -> None:
        """Set the horizontal axis."""

    def mark_diverged(self, axes: Axes, cells: pd.DataFrame) -> tuple[float, float]:
        """Mark replicates that diverged; the shares of the height that takes, below and above."""


def draw(what: Drawing) -> Figure:
    """A grid of five panels and a legend, or five panels above each other for each column."""
    import pandas as pd

    columns = list(what.rows.groupby(list(what.column)))
    figure, axes_of, titled = _lay_out(what, columns)
    filled: dict[Quantity, list[tuple[Axes, pd.DataFrame]]] = {q: [] for q in what.quantities}
    room = dict.fromkeys(what.quantities, (0.0, 0.0))
    for axes, (values, cells) in zip(axes_of, columns, strict=True):
        heading = "" if titled else what.title(values)
        panels.title(axes[0], heading, note=panels.diverged_note(cells, what.rows))
        marked = False
        for panel, quantity in zip(axes, what.quantities, strict=True):
            if axes is axes_of[0]:
                panel.set_ylabel(quantity.label)
            lost = panels.all_diverged(panel, cells)
            stats = _stats(what, cells, quantity)
            if stats.empty and not lost:
                panels.say_missing(panel, _missing(cells, quantity), wrap=24)
                continue
            what.horizontal(panel, cells, label=len(columns) == 1 or panel is axes[-1])
            if lost:
                continue
            _lines(panel, stats, quantity, what.looks)
            if not marked:
                taken = what.mark_diverged(panel, cells)
                below, above = room[quantity]
                room[quantity] = max(below, taken[0]), max(above, taken[1])
                marked = True
            filled[quantity].append((panel, stats))
    for quantity, some in filled.items():
        if some:
            row, stats = zip(*some, strict=True)
            _limit(row, pd.concat(stats), quantity, *room[quantity])
    if (what.rows["rule"] == "bp").any():
        panels.footnote(figure, "Pale: alignment of BP, with random feedback that it does not use.")
    return figure


def _lay_out(what: Drawing, columns: list) -> tuple[Figure, list[list[Axes]], bool]:
    """The figure with its legend, the axes of each column, and whether it has a title."""
    keys = [panels.key(label=method_name(m), **look) for m, look in what.looks.items()]
    if len(columns) > 1:
        figure, by_row = panels.grid(5, len(columns), 1.6)
        _legend_above(figure, keys)
        return figure, [list(each) for each in zip(*by_row, strict=True)], False
    figure, ((*upper, corner), lower) = panels.grid(2, 3, 2.15)
    corner.set_axis_off()
    titled = len(keys) <= _ROOM and not what.rows["variant"].any()
    if titled:
        bold = {"fontsize": 10.0, "fontweight": "bold"}
        figure.suptitle(what.title(columns[0][0]), x=0.012, ha="left", **bold)
        place = {"bbox_to_anchor": (0.45, 0.5), "bbox_transform": corner.transAxes}
        figure.legend(handles=keys, loc="center", handlelength=3.2, **place)
    else:
        _legend_above(figure, keys)
    return figure, [[*upper, *lower]], titled


def _stats(what: Drawing, cells: pd.DataFrame, quantity: Quantity) -> pd.DataFrame:
    stats = what.stats(cells, quantity)
    if not quantity.alignment:
        return stats
    used = stats["rule"] != "bp"  # of BP no more than the mean
    one = {"n": stats["n"].where(used, 1)}
    return stats.assign(**one, **{name: stats[name].where(used) for name in ("low", "high")})


def _legend_above(figure: Figure, keys: Sequence[Any]) -> None:
    # A letter of the legend takes about 0.06 inches, and the line before it, long enough to tell
    # dashes apart, 0.75.
    longest = max(len(key.get_label()) for key in keys)
    columns = max(1, int(figure.get_figwidth() / (0.75 + 0.062 * longest)))
    rows = -(-len(keys) // columns)
    even = {"ncols": -(-len(keys) // rows), "handlelength": 3.4}
    figure.legend(handles=list(keys), loc="outside upper center", **even)
    # The panels keep their height however long the legend is; one row is in the grid's.
    figure.set_figheight(figure.get_figheight() + 0.17 * (rows - 1))


def _missing(cells: pd.DataFrame, quantity: Quantity) -> str:
    lacks = tables.lacking_metrics(cells, quantity.metric)
    return lacks or f"No {quantity.metric} with layer {quantity.layer or 'empty'} in the table."


def _lines(
    axes: Axes, stats: pd.DataFrame, quantity: Quantity, looks: Mapping[Method, dict[str, Any]]
) -> None:
    if quantity.alignment:
        axes.axhline(0, color=style.GUIDE, linewidth=0.7, zorder=1, gid="zero")
    for method, curve in stats.groupby(METHOD):
        look = dict(looks[method])
        if quantity.alignment and method[0] == "bp":
            look |= {"alpha": _PALE, "linewidth": 1.0, "markersize": 2.5, "zorder": 2.5}
        panels.band(axes, curve["x"], curve, **look)
    for shade in axes.collections:  # many bands on top of each other must not hide the lines
        shade.set_alpha(0.18 * min(1.0, 4 / len(looks)))


def _limit(
    row: Sequence[Axes], stats: pd.DataFrame, quantity: Quantity, below: float, above: float
) -> None:
    """The same limits in every column, with room at the edges for the marks of diverged runs."""
    low = stats["low"].fillna(stats["mean"]).min()
    high = stats["high"].fillna(stats["mean"]).max()
    if quantity.logarithmic:
        low, high = math.log(low), math.log(high)
    elif quantity.alignment:
        low, high = min(0.0, low), max(0.1, high)
    margin = 0.06 * (high - low) or 0.02
    low, high = low - margin, high + margin
    height = (high - low) / (1 - below - above)
    low, high = low - below * height, high + above * height
    for axes in row:
        if quantity.logarithmic:
            axes.set_ylim(math.exp(low), math.exp(high))
            _ticks_of_loss(axes)
        else:
            axes.set_ylim(low, high)


def _ticks_of_loss(axes: Axes) -> None:
    from matplotlib.ticker import FixedLocator, MaxNLocator

    panels.decades(axes)
    low, high = axes.get_ylim()
    if high / low < 8:  # 1, 2, 5 may be too few
        ticks = MaxNLocator(5).tick_values(low, high)
        axes.yaxis.set_major_locator(FixedLocator(ticks[ticks > 0]))
        axes.set_ylim(low, high)
