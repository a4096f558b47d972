"""Training: what a condition asks of a run, and the loop that drives an engine through it."""
