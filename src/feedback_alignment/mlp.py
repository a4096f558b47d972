"""Multilayer perceptrons of any depth: initial weights, forward and backward pass."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feedback_alignment.activations import Activation
from feedback_alignment.arrays import Array, Arrays
from feedback_alignment.rules import Rule
from feedback_alignment.streams import generator

DISTRIBUTIONS = ("gaussian", "uniform", "sign")


@dataclass(frozen=True)
class MLP:
    """Parameters of `h_l = W_l a_{l-1} + c_l`, `a_l = psi(h_l)`, outputs `f = h_L`, `a_0 = x`.

    Attributes:
        weights: W_l (n_l, n_{l-1}) for l = 1 ... L.
        biases: c_l (n_l,) for l = 1 ... L, or empty for a network without.
        feedback: for each hidden layer l = 1 ... L - 1 what brings errors to it: B_{l+1}
            (n_{l+1}, n_l) of the layer above, or on path `direct` B_l (n_L, n_l).
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    feedback: tuple[Array, ...]


def draw_mlp(
    seed: int, replicate: int, sizes: Sequence[int], init_scale: float, biases: bool
) -> MLP:
    """Draw initial weights, `W_l ~ N(0, sigma^2 / n_{l-1})`; biases start at zero.

    A deeper network has the first and the output layer of a shallower one of the same width.

    Args:
        seed: the config's seed.
        replicate: index of the replicate.
        sizes: n_0 ... n_L, inputs to outputs.
        init_scale: sigma.
        biases: whether the network has them.

    Returns:
        A network without feedback.
    """
    hidden, output = (generator(seed, replicate, role) for role in ("weights", "output"))
    streams = [hidden] * (len(sizes) - 2) + [output]
    weights = tuple(
        stream.standard_normal((above, below)) * (init_scale / np.sqrt(below))
        for stream, below, above in zip(streams, sizes, sizes[1:], strict=False)
    )
    return MLP(weights, tuple(np.zeros(n) for n in sizes[1:]) if biases else (), ())


def draw_feedback(
    rng: np.random.Generator, sizes: Sequence[int], rule: Rule, scale: float, distribution: str
) -> tuple[np.ndarray, ...]:
    """Draw feedback weights of variance `scale^2 / n_l` to each hidden layer l.

    The last hidden layer's come first, so that it hears the same at every depth and under every
    rule.

    Args:
        rng: source of the draws.
        sizes: n_0 ... n_L.
        rule: says by which path errors travel, and perhaps the distribution.
        scale: standard deviation in units of `1 / sqrt(n_l)`.
        distribution: `gaussian`, `uniform` or `sign` (two values, equally likely).

    Raises:
        ValueError: the distribution is unknown.
    """
    distribution = rule.distribution or distribution
    if distribution not in DISTRIBUTIONS:
        raise ValueError(
            f"unknown feedback distribution {distribution!r}; allowed: {', '.join(DISTRIBUTIONS)}"
        )
    drawn = []
    for layer in range(len(sizes) - 2, 0, -1):
        shape = (sizes[-1] if rule.path == "direct" else sizes[layer + 1], sizes[layer])
        if distribution == "uniform":
            values = rng.uniform(-np.sqrt(3.0), np.sqrt(3.0), shape)
        else:
            values = rng.standard_normal(shape)
        if distribution == "sign":
            values = np.copysign(1.0, values)
        drawn.append(values * (scale / np.sqrt(sizes[layer])))
    return tuple(reversed(drawn))


def forward(
    arrays: Arrays, network: MLP, inputs: Array, activation: Activation
) -> tuple[list[Array], list[Array]]:
    """Forward pass of one network.

    Args:
        arrays: library of the arrays.
        network: its parameters.
        inputs: x (n, n_0).
        activation: psi.

    Returns:
        Pre-activations h_1 ... h_L, the last of them the outputs, and activations a_0 ... a_{L-1}.
    """
    preactivations, activations = [], [inputs]
    for layer, weight in enumerate(network.weights):
        h = activations[-1] @ weight.mT
        if network.biases:
            h += network.biases[layer]
        preactivations.append(h)
        if layer < len(network.weights) - 1:
            a = arrays.empty(*h.shape)
            arrays.apply(activation, h, a)
            activations.append(a)
    return preactivations, activations


def backward(
    network: MLP, rule: Rule, slopes: Sequence[Array], errors: Array, targets: Array | None
) -> list[Array]:
    """Error signals of one network under a rule.

    Args:
        network: its parameters, with feedback for the rule's path.
        rule: learning rule.
        slopes: psi'(h_l) for each hidden layer (n, n_l), or of a shape that broadcasts.
        errors: e = dL/df (n, n_L), or stacks of them (..., n_L).
        targets: y, of the errors' shape; None for rules that are linear in the errors.

    Returns:
        delta_1 ... delta_L, the last of them the errors.
    """
    signals = [errors]
    source = rule.source(errors, targets)
    origin = source
    for layer in range(len(slopes), 0, -1):
        direct = rule.path == "direct"
        above = None if direct else network.weights[layer]
        weights = rule.backward_weights(above, network.feedback[layer - 1])
        origin = ((source if direct else origin) @ weights) * slopes[layer - 1]
        signals.append(origin)
    return signals[::-1]


def hidden_slopes(
    arrays: Arrays, activation: Activation, preactivations: Sequence[Array], activated: Sequence
) -> list[Array]:
    """psi'(h_l) (n, n_l) of each hidden layer, from what `forward` returns."""
    slopes = []
    for h, a in zip(preactivations[:-1], activated[1:], strict=True):
        slopes.append(arrays.empty(*h.shape))
        arrays.slope(activation, h, a, slopes[-1])
    return slopes


def replaced_weights(network: MLP, rule: Rule) -> list[Array]:
    """What each hidden layer's feedback stands for: W_{l+1}, or on path `direct` W_L ... W_{l+1}.

    Returns:
        For each hidden layer a matrix of the shape of its feedback.
    """
    if rule.path == "layers":
        return list(network.weights[1:])
    products = [network.weights[-1]]
    for weight in network.weights[-2:0:-1]:
        products.append(products[-1] @ weight)
    return products[::-1]
