"""Synthetic regression data: Gaussian inputs, targets from a random network, direction, or none."""

import numpy as np

from feedback_alignment.networks.activations import activation_named
from feedback_alignment.streams import Streams


def teacher_student(
    streams: Streams, replicate: int, activation: str, width: int, samples: int, dimension: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one replicate's inputs, and targets from a random network of the student's kind.

    Inputs are i.i.d. N(0, 1). The teacher is a two-layer network of the student's activation and
    width, with N(0, 1) weights of its own (Song 2021). A linear teacher is `y = X u` with
    `u = W^T beta / sqrt(p)`; given beta, u is N(0, |beta|^2 / p I), so it is drawn from a
    chi-square variable and d normal ones, whatever the width.

    Args:
        streams: the random streams of the width and number of samples.
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
    inputs, teacher = _inputs_and_teacher(streams, replicate, samples, dimension)
    if activation == "linear":
        direction = teacher.standard_normal(dimension)
        return inputs, inputs @ direction * np.sqrt(teacher.chisquare(width) / width)
    hidden = teacher.standard_normal((width, dimension))
    output = teacher.standard_normal(width)
    preactivations = inputs @ hidden.T
    activations = np.empty_like(preactivations)
    psi.apply(preactivations, activations)
    return inputs, activations @ output / np.sqrt(width)


def linear_teacher(
    streams: Streams, replicate: int, samples: int, dimension: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one replicate's inputs and targets `y = X theta`, theta ~ N(0, I), without noise.

    The data of the linear networks of Song 2021, as its authors ran them.

    Args:
        streams: the random streams of the width and number of samples.
        replicate: index of the replicate.
        samples: n.
        dimension: d.

    Returns:
        Inputs (n, d) i.i.d. N(0, 1) and targets (n,).
    """
    inputs, teacher = _inputs_and_teacher(streams, replicate, samples, dimension)
    return inputs, inputs @ teacher.standard_normal(dimension)


def noise(
    streams: Streams, replicate: int, samples: int, dimension: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one replicate's inputs, and targets that know nothing of them.

    Args:
        streams: the random streams of the width and number of samples.
        replicate: index of the replicate.
        samples: n.
        dimension: d.

    Returns:
        Inputs (n, d) and targets (n,), all i.i.d. N(0, 1).
    """
    inputs, teacher = _inputs_and_teacher(streams, replicate, samples, dimension)
    return inputs, teacher.standard_normal(samples)


def _inputs_and_teacher(
    streams: Streams, replicate: int, samples: int, dimension: int
) -> tuple[np.ndarray, np.random.Generator]:
    inputs = streams.generator(replicate, "data").standard_normal((samples, dimension))
    return inputs, streams.generator(replicate, "teacher")
