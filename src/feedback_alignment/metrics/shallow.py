"""Recorded metrics of a network with one hidden layer and one output, from its pre-activations."""

from collections.abc import Set

import numpy as np

from feedback_alignment.engines.arrays import Array
from feedback_alignment.metrics import alignment, kernels, magnitude
from feedback_alignment.metrics.kernels import KERNEL_METRICS
from feedback_alignment.training.recording import Key

# The metrics that need them.
OF_PREACTIVATIONS = frozenset({"hidden_norm"})
OF_ACTIVATIONS = KERNEL_METRICS
OF_SLOPES = frozenset({"signal_alignment", "gradient_alignment"}) | KERNEL_METRICS


def observe_shallow(
    wanted: Set[str],
    beta: np.ndarray,
    b: np.ndarray,
    v: np.ndarray,
    errors: np.ndarray,
    gain: float,
    gram: np.ndarray,
    preactivations: Array,
    activations: Array,
    slopes: Array,
) -> dict[Key, float]:
    """Compute the wanted metrics of a state.

    Args:
        wanted: names of metrics; the arrays that none of them needs may be None.
        beta: output weights (p,).
        b: what alignments compare them with (p,).
        v: what the rule that trains sends errors back through (p,).
        errors: e = f - y (n,).
        gain: the loss over 1/2 ||e||^2.
        gram: K = X X^T (n, n).
        preactivations: H = V X^T (p, n).
        activations: psi(H) (p, n).
        slopes: psi'(H) (p, n).

    Returns:
        Value by metric and layer.
    """
    values: dict[Key, float] = {}
    if "loss" in wanted:
        values["loss", ""] = gain * float(magnitude.loss(errors))
    if "error_norm" in wanted:
        values["error_norm", ""] = float(magnitude.error_norm(errors))
    if "weight_alignment" in wanted:
        values["weight_alignment", "output"] = float(alignment.weight_alignment(beta, b))
    if "signal_alignment" in wanted:
        found = alignment.signal_alignment(beta, b, errors, slopes)
        values["signal_alignment", "hidden"] = found
    if "gradient_alignment" in wanted:
        found = alignment.gradient_alignment(beta, b, errors, slopes, gram)
        values["gradient_alignment", "hidden"] = found
    if "beta_norm" in wanted:
        values["beta_norm", "output"] = float(magnitude.beta_norm(beta))
    if "hidden_norm" in wanted:
        values["hidden_norm", "hidden"] = magnitude.hidden_norm(preactivations)
    if wanted & KERNEL_METRICS:
        output = kernels.output_kernel(activations)
        found = kernels.kernel_metrics(output, kernels.hidden_kernel(slopes, beta, v, gram))
        values |= {(name, ""): value for name, value in found.items()}
    return values
