"""Metrics: each is defined once, on plain arrays, with its equation."""
