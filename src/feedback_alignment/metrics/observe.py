"""Recorded metrics of a network of any kind at one step, from its parameters and the samples."""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from feedback_alignment.engines.arrays import Array, Arrays, NumpyArrays
from feedback_alignment.metrics import kernels, magnitude, stability
from feedback_alignment.metrics.descent import descent, layer_names
from feedback_alignment.metrics.kernels import KERNEL_METRICS
from feedback_alignment.metrics.layers import (
    Products,
    Updates,
    by_layer,
    signal_products,
    update_products,
    weight_products,
)
from feedback_alignment.networks.activations import Activation
from feedback_alignment.networks.parameters import Network
from feedback_alignment.networks.passes import backward, forward, hidden_slopes
from feedback_alignment.rules.bp import BP
from feedback_alignment.rules.rule import Rule
from feedback_alignment.training.recording import Key
from feedback_alignment.training.setup import Setup

# Samples are taken in chunks of this many, or of twice the width. Measured: with narrow layers a
# chunk should stay in the cache, with wide ones it should outweigh the sums of updates.
_CHUNK = 256

_SAMPLES = "sample_signal_alignment"
_ERRORS = frozenset({"loss", "error_norm", _SAMPLES})
_NULL = frozenset({"null_gradient_alignment"})
_NORMS = frozenset({"bp_gradient_norm", "rule_gradient_norm"})
_DESCENT = frozenset({"descent", "descent_share"})
_UPDATES = _NULL | _NORMS | _DESCENT | {"gradient_alignment", "signal_alignment"}
_EIGENVALUES = frozenset({"K_real", "K_imag"})
_SPECTRUM = frozenset({"stability_ratio", "K_min_real", "K_max_real", "K_max_imag"}) | _EIGENVALUES
_NULL_SPECTRUM = frozenset(f"null_{name}" for name in _SPECTRUM - _EIGENVALUES)
_SHALLOW = frozenset({"beta_norm", "hidden_norm"})


@dataclass(frozen=True)
class State:
    """One network in training, and what it is measured on.

    Attributes:
        arrays: library of the arrays.
        setup: of the run.
        network: with feedback for the measured rule.
        rule: what trains.
        measured: what alignments compare with BP.
        frozen: whether the hidden layers keep their weights.
        null_feedback: gives feedback weights for the measured rule that took no part in training.
        inputs: x (N, n_0), of training.
        targets: y (N, n_L).
        held_out: inputs (M, n_0) and labels (M,) to judge the accuracy by, if any.
        moment: whether this is a moment at which to record each eigenvalue.
    """

    arrays: Arrays
    setup: Setup
    network: Network
    rule: Rule
    measured: Rule
    frozen: bool
    null_feedback: Callable[[], Sequence[Array]]
    inputs: Array
    targets: Array
    held_out: tuple[Array, np.ndarray] | None
    moment: bool


def observe(state: State, wanted: Set[str]) -> dict[Key, float]:
    """Compute the wanted metrics of a state.

    Args:
        state: the network and what it is measured on.
        wanted: names of metrics; the others cost nothing.

    Returns:
        Value by metric and layer.
    """
    arrays, setup, network, measured = state.arrays, state.setup, state.network, state.measured
    hidden = len(network.weights) - 1
    compared = {"": network}
    if wanted & (_NULL | _NULL_SPECTRUM):
        compared["null_"] = replace(network, feedback=tuple(state.null_feedback()))
    values: dict[Key, float] = {}
    products: dict[str, Products] = {}
    if wanted & (_ERRORS | _UPDATES):
        found, products, signals = _pass(state, compared if wanted & _UPDATES else {}, wanted)
        values |= found
    for prefix in products:
        values |= by_layer(f"{prefix}gradient_alignment", products[prefix], hidden)
    if products:
        values |= by_layer("signal_alignment", signals, hidden)
    if "weight_alignment" in wanted:
        weights = weight_products(arrays, network, measured)
        values["weight_alignment", "all"] = weights.cosine(slice(None))
        for layer, name in enumerate(layer_names(hidden + 1)[1:]):
            values["weight_alignment", name] = weights.cosine(slice(layer, layer + 1))
    if wanted & (_SHALLOW | KERNEL_METRICS):
        values |= _shallow(state, wanted)
    if products:
        norms = stability.gradient_norms(products[""].true, products[""].rule)
        values |= {(name, ""): norm for name, norm in norms.items()}
    if wanted & _DESCENT:
        followed = products[""].true if state.rule is BP else products[""].cross
        values |= descent(followed, setup.condition.eta, state.frozen)
    for prefix, names in (("", _SPECTRUM), ("null_", _NULL_SPECTRUM)):
        if wanted & names:
            values |= _spectrum(state, prefix, compared[prefix], wanted)
    if "accuracy" in wanted and state.held_out is not None:
        values["accuracy", ""] = accuracy(arrays, network, setup.activation, *state.held_out)
    return {key: value for key, value in values.items() if key[0] in wanted}


