"""The results page: verdicts, figures, settings with their sources, environment; one file."""

from feedback_alignment.report.errors import ReportError
from feedback_alignment.report.figures import PageFigure, collect_figures
from feedback_alignment.report.page import render

__all__ = ["PageFigure", "ReportError", "collect_figures", "render"]
