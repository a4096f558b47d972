"""First-order descent by layer: which layer's update lowers the loss."""

import numpy as np


def layer_names(layers: int) -> list[str]:
    """Names in tables of L layers of weights: `1`, `2`, ..., `output`."""
    return [*(str(layer) for layer in range(1, layers)), "output"]


def descent(products: np.ndarray, eta: float, frozen: bool) -> dict[tuple[str, str], float]:
    """What one step on the whole training set takes off the loss, to first order, by layer.

    Layer l gives `eta <g_BP, g_rule>_l`; the decay of weights is left out. The sum over layers is
    the loss's fall but for terms of second order in eta, so with minibatches of a noisy loss it is
    not (Chu and Bacho 2024 ask whether alignment drives the descent).

    Args:
        products: `<g_BP, g_rule>` of each layer, output last, g_rule the update that is made.
        eta: step size.
        frozen: whether the hidden layers keep their weights.

    Returns:
        `descent` and `descent_share` (of the sum; NaN where that is zero) of each layer.
    """
    falls = eta * products
    if frozen:
        falls[:-1] = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = falls / falls.sum()
    names = layer_names(len(falls))
    values = {("descent", name): float(fall) for name, fall in zip(names, falls, strict=True)}
    return values | {
        ("descent_share", name): float(share) for name, share in zip(names, shares, strict=True)
    }
