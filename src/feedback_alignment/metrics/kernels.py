"""Kernels of Song 2021 that drive the error: `e(t+1) = (I - eta (G + H)) e(t)` to first order."""

import numpy as np

from feedback_alignment.networks.activations import Activation

# What `kernel_metrics` gives.
KERNEL_METRICS = frozenset({"lambda_min_G", "H_spectral_norm", "lambda_min_GH"})
# Error left in the expected kernel, relative to its greatest entry, and a bound on the effort.
_TOLERANCE = 1e-12
_MOST_TERMS = 2000


def output_kernel(activations: np.ndarray) -> np.ndarray:
    """G (n, n), `G_ij = psi(W x_i)^T psi(W x_j) / p` (Song 2021).

    Args:
        activations: psi(H) (p, n).
    """
    return activations.T @ activations / activations.shape[0]


def hidden_kernel(
    slopes: np.ndarray, beta: np.ndarray, v: np.ndarray, gram: np.ndarray
) -> np.ndarray:
    """H (n, n), `H_ij = x_i^T x_j / p sum_r beta_r v_r psi'(w_r x_i) psi'(w_r x_j)`.

    With the feedback v = b this is Song 2021's H; with v = beta it is BP's tangent kernel of the
    hidden layer, which is never negative.

    Args:
        slopes: psi'(H) (p, n).
        beta: output weights (p,).
        v: what the rule sends errors back through (p,).
        gram: K = X X^T (n, n).
    """
    return gram * ((slopes * (beta * v)[:, None]).T @ slopes) / beta.size


def kernel_metrics(output: np.ndarray, hidden: np.ndarray) -> dict[str, float]:
    """The eigenvalues that the analysis speaks of; NaN throughout if a kernel is not finite.

    Args:
        output: G (n, n).
        hidden: H (n, n), symmetric.

    Returns:
        `lambda_min_G`, least eigenvalue of G; `H_spectral_norm`, greatest absolute eigenvalue of
        H; `lambda_min_GH`, least eigenvalue of G + H.
    """
    if not np.isfinite(output + hidden).all():
        return dict.fromkeys(("lambda_min_G", "H_spectral_norm", "lambda_min_GH"), np.nan)
    return {
        "lambda_min_G": float(np.linalg.eigvalsh(output)[0]),
        "H_spectral_norm": float(np.abs(np.linalg.eigvalsh(hidden)).max()),
        "lambda_min_GH": float(np.linalg.eigvalsh(output + hidden)[0]),
    }


def expected_output_kernel(inputs: np.ndarray, activation: Activation) -> np.ndarray:
    """Expected G (n, n), `E[psi(w x_i) psi(w x_j)]` over w ~ N(0, I).

    Closed forms for linear, ReLU (arc-cosine kernel of degree 1, Cho and Saul 2009) and erf
    (Williams 1998); Mehler's series for the others.

    Args:
        inputs: X (n, d).
        activation: psi.
    """
    gram = inputs @ inputs.T
    if activation.name in _CLOSED_FORMS:
        return _CLOSED_FORMS[activation.name](gram)
    return series_kernel(gram, activation)


def series_kernel(gram: np.ndarray, activation: Activation) -> np.ndarray:
    """`E[psi(u_i) psi(u_j)]` (n, n) for jointly normal variables u of covariance `gram`.

    Mehler's series: with s_i the deviation of u_i, c_ik the coefficient of `psi(s_i z)` in the
    k-th normalised Hermite polynomial and rho_ij the correlation, the entries are
    `sum_k c_ik c_jk rho_ij^k` (Daniely, Frostig and Singer 2016). It converges as rho^k, while
    Gauss-Hermite quadrature in two dimensions is slow on tanh(s z) for s of ten and more. The
    coefficients come from the trapezoidal rule, whose error for functions analytic in a strip
    |Im z| < a is exp(-2 pi a / spacing); here a = pi / (2 s).

    What the terms left out hold, `t_i = E[psi(u_i)^2] - sum_k c_ik^2`, enters as
    `rho^(k+1) sqrt(t_i t_j)`, which is exact for i = j and bounds the error elsewhere.

    Args:
        gram: covariance (n, n), with a positive diagonal.
        activation: psi, smooth.
    """
    deviations = np.sqrt(np.diag(gram))
    correlation = np.clip(gram / np.outer(deviations, deviations), -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    spacing = min(np.pi**2 / (deviations.max() * -np.log(_TOLERANCE)), 0.02)
    nodes = np.arange(-12.0, 12.0 + spacing, spacing)
    preactivations = np.outer(deviations, nodes)
    values = np.empty_like(preactivations)
    activation.apply(preactivations, values)

    before, now = np.zeros_like(nodes), np.exp(-0.5 * nodes**2) * spacing / np.sqrt(2.0 * np.pi)
    left = np.square(values) @ now
    greatest = left.max()
    kernel, power = np.zeros_like(gram), np.ones_like(gram)
    for k in range(_MOST_TERMS):
        coefficients = values @ now
        kernel += np.outer(coefficients, coefficients) * power
        power *= correlation
        left = np.maximum(left - coefficients**2, 0.0)
        rest = power * np.sqrt(np.outer(left, left))
        if np.abs(rest[~np.eye(len(gram), dtype=bool)]).max(initial=0.0) < _TOLERANCE * greatest:
            break
        before, now = now, (nodes * now - np.sqrt(k) * before) / np.sqrt(k + 1)
    return kernel + rest


def _expected_linear(gram: np.ndarray) -> np.ndarray:
    return gram


def _expected_relu(gram: np.ndarray) -> np.ndarray:
    norms = np.sqrt(np.diag(gram))
    scale = np.outer(norms, norms)
    cosine = np.clip(gram / scale, -1.0, 1.0)
    angle = np.arccos(cosine)
    np.fill_diagonal(angle, 0.0)
    return scale * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2.0 * np.pi)


def _expected_erf(gram: np.ndarray) -> np.ndarray:
    scale = np.sqrt(1.0 + 2.0 * np.diag(gram))
    return 2.0 / np.pi * np.arcsin(2.0 * gram / np.outer(scale, scale))


_CLOSED_FORMS = {"linear": _expected_linear, "relu": _expected_relu, "erf": _expected_erf}
