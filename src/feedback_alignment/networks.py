"""Two-layer networks in the neural tangent scaling: initial weights and the forward pass."""

from dataclasses import dataclass

import numpy as np

from feedback_alignment.activations import Activation
from feedback_alignment.streams import generator


@dataclass(frozen=True)
class TwoLayer:
    """Weights of `f(x) = beta^T psi(W x) / sqrt(p)`, and the feedback weights beside them.

    Attributes:
        hidden: W (p, d).
        output: beta (p,).
        feedback: b (p,).
    """

    hidden: np.ndarray
    output: np.ndarray
    feedback: np.ndarray


def draw_two_layer(seed: int, replicate: int, width: int, dimension: int) -> TwoLayer:
    """Draw the initial weights of a replicate, all i.i.d. N(0, 1) (Song 2021).

    Draws are nested: a network's weights are the first rows of a wider one's.

    Args:
        seed: the config's seed.
        replicate: index of the replicate.
        width: p, number of hidden units.
        dimension: d, number of inputs.
    """
    return TwoLayer(
        hidden=generator(seed, replicate, "weights").standard_normal((width, dimension)),
        output=generator(seed, replicate, "output").standard_normal(width),
        feedback=generator(seed, replicate, "feedback").standard_normal(width),
    )


def predict(
    hidden: np.ndarray, output: np.ndarray, inputs: np.ndarray, activation: Activation
) -> np.ndarray:
    """Outputs (n,) of a two-layer network, `psi(X W^T) beta / sqrt(p)`.

    Args:
        hidden: W (p, d).
        output: beta (p,).
        inputs: X (n, d).
        activation: psi.
    """
    preactivations = inputs @ hidden.T
    activations = np.empty_like(preactivations)
    activation.apply(preactivations, activations)
    return activations @ output / np.sqrt(output.size)
