"""song_mnist: on images, feedback alignment against backpropagation, at each decay (Song 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from feedback_alignment.plotting import five_panels, panels, style, tables
from feedback_alignment.plotting.five_panels import (
    ACCURACY,
    GRADIENT,
    LOSS,
    METHOD,
    METRICS,
    SIGNAL,
    lacking,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from feedback_alignment.plotting.five_panels import Method, Quantity

__all__ = ["METRICS", "draw", "lacking", "summary"]

_QUANTITIES = (ACCURACY, LOSS, five_panels.weight("output"), SIGNAL, GRADIENT)
_COLUMN = ("data", "depth", "width")


@dataclass(frozen=True)
class _Course:
    """The drawing of a training course; see :class:`five_panels.Drawing`."""

    rows: pd.DataFrame
    column: tuple[str, ...]
    quantities: tuple[Quantity, ...]
    looks: dict[Method, dict[str, Any]]

    def title(self, values: tuple) -> str:
        """Data set and network in words."""
        data, depth, width = values
        units = f"{style.count(width)} hidden units"
        if depth > 1:
            units = f"{five_panels.layers_name(depth)} of {style.count(width)} units"
        return f"{five_panels.data_name(data)}, {units}"

    def stats(self, cells: pd.DataFrame, quantity: Quantity) -> pd.DataFrame:
        """Mean over replicates, by method and epoch `x`."""
        return quantity.stats(cells.assign(x=tables.epochs(cells)), [*METHOD, "x"])

    def horizontal(self, axes: Axes, cells: pd.DataFrame, label: bool) -> None:
        """Epochs from 0."""
        panels.step_axis(axes, label=False)
        axes.set_xlim(0, tables.epochs(cells).max())
        if label:
            axes.set_xlabel("epoch")

    def mark_diverged(self, axes: Axes, cells: pd.DataFrame) -> tuple[float, float]:
        """A cross at the epoch at which a replicate diverged, at the upper edge."""
        ends = tables.epochs(cells.assign(step=cells["end_step"]))
        panels.mark_diverged(axes, cells.assign(end_step=ends))
        return 0.0, 0.08 if (cells["status"] == "diverged").any() else 0.0


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Each quantity at the end of training over replicates, a row a method."""
    rows = _with_variant(table)
    keys = [*_COLUMN, *METHOD]
    runs = tables.replicates(rows).groupby(keys)
    out = runs.agg(eta=("eta", "first"), replicates=("replicate", "size"))
    lost = runs["status"].agg(lambda status: int((status == "diverged").sum()))
    if lost.any():
        out["diverged"] = lost
    for quantity in _QUANTITIES:
        stats = quantity.final(rows, keys)
        found = stats[keys].itertuples(index=False, name=None)
        words = dict(zip(found, five_panels.in_words(stats, quantity), strict=True))
        out[quantity.short] = [words.get(cell, "") for cell in out.index]
    order = five_panels.methods(rows)
    index = out.index.to_frame(index=False)
    found = list(index[METHOD].itertuples(index=False, name=None))
    out = out.rename(columns={"eta": "η"}).reset_index()
    out["rule"] = [five_panels.method_name(method) for method in found]
    out["place"] = [order.index(method) for method in found]
    constant = [name for name in _COLUMN if rows[name].nunique() == 1]
    out = out.sort_values([*_COLUMN, "place"]).drop(columns=["l2", "variant", "place", *constant])
    return out.set_index([name for name in (*_COLUMN, "rule") if name in out])


def draw(table: pd.DataFrame) -> Figure:
    """Five quantities against the epoch: a line a rule and decay, a column a network and data."""
    rows = _with_variant(table)
    return five_panels.draw(_Course(rows, _COLUMN, _QUANTITIES, five_panels.looks(rows)))


def _with_variant(table: pd.DataFrame) -> pd.DataFrame:
    return tables.with_variant(five_panels.mlps(table), ["rule", "l2", *_COLUMN])
