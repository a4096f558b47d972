"""Data sets: one inputs-and-targets draw for each replicate."""

from collections.abc import Sequence

import numpy as np

from feedback_alignment.data.teacher_student import draw_replicate

__all__ = ["DATA", "draw"]

DATA = {"teacher_student": draw_replicate}


def draw(
    data: str,
    seed: int,
    replicates: Sequence[int],
    *,
    activation: str,
    width: int,
    samples: int,
    dimension: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the data of a block of R replicates, each from its own random streams.

    Args:
        data: name of the data set.
        seed: the config's seed.
        replicates: indices of the replicates.
        activation: name of the activation.
        width: p.
        samples: n.
        dimension: d.

    Returns:
        Inputs (R, n, d) and targets (R, n).

    Raises:
        ValueError: the data set or the activation is unknown.
    """
    if data not in DATA:
        raise ValueError(f"unknown data {data!r}; allowed: {', '.join(DATA)}")
    draws = [DATA[data](seed, r, activation, width, samples, dimension) for r in replicates]
    return np.stack([inputs for inputs, _ in draws]), np.stack([targets for _, targets in draws])
