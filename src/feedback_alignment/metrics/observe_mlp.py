"""All recorded metrics of one MLP at one step, from the whole training set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from feedback_alignment.activations import Activation
from feedback_alignment.arrays import Array, Arrays
from feedback_alignment.losses import Loss
from feedback_alignment.metrics import stability
from feedback_alignment.metrics.descent import descent, layer_names
from feedback_alignment.metrics.layers import (
    Products,
    Updates,
    by_layer,
    signal_products,
    update_products,
    weight_products,
)
from feedback_alignment.mlp import MLP, backward, forward, hidden_slopes
from feedback_alignment.rules import BP, Rule

# Samples are taken in chunks of this many, or of twice the width. Measured: with narrow layers a
# chunk should stay in the cache, with wide ones it should outweigh the sums of updates.
_CHUNK = 256


@dataclass(frozen=True)
class Observation:
    """What to record of every state of a run, and how its steps are taken.

    Attributes:
        activation: psi.
        loss: the loss.
        eta: step size.
        rates: step size of each layer relative to eta.
        metric_samples: training samples behind updates and signals, the first ones; 0 for all.
        descent: whether to record the first-order descent by layer.
        spectrum: whether to record the operator K's extreme eigenvalues.
        eigenvalues: whether to record each eigenvalue of K at certain moments, NaN at others.
    """

    activation: Activation
    loss: Loss
    eta: float
    rates: tuple[float, ...]
    metric_samples: int
    descent: bool
    spectrum: bool
    eigenvalues: bool


def observe_mlp(
    arrays: Arrays,
    what: Observation,
    network: MLP,
    rule: Rule,
    trained_by_bp: bool,
    frozen: bool,
    null_feedback: Sequence[Array],
    inputs: Array,
    targets: Array,
    moment: bool,
) -> dict[str | tuple[str, str], float]:
    """Compute every metric of a state.

    Args:
        arrays: library of the arrays.
        what: what to record.
        network: with feedback for the rule.
        rule: what alignments compare with BP.
        trained_by_bp: whether BP trains, and not that rule.
        frozen: whether the hidden layers keep their weights.
        null_feedback: feedback weights that took no part in training, or empty to record no null.
        inputs: x (N, n_0).
        targets: y (N, n_L).
        moment: whether this is a moment at which to record each eigenvalue.

    Returns:
        Value by metric, or by metric and layer.
    """
    null = replace(network, feedback=tuple(null_feedback)) if len(null_feedback) else None
    compared = {"": network} if null is None else {"": network, "null_": null}
    values, products, signals = _pass(arrays, what, compared, rule, inputs, targets)
    hidden = len(network.weights) - 1
    for prefix in compared:
        values |= by_layer(f"{prefix}gradient_alignment", products[prefix], hidden)
    values |= by_layer("signal_alignment", signals, hidden)
    weights = weight_products(arrays, network, rule)
    values["weight_alignment"] = weights.cosine(slice(None))
    for layer, name in enumerate(layer_names(hidden + 1)[1:]):
        values["weight_alignment", name] = weights.cosine(slice(layer, layer + 1))
    values |= stability.gradient_norms(products[""].true, products[""].rule)
    if what.descent:
        followed = products[""].true if trained_by_bp else products[""].cross
        values |= descent(followed, what.eta, frozen)
    if what.spectrum:
        for prefix, each in compared.items():
            values |= _spectrum(arrays, what, prefix, each, rule, frozen, inputs, moment)
    return values


def accuracy(
    arrays: Arrays, network: MLP, activation: Activation, inputs: Array, labels: np.ndarray
) -> float:
    """Share of samples whose largest output is that of their label.

    Args:
        arrays: library of the arrays.
        network: its parameters.
        activation: psi.
        inputs: x (M, n_0).
        labels: index of the right output (M,).
    """
    right = 0
    for part in _spans(len(inputs), 0, network):
        outputs = forward(arrays, network, inputs[part], activation)[0][-1]
        right += int((arrays.numpy(outputs).argmax(axis=-1) == labels[part]).sum())
    return right / len(labels)


def _pass(
    arrays: Arrays,
    what: Observation,
    compared: dict[str, MLP],
    rule: Rule,
    inputs: Array,
    targets: Array,
) -> tuple[dict[str | tuple[str, str], float], dict[str, Products], Products]:
    """One pass over the samples: sizes of the errors, products of updates, and of signals."""
    network = compared[""]
    true, updates = Updates.zeros(network), {key: Updates.zeros(network) for key in compared}
    signals = np.zeros((3, len(network.weights) - 1))
    loss, squares = 0.0, 0.0
    measured = what.metric_samples or len(inputs)
    for part in _spans(len(inputs), measured, network):
        x, y = inputs[part], targets[part]
        preactivations, activations = forward(arrays, network, x, what.activation)
        outputs = preactivations[-1]
        errors = arrays.empty(*outputs.shape)
        what.loss.errors(arrays, outputs, y, errors)
        loss += float(what.loss.values(arrays, outputs, y).sum())
        squares += arrays.inner(errors, errors)
        if part.start >= measured:
            continue
        slopes = hidden_slopes(arrays, what.activation, preactivations, activations)
        by_bp = backward(network, BP, slopes, errors, y)
        true.add(by_bp, activations)
        for key, each in compared.items():
            by_rule = backward(each, rule, slopes, errors, y)
            updates[key].add(by_rule, activations)
            if key == "":
                signals += signal_products(arrays, by_bp, by_rule)
    values = {"loss": loss / len(inputs), "error_norm": float(np.sqrt(squares))}
    products = {
        key: update_products(arrays, true, each, measured, what.rates)
        for key, each in updates.items()
    }
    return values, products, Products(*signals)


def _spectrum(
    arrays: Arrays,
    what: Observation,
    prefix: str,
    network: MLP,
    rule: Rule,
    frozen: bool,
    inputs: Array,
    moment: bool,
) -> dict[str | tuple[str, str], float]:
    parts = (network.weights, network.biases, network.feedback)
    double = MLP(*(tuple(arrays.numpy(x).astype(np.float64) for x in part) for part in parts))
    x = arrays.numpy(inputs).astype(np.float64)
    operator = stability.feedback_operator(double, rule, what.activation, x, what.rates, frozen)
    found = stability.spectrum(operator)
    values = {
        f"{prefix}stability_ratio": stability.stability_ratio(found),
        f"{prefix}K_min_real": float(found.real.min()),
        f"{prefix}K_max_real": float(found.real.max()),
        f"{prefix}K_max_imag": float(np.abs(found.imag).max()),
    }
    if what.eigenvalues and not prefix:
        shown = found if moment else np.full(len(found), complex(np.nan, np.nan))
        values |= {("K_real", str(i)): float(z.real) for i, z in enumerate(shown)}
        values |= {("K_imag", str(i)): float(z.imag) for i, z in enumerate(shown)}
    return values


def _spans(samples: int, cut: int, network: MLP) -> Iterator[slice]:
    """Chunks of the samples, none across the cut."""
    size = max(_CHUNK, 2 * max(max(W.shape) for W in network.weights))
    for start, stop in ((0, cut), (cut, samples)):
        for first in range(start, stop, size):
            yield slice(first, min(first + size, stop))
