"""Metrics: each is said once, in the registry, and computed once, on plain arrays."""
