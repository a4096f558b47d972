"""Sizes of errors and weights."""

import numpy as np


def loss(errors: np.ndarray) -> np.ndarray:
    """`1/2 sum_i e_i^2` (Song 2021).

    Args:
        errors: e = f - y (..., n).
    """
    return 0.5 * np.vecdot(errors, errors)


def error_norm(errors: np.ndarray) -> np.ndarray:
    """`||e||`, the quantity of Song 2021's convergence theorem.

    Args:
        errors: e = f - y (..., n).
    """
    return np.sqrt(np.vecdot(errors, errors))


def beta_norm(beta: np.ndarray) -> np.ndarray:
    """`||beta|| / sqrt(p)`, near 1 at initialisation.

    Args:
        beta: output weights (..., p).
    """
    return np.sqrt(np.vecdot(beta, beta) / beta.shape[-1])


def hidden_norm(preactivations: np.ndarray) -> float:
    """Root mean square of the pre-activations, `||H||_F / sqrt(p n)`.

    Args:
        preactivations: H = W X^T (p, n).
    """
    return float(np.sqrt(np.mean(np.square(preactivations))))
