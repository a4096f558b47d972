"""All recorded metrics of one two-layer network at one step."""

import numpy as np

from feedback_alignment.metrics import alignment, kernels, magnitude


def observe_two_layer(
    preactivations: np.ndarray,
    activations: np.ndarray,
    slopes: np.ndarray,
    beta: np.ndarray,
    b: np.ndarray,
    v: np.ndarray,
    errors: np.ndarray,
    gram: np.ndarray,
    with_kernels: bool,
) -> dict[str, float]:
    """Compute every metric of a state.

    Args:
        preactivations: H = W X^T (p, n).
        activations: psi(H) (p, n).
        slopes: psi'(H) (p, n).
        beta: output weights (p,).
        b: feedback weights (p,).
        v: what the rule sends errors back through (p,).
        errors: e = f - y (n,).
        gram: K = X X^T (n, n).
        with_kernels: whether to compute those of the kernels, at the cost of eigenvalues.

    Returns:
        Value by metric name.
    """
    values = {
        "loss": float(magnitude.loss(errors)),
        "error_norm": float(magnitude.error_norm(errors)),
        "weight_alignment": float(alignment.weight_alignment(beta, b)),
        "signal_alignment": alignment.signal_alignment(beta, b, errors, slopes),
        "gradient_alignment": alignment.gradient_alignment(beta, b, errors, slopes, gram),
        "beta_norm": float(magnitude.beta_norm(beta)),
        "hidden_norm": magnitude.hidden_norm(preactivations),
    }
    if with_kernels:
        output = kernels.output_kernel(activations)
        values |= kernels.kernel_metrics(output, kernels.hidden_kernel(slopes, beta, v, gram))
    return values
