"""Alignment of backpropagation and feedback alignment: weights, signals and gradients.

Each compares what BP would use (the output weights beta) with what FA would use (the fixed random
feedback b), whichever rule trains the network: a BP run gives the level that chance reaches.
In a two-layer network all three are one cosine, in which the hidden units count differently.
"""

import numpy as np


def weighted_cosine(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """`sum w x y / sqrt(sum w x^2 sum w y^2)` over the last axis; NaN where a factor is zero.

    Args:
        x: (..., p).
        y: (..., p).
        weight: (..., p), not negative.
    """
    wx = weight * x
    inner, squares = np.vecdot(wx, y), np.vecdot(wx, x)
    with np.errstate(invalid="ignore", divide="ignore"):
        return inner / np.sqrt(squares * np.vecdot(weight * y, y))


def weight_alignment(beta: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`cos(beta, b)` (Song 2021).

    Args:
        beta: output weights (..., p).
        b: feedback weights (..., p).
    """
    return weighted_cosine(beta, b, np.ones_like(b))


def signal_alignment(
    beta: np.ndarray, b: np.ndarray, errors: np.ndarray, slopes: np.ndarray
) -> float:
    """Cosine of the two error signals at the hidden units, over units and samples at once.

    The signals are `delta_BP = beta e^T * psi'(H)` and `delta_FA = b e^T * psi'(H)`, so unit r
    counts with `sum_i e_i^2 psi'(H_ri)^2` (after Lillicrap et al. 2016).

    Args:
        beta: output weights (p,).
        b: feedback weights (p,).
        errors: e (n,).
        slopes: psi'(H) (p, n).
    """
    return float(weighted_cosine(beta, b, np.square(slopes) @ np.square(errors)))


def gradient_alignment(
    beta: np.ndarray, b: np.ndarray, errors: np.ndarray, slopes: np.ndarray, gram: np.ndarray
) -> float:
    """Cosine of the two updates of the hidden weights.

    The update of unit r is `v_r X^T z_r` with `z_r = e * psi'(H_r)` and v = beta (BP) or b (FA), so
    unit r counts with `z_r^T K z_r`. The output layer is left out: its update is the true gradient
    under every rule (Chu and Bacho 2024 compare updates layer by layer).

    Args:
        beta: output weights (p,).
        b: feedback weights (p,).
        errors: e (n,).
        slopes: psi'(H) (p, n).
        gram: K = X X^T (n, n).
    """
    scaled = slopes * errors
    return float(weighted_cosine(beta, b, np.vecdot(scaled @ gram, scaled)))