def accuracy(
    arrays: Arrays, network: Network, activation: Activation, inputs: Array, labels: np.ndarray
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
    state: State, compared: dict[str, Network], wanted: Set[str]
) -> tuple[dict[Key, float], dict[str, Products], Products]:
    """One pass over the samples: sizes of the errors, products of updates, and of signals.

    Without networks to compare, the errors alone.
    """
    arrays, setup, network, rule = state.arrays, state.setup, state.network, state.measured
    inputs, targets, activation = state.inputs, state.targets, setup.activation
    true, updates = Updates.zeros(network), {key: Updates.zeros(network) for key in compared}
    signals = np.zeros((3, len(network.weights) - 1))
    loss, squares, cosines = 0.0, 0.0, 0.0
    measured = setup.condition.metric_samples or len(inputs)
    for part in _spans(len(inputs), measured, network):
        x, y = inputs[part], targets[part]
        preactivations, activations = forward(arrays, network, x, activation)
        outputs = preactivations[-1]
        errors = arrays.empty(*outputs.shape)
        setup.loss.errors(arrays, outputs, y, errors)
        loss += float(setup.loss.values(arrays, outputs, y).sum())
        squares += arrays.inner(errors, errors)
        if part.start < measured and _SAMPLES in wanted:
            cosines += _sample_cosines(arrays, network, rule, errors, y)
        if part.start >= measured or not compared:
            continue
        slopes = hidden_slopes(arrays, activation, preactivations, activations)
        by_bp = backward(network, BP, slopes, errors, y)
        true.add(by_bp, activations)
        for key, each in compared.items():
            by_rule = backward(each, rule, slopes, errors, y)
            updates[key].add(by_rule, activations)
            if key == "":
                signals += signal_products(arrays, by_bp, by_rule)
    values = {
        ("loss", ""): loss * setup.loss.gain(len(inputs)),
        ("error_norm", ""): float(np.sqrt(squares)),
        (_SAMPLES, "output"): cosines / measured,
    }
    gain = setup.loss.gain(measured)
    products = {
        key: update_products(arrays, true, each, gain, setup.rates) for key, each in updates.items()
    }
    return values, products, Products(*signals)


def _sample_cosines(
    arrays: Arrays, network: Network, rule: Rule, errors: Array, targets: Array
) -> float:
    """Sum over samples of the cosine of what BP and the rule send back from the output."""
    W, heard = network.weights[-1], rule.source(errors, targets)
    V = rule.backward_weights(None if rule.path == "direct" else W, network.feedback[-1])
    # Through Gram matrices of the outputs, of which there are few; in double precision, since
    # errors of single precision have squares below its range.
    grams = (W @ V.mT, W @ W.mT, V @ V.mT)
    WV, WW, VV, e, s = (arrays.numpy(x).astype(np.float64) for x in (*grams, errors, heard))
    squares = np.vecdot(e @ WW, e) * np.vecdot(s @ VV, s)
    # A sample without an error counts as 0, as by torch's cosine_similarity.
    cosines = np.zeros(len(e))
    np.divide(np.vecdot(e @ WV, s), np.sqrt(squares), out=cosines, where=squares > 0)
    return float(cosines.sum())


def _spectrum(state: State, prefix: str, network: Network, wanted: Set[str]) -> dict[Key, float]:
    setup = state.setup
    double, x = _in_double(state.arrays, network), state.arrays.numpy(state.inputs)
    operator = stability.feedback_operator(
        double,
        state.measured,
        setup.activation,
        x.astype(np.float64),
        setup.rates,
        state.frozen,
        setup.loss.gain(len(x)),
    )
    found = stability.spectrum(operator)
    values = {
        (f"{prefix}stability_ratio", ""): stability.stability_ratio(found),
        (f"{prefix}K_min_real", ""): float(found.real.min()),
        (f"{prefix}K_max_real", ""): float(found.real.max()),
        (f"{prefix}K_max_imag", ""): float(np.abs(found.imag).max()),
    }
    if wanted & _EIGENVALUES and not prefix:
        shown = found if state.moment else np.full(len(found), complex(np.nan, np.nan))
        values |= {("K_real", str(i)): float(z.real) for i, z in enumerate(shown)}
        values |= {("K_imag", str(i)): float(z.imag) for i, z in enumerate(shown)}
    return values


def _shallow(state: State, wanted: Set[str]) -> dict[Key, float]:
    """Quantities of Song 2021, of the unscaled weights V and beta."""
    arrays, activation = state.arrays, state.setup.activation
    network, x = _in_double(arrays, state.network), arrays.numpy(state.inputs).astype(np.float64)
    double = NumpyArrays("float64")
    (H, _), (_, A) = forward(double, network, x, activation)
    slopes = hidden_slopes(double, activation, (H, None), (x, A))[0]
    beta = network.weights[-1][0] * state.setup.divisor
    values: dict[Key, float] = {
        ("beta_norm", "output"): float(magnitude.beta_norm(beta)),
        ("hidden_norm", "hidden"): magnitude.hidden_norm(H),
    }
    if wanted & KERNEL_METRICS:
        v = state.rule.backward_weights(network.weights[-1], network.feedback[-1])[0]
        hidden = kernels.hidden_kernel(slopes.T, beta, v * state.setup.divisor, x @ x.T)
        found = kernels.kernel_metrics(kernels.output_kernel(A.T), hidden)
        values |= {(name, ""): value for name, value in found.items()}
    return values


def _in_double(arrays: Arrays, network: Network) -> Network:
    parts = (network.weights, network.biases, network.feedback)
    return Network(*(tuple(arrays.numpy(x).astype(np.float64) for x in part) for part in parts))


def _spans(samples: int, cut: int, network: Network) -> Iterator[slice]:
    """Chunks of the samples, none across the cut."""
    size = max(_CHUNK, 2 * max(max(W.shape) for W in network.weights))
    for start, stop in ((0, cut), (cut, samples)):
        for first in range(start, stop, size):
            yield slice(first, min(first + size, stop))
