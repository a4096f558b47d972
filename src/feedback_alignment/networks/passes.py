"""Passes through a network: outputs forward, error signals backward, and what feedback replaces."""

from collections.abc import Sequence

from feedback_alignment.engines.arrays import Array, Arrays
from feedback_alignment.networks.activations import Activation
from feedback_alignment.networks.parameters import Network
from feedback_alignment.rules.rule import Rule


def forward(
    arrays: Arrays, network: Network, inputs: Array, activation: Activation
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
    network: Network, rule: Rule, slopes: Sequence[Array], errors: Array, targets: Array | None
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


def replaced_weights(network: Network, rule: Rule) -> list[Array]:
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
