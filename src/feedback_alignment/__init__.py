"""Feedback alignment: learning rules, their exact simulation, alignment metrics and verdicts."""

__version__ = "0.1.0"
