"""Figures: a tidy table in, a matplotlib figure out; one module per figure family."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from feedback_alignment.plotting.style import save
from feedback_alignment.plotting.tables import (
    PlotError,
    check_columns,
    nothing,
    overview,
    read,
    readable,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = [
    "FIGURES",
    "PlotError",
    "describe",
    "draw",
    "load",
    "overview",
    "readable",
    "save",
    "summary",
]

#: The module that draws each figure; imported when it is asked for.
FIGURES = {
    "song_convergence": "convergence",
    "song_alignment_width": "width",
    "song_trajectories": "trajectories",
    "song_cutoff": "cutoff",
    "song_kernels": "kernels",
    "song_feedback_paths": "feedback_paths",
    "song_extreme_width": "extreme_width",
    "song_mnist": "song_mnist",
    "chu_alignment": "chu_alignment",
    "chu_fixed_points": "chu_fixed_points",
    "chu_stability": "chu_stability",
    "chu_alignment_performance": "chu_performance",
    "chu_descent": "chu_descent",
    "rules_width": "rules_width",
    "rules_depth": "rules_depth",
}


def load(figure: str, tables: Iterable[str | Path]) -> pd.DataFrame:
    """Read the rows that a figure draws from.

    Args:
        figure: a name in :data:`FIGURES`.
        tables: Parquet files with the tidy columns.

    Raises:
        PlotError: a file or a column is missing.
    """
    return read(tables, _module(figure).METRICS)


def draw(figure: str, table: pd.DataFrame | None = None) -> Figure:
    """Draw a figure; a drawing needs no table.

    A table without the rows that it shows gives a panel that says what is missing.

    Raises:
        PlotError: the figure is unknown, or the table lacks a column.
    """
    from feedback_alignment.plotting import panels, style

    module = _module(figure)
    with style.context():
        if table is None:
            return module.draw()
        check_columns(table)
        reason = module.lacking(table)
        return panels.explanation(reason) if reason else module.draw(table)


def summary(figure: str, table: pd.DataFrame) -> pd.DataFrame:
    """The plotted numbers, few enough to read: mean and standard deviation over replicates.

    A table without the rows that the figure shows gives one column that says what is missing.

    Raises:
        PlotError: the figure is unknown, or the table lacks a column.
    """
    module = _module(figure)
    check_columns(table)
    reason = module.lacking(table)
    return nothing(reason) if reason else module.summary(table)


def describe(figure: str) -> str:
    """What a figure shows in one sentence: its alternative text."""
    return _module(figure).__doc__.partition("\n")[0].partition(": ")[2]


def _module(figure: str):
    if figure not in FIGURES:
        raise PlotError(f"unknown figure {figure}; known: {', '.join(FIGURES)}")
    return import_module(f"{__name__}.{FIGURES[figure]}")
