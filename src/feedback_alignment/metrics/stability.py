"""Stability of a rule's fixed points: the operator K_FA and its spectrum.

A step along the rule's update changes the errors e of all samples and outputs, to first order, by
`-eta K_FA S e`, where S is the loss's curvature in the outputs (the identity for squared error).
A fixed point with vanishing error is stable where no eigenvalue has a negative real part (Chu and
Bacho 2024 state it as alignment: e^T K_FA e = N <g_BP, g_FA> over all layers).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from feedback_alignment.engines.arrays import NumpyArrays
from feedback_alignment.networks.activations import Activation
from feedback_alignment.networks.parameters import Network
from feedback_alignment.networks.passes import backward, forward, hidden_slopes
from feedback_alignment.rules.bp import BP
from feedback_alignment.rules.rule import Rule


def feedback_operator(
    network: Network,
    rule: Rule,
    activation: Activation,
    inputs: np.ndarray,
    rates: Sequence[float],
    frozen: bool = False,
    gain: float | None = None,
) -> np.ndarray:
    """`K_FA = J P^T / N` (N C, N C), error (n, i) at index `n C + i`.

    J holds the gradient of each output, P what the rule takes for it. Neither is formed:
    `K = sum_l <delta_l, delta~_l> (<a_{l-1}, a_{l-1}'> + 1) / N`, without the 1 where there are no
    biases, where delta_l are the signals that a unit error causes by BP and delta~_l by the rule.

    Args:
        network: in double precision, with feedback for the rule.
        rule: learning rule.
        activation: psi.
        inputs: x (N, n_0).
        rates: step size of each layer relative to eta.
        frozen: whether the output layer alone takes steps, so that K has its part only.
        gain: what the loss's sum over samples is multiplied by; None for 1 / N.

    Raises:
        ValueError: the rule's signals are not linear in the errors, so there is no such operator.
    """
    if not rule.linear:
        raise ValueError(f"rule {rule.name!r} has no operator K: its signals ignore the errors")
    arrays = NumpyArrays("float64")
    preactivations, activations = forward(arrays, network, inputs, activation)
    slopes = hidden_slopes(arrays, activation, preactivations, activations)
    slopes = [slope[:, None, :] for slope in slopes]
    samples, outputs = preactivations[-1].shape
    unit = np.broadcast_to(np.eye(outputs), (samples, outputs, outputs))
    true, ours = (backward(network, each, slopes, unit, None) for each in (BP, rule))
    operator = np.zeros((samples, outputs, samples, outputs))
    parts = list(zip(true, ours, activations, rates, strict=True))
    for x, y, a, rate in parts[-1:] if frozen else parts:
        signals = x.reshape(samples * outputs, -1) @ y.reshape(samples * outputs, -1).T
        inner = a @ a.T + (1.0 if network.biases else 0.0)
        operator += rate * signals.reshape(operator.shape) * inner[:, None, :, None]
    size = samples * outputs
    return operator.reshape(size, size) * (gain or 1.0 / samples)


def spectrum(operator: np.ndarray) -> NDArray[np.complex128]:
    """Eigenvalues in order of their real parts, falling; NaN if the operator is not finite."""
    if not np.isfinite(operator).all():
        return np.full(len(operator), complex(np.nan, np.nan))
    values = np.linalg.eigvals(operator).astype(np.complex128)
    return values[np.lexsort((values.imag, -values.real))]


def stability_ratio(eigenvalues: NDArray[np.complex128]) -> float:
    """`r = min Re / |max Re|` of a spectrum: clearly negative where the fixed point is unstable."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(eigenvalues.real.min() / np.abs(eigenvalues.real.max()))


def gradient_norms(true: np.ndarray, rule: np.ndarray) -> dict[str, float]:
    """`||g_BP||` and `||g_FA||` over all layers, by which fixed points and extrema are told.

    Args:
        true: squared norms of BP's updates of the loss by layer.
        rule: those of the rule.
    """
    return {
        "bp_gradient_norm": float(np.sqrt(true.sum())),
        "rule_gradient_norm": float(np.sqrt(rule.sum())),
    }
