"""Losses: what a network's outputs cost, and the output error that learning starts from."""

from collections.abc import Callable
from dataclasses import dataclass

from feedback_alignment.engines.arrays import Array, Arrays


@dataclass(frozen=True)
class Loss:
    """A loss, of which training minimises the mean or the sum over the samples of a batch.

    Cross-entropy wants targets that are distributions over the classes, such as one-hot targets.

    Attributes:
        name: name in configs and tables.
        values: `values(arrays, outputs, targets)` gives the loss of each sample (...,).
        errors: `errors(arrays, outputs, targets, out)` writes e = dL_i/df (..., C) into out.
        mean: whether it is the mean over samples; else the sum.
        squared: whether e = f - y, so that the loss's curvature in the outputs is the identity.
    """

    name: str
    values: Callable[[Arrays, Array, Array], Array]
    errors: Callable[[Arrays, Array, Array, Array], None]
    mean: bool = True
    squared: bool = False

    def divisor(self, samples: int) -> int:
        """What the sum over some samples is divided by."""
        return samples if self.mean else 1


def _squared(arrays: Arrays, outputs: Array, targets: Array) -> Array:
    return 0.5 * ((outputs - targets) ** 2).sum(-1)


def _squared_errors(arrays: Arrays, outputs: Array, targets: Array, out: Array) -> None:
    out[...] = outputs
    out -= targets


def _cross_entropy(arrays: Arrays, outputs: Array, targets: Array) -> Array:
    return arrays.log_sum_exp(outputs) - (outputs * targets).sum(-1)


def _cross_entropy_errors(arrays: Arrays, outputs: Array, targets: Array, out: Array) -> None:
    arrays.softmax(outputs, out)
    out -= targets


LOSSES = {
    loss.name: loss
    for loss in (
        # 1/2 sum_k (f_k - y_k)^2; its sum as in the algorithm of Song 2021.
        Loss("half_sum", _squared, _squared_errors, mean=False, squared=True),
        Loss("half_mean", _squared, _squared_errors, squared=True),
        Loss("cross_entropy", _cross_entropy, _cross_entropy_errors),
    )
}


def loss_named(name: str) -> Loss:
    """Look a loss up.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in LOSSES:
        raise ValueError(f"unknown loss {name!r}; allowed: {', '.join(LOSSES)}")
    return LOSSES[name]
