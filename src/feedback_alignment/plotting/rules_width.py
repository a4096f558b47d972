"""rules_width: accuracy, loss and alignments of each learning rule against the width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_alignment.plotting import rules_sweep
from feedback_alignment.plotting.five_panels import METRICS, lacking

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["METRICS", "draw", "lacking", "summary"]


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Final quantities over replicates: a row a rule and quantity, a column a width."""
    return rules_sweep.summary(table, "width")


def draw(table: pd.DataFrame) -> Figure:
    """Final quantities against the width; a line a rule and decay."""
    return rules_sweep.draw(table, "width")
