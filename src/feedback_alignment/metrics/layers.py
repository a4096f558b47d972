"""Alignment of two rules layer by layer in a network: of error signals, updates and weights.

The updates are those of the whole training set. Each metric has one value a layer and one over all
hidden layers. The output layer is left out of the latter: its update is the true gradient under
every rule, so with it the number would mean nothing (Chu and Bacho 2024 compare by layer).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from feedback_alignment.engines.arrays import Array, Arrays
from feedback_alignment.networks.parameters import Network
from feedback_alignment.networks.passes import replaced_weights
from feedback_alignment.rules.rule import Rule


@dataclass(frozen=True)
class Products:
    """Inner products, layer by layer, of what BP gives (x) and what a rule gives (y).

    Attributes:
        cross: `<x, y>` (layers,).
        true: `<x, x>` (layers,).
        rule: `<y, y>` (layers,).
    """

    cross: np.ndarray
    true: np.ndarray
    rule: np.ndarray

    def cosine(self, layers: slice) -> float:
        """Cosine over some layers taken together; NaN where a factor is zero."""
        with np.errstate(invalid="ignore", divide="ignore"):
            squares = self.true[layers].sum() * self.rule[layers].sum()
            return float(self.cross[layers].sum() / np.sqrt(squares))


@dataclass
class Updates:
    """Gradients by a rule of the loss summed over samples, gathered chunk by chunk.

    Attributes:
        weights: sum of `delta_l a_{l-1}^T` (n_l, n_{l-1}) for each layer.
        biases: sum of `delta_l` (n_l,) for each layer; empty without biases.
    """

    weights: list[Array]
    biases: list[Array]

    @classmethod
    def zeros(cls, network: Network) -> "Updates":
        """Before the first chunk."""
        return cls([W * 0.0 for W in network.weights], [c * 0.0 for c in network.biases])

    def add(self, signals: Sequence[Array], activations: Sequence[Array]) -> None:
        """Add a chunk: delta_l (n, n_l) and a_{l-1} (n, n_{l-1}) of each layer."""
        for layer, (signal, activation) in enumerate(zip(signals, activations, strict=True)):
            self.weights[layer] += signal.mT @ activation
            if self.biases:
                self.biases[layer] += signal.sum(0)


def update_products(
    arrays: Arrays, true: Updates, rule: Updates, gain: float, rates: Sequence[float]
) -> Products:
    """Inner products of updates.

    Args:
        arrays: library of the arrays.
        true: those of BP.
        rule: those of the rule.
        gain: what the loss's sum over the gathered samples is multiplied by.
        rates: step size of each layer relative to eta, for updates in its own parametrisation.
    """
    scale = np.asarray(rates) * gain**2

    def products(x: Updates, y: Updates) -> np.ndarray:
        pairs = [arrays.inner(a, b) for a, b in zip(x.weights, y.weights, strict=True)]
        if x.biases:
            shifts = zip(x.biases, y.biases, strict=True)
            pairs = [p + arrays.inner(a, b) for p, (a, b) in zip(pairs, shifts, strict=True)]
        return scale * np.array(pairs)

    return Products(products(true, rule), products(true, true), products(rule, rule))


def signal_products(arrays: Arrays, true: Sequence[Array], rule: Sequence[Array]) -> np.ndarray:
    """Inner products (3, hidden layers) of signals: cross, true and rule (see `Products`).

    Args:
        arrays: library of the arrays.
        true: delta_1 ... delta_L of BP, each (n, n_l).
        rule: those of the rule.
    """
    pairs = list(zip(true[:-1], rule[:-1], strict=True))
    return np.array(
        [
            [arrays.inner(x, y) for x, y in pairs],
            [arrays.inner(x, x) for x, _ in pairs],
            [arrays.inner(y, y) for _, y in pairs],
        ]
    )


def weight_products(arrays: Arrays, network: Network, rule: Rule) -> Products:
    """Inner products of the weights that feedback stands for, and what the rule uses instead.

    Those are W_{l+1} and B_{l+1} for each hidden layer l (Frobenius), or on path `direct` the
    product W_L ... W_{l+1} and B_l.

    Args:
        arrays: library of the arrays.
        network: with feedback for the rule.
        rule: learning rule.
    """
    pairs = []
    for W, B in zip(replaced_weights(network, rule), network.feedback, strict=True):
        pairs.append((W, rule.backward_weights(None if rule.path == "direct" else W, B)))
    return Products(
        np.array([arrays.inner(W, V) for W, V in pairs]),
        np.array([arrays.inner(W, W) for W, _ in pairs]),
        np.array([arrays.inner(V, V) for _, V in pairs]),
    )


def by_layer(metric: str, products: Products, hidden: int) -> Mapping[tuple[str, str], float]:
    """Cosines of each hidden layer and of all hidden layers.

    Args:
        metric: name of the metric.
        products: of the hidden layers, from the first.
        hidden: number of hidden layers.

    Returns:
        By metric and layer: `1`, `2`, ..., and `hidden` for all hidden layers.
    """
    values = {
        (metric, str(layer + 1)): products.cosine(slice(layer, layer + 1))
        for layer in range(hidden)
    }
    return {**values, (metric, "hidden"): products.cosine(slice(0, hidden))}
