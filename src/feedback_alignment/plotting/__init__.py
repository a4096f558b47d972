"""Figures: a tidy table in, a matplotlib figure out; one module per figure family."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from feedback_alignment.plotting.style import save
from feedback_alignment.plotting.tables import PlotError, overview, read, readable

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
}


def load(figure: str, tables: Iterable[str | Path]) -> pd.DataFrame:
    """Read the rows that a figure draws from.

    Args:
        figure: a name in :data:`FIGURES`.
        tables: Parquet files with the tidy columns.

    Raises:
        PlotError: a file is missing, or holds nothing for the figure.
    """
    return read(tables, _module(figure).METRICS)


def draw(figure: str, table: pd.DataFrame | None = None) -> Figure:
    """Draw a figure; a drawing needs no table.

    Raises:
        PlotError: the table lacks what the figure shows.
    """
    from feedback_alignment.plotting import style

    module = _module(figure)
    with style.context():
        return module.draw() if table is None else module.draw(table)


def summary(figure: str, table: pd.DataFrame) -> pd.DataFrame:
    """The plotted numbers, few enough to read: mean and standard deviation over seeds."""
    return _module(figure).summary(table)


def describe(figure: str) -> str:
    """What a figure shows in one sentence: its alternative text."""
    return _module(figure).__doc__.partition("\n")[0].partition(": ")[2]


def _module(figure: str):
    if figure not in FIGURES:
        raise PlotError(f"unknown figure {figure}; known: {', '.join(FIGURES)}")
    return import_module(f"{__name__}.{FIGURES[figure]}")
