"""Learning rules against the width or the depth of the network: a line a rule and decay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from feedback_alignment.plotting import five_panels, panels, tables
from feedback_alignment.plotting.five_panels import ACCURACY, GRADIENT, LOSS, METHOD, SIGNAL

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from feedback_alignment.plotting.five_panels import Method, Quantity

QUANTITIES = (ACCURACY, LOSS, GRADIENT, SIGNAL, five_panels.weight("output"))
_CELL = ["rule", "l2", "data", "width", "depth"]
_MARKERS = "osD^vP"


@dataclass(frozen=True)
class Sweep:
    """The drawing of a sweep; see :class:`five_panels.Drawing`.

    Attributes:
        rows: of MLPs, with their variant.
        axis: the setting on the horizontal axis, `width` or `depth`.
        column: the settings that make a column of panels.
        quantities: one a panel.
        looks: of each method.
    """

    rows: pd.DataFrame
    axis: str
    column: tuple[str, str]
    quantities: tuple[Quantity, ...]
    looks: dict[Method, dict[str, Any]]

    def title(self, values: tuple) -> str:
        """Data set and the network's other size in words."""
        data, size = values
        other = five_panels.layers_name(size) if self.axis == "width" else f"width {size}"
        return f"{five_panels.data_name(data)}, {other}"

    def stats(self, cells: pd.DataFrame, quantity: Quantity) -> pd.DataFrame:
        """Final values over replicates, by method and size `x`."""
        stats = quantity.final(cells, [*METHOD, self.axis])
        return stats.rename(columns={self.axis: "x"})

    def horizontal(self, axes: Axes, cells: pd.DataFrame, label: bool) -> None:
        """Widths on a logarithmic axis, or whole numbers of layers."""
        if self.axis == "width":
            panels.width_axis(axes, cells["width"], label)
            return
        depths = range(cells["depth"].min(), cells["depth"].max() + 1)
        axes.set_xlim(depths[0] - 0.25, depths[-1] + 0.25)
        axes.set_xticks(depths[:: -(-len(depths) // 8)])
        if label:
            axes.set_xlabel("hidden layers")

    def mark_diverged(self, axes: Axes, cells: pd.DataFrame) -> tuple[float, float]:
        """At the lower edge, a cross a method and size, with how many replicates diverged."""
        highest = 0
        for size, group in tables.replicates(cells).groupby(self.axis):
            lost = group[group["status"] == "diverged"]
            of_method = dict(list(lost.groupby(METHOD)))
            for row, method in enumerate(m for m in self.looks if m in of_method):
                color = self.looks[method]["color"]
                place, edge = (size, 0.04 + 0.065 * row), axes.get_xaxis_transform()
                axes.plot(
                    *place, color=color, marker="x", markersize=4.5, markeredgewidth=1.3,
                    linestyle="none", transform=edge, zorder=6, gid="diverged",
                )  # fmt: skip
                asked = (group[METHOD] == list(method)).all(axis=1).sum()
                axes.annotate(
                    f"{len(of_method[method])}/{asked}", place, (3.5, -2.3), edge, "offset points",
                    color=color, fontsize=6.0, gid="count",
                )  # fmt: skip
                highest = max(highest, row + 1)
        return min(0.5, 0.03 + 0.065 * highest) if highest else 0.0, 0.0


def summary(table: pd.DataFrame, axis: str) -> pd.DataFrame:
    """Final quantities over replicates: a row a method and quantity, a column a width or depth."""
    import pandas as pd

    rows = _with_variant(table)
    other = _other(axis)
    keys = ["data", other, *METHOD, axis]
    parts = []
    for order, quantity in enumerate(QUANTITIES):
        stats = quantity.final(rows, keys)
        shown = five_panels.in_words(stats, quantity)
        parts.append(stats[keys].assign(order=order, quantity=quantity.short, shown=shown))
    runs = tables.replicates(rows)
    lost = runs.assign(lost=runs["status"] == "diverged").groupby(keys)["lost"]
    lost = lost.agg(["sum", "size"]).reset_index()
    lost = lost[lost["sum"] > 0]
    counts = lost["sum"].astype(str) + " of " + lost["size"].astype(str)
    parts.append(lost[keys].assign(order=len(parts), quantity="diverged", shown=counts))
    every = pd.concat(parts, ignore_index=True)
    names = {m: (i, five_panels.method_name(m)) for i, m in enumerate(five_panels.methods(rows))}
    found = [names[method] for method in every[METHOD].itertuples(index=False, name=None)]
    every["place"], every["rule"] = zip(*found, strict=True)
    by = ["data", other, "place", "rule", "order", "quantity"]
    out = every.pivot(index=by, columns=axis, values="shown").fillna("")
    constant = [name for name in ("data", other) if rows[name].nunique() == 1]
    return out.droplevel(["place", "order", *constant])


def draw(table: pd.DataFrame, axis: str) -> Figure:
    """Five panels against the width or depth; columns for the data sets and other sizes."""
    rows = _with_variant(table)
    variants = sorted(rows["variant"].unique())
    looks = five_panels.looks(rows)
    for (_, _, variant), look in looks.items():
        look["marker"] = _MARKERS[variants.index(variant) % len(_MARKERS)]
        look["markersize"] = 3.2
    return five_panels.draw(Sweep(rows, axis, ("data", _other(axis)), QUANTITIES, looks))


def _other(axis: str) -> str:
    return "depth" if axis == "width" else "width"


def _with_variant(table: pd.DataFrame) -> pd.DataFrame:
    return tables.with_variant(five_panels.mlps(table), _CELL)
