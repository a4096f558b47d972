"""Figures: tidy tables in, panels and the plotted numbers out; `docs/adding_a_figure.md`.

A notebook makes each figure, most of them with one call of :func:`facets`. What no such call can,
modules draw: `stability`, `spectra`, `performance`, `extreme_width`, `feedback_paths`.
"""

from __future__ import annotations

from feedback_alignment.figures.facets import Quantity, facets
from feedback_alignment.figures.lines import PLAIN, by_case, by_layer
from feedback_alignment.figures.marks import guide, guide_key, vertical, vertical_key
from feedback_alignment.figures.numbers import (
    REPLICATE,
    FigureError,
    estimate,
    last,
    metric,
    overview,
    read,
    readable,
    relative,
)
from feedback_alignment.figures.published import published
from feedback_alignment.figures.style import save

__all__ = [
    "PLAIN",
    "REPLICATE",
    "FigureError",
    "Quantity",
    "by_case",
    "by_layer",
    "estimate",
    "facets",
    "guide",
    "guide_key",
    "last",
    "metric",
    "overview",
    "published",
    "read",
    "readable",
    "relative",
    "save",
    "vertical",
    "vertical_key",
]
