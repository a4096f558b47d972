"""Synthetic regression data: Gaussian inputs, targets from a random network of the same kind."""

import numpy as np

from feedback_alignment.activations import activation_named
from feedback_alignment.streams import generator


def draw_replicate(
    seed: int, replicate: int, activation: str, width: int, samples: int, dimension: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the inputs and targets of one replicate (Song 2021, as recalled).

    Inputs are i.i.d. N(0, 1). The teacher is a two-layer network of the student's activation and
    width, with N(0, 1) weights of its own. A linear teacher is `y = X u` with
    `u = W^T beta / sqrt(p)`; given beta, u is N(0, |beta|^2 / p I), so it is drawn from a
    chi-square variable and d normal ones, whatever the width.

    Args:
        seed: the config's seed.
        replicate: index of the replicate.
        activation: name of the teacher's activation.
        width: p, number of the teacher's hidden units.
        samples: n.
        dimension: d.

    Returns:
        Inputs (n, d) and targets (n,).

    Raises:
        ValueError: the activation is unknown.
    """
    psi = activation_named(activation)
    inputs = generator(seed, replicate, "data").standard_normal((samples, dimension))
    teacher = generator(seed, replicate, "teacher")
    if activation == "linear":
        direction = teacher.standard_normal(dimension)
        return inputs, inputs @ direction * np.sqrt(teacher.chisquare(width) / width)
    hidden = teacher.standard_normal((width, dimension))
    output = teacher.standard_normal(width)
    preactivations = inputs @ hidden.T
    activations = np.empty_like(preactivations)
    psi.apply(preactivations, activations)
    return inputs, activations @ output / np.sqrt(width)
