"""Losses: what a network's outputs cost, and the output error that learning starts from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedback_alignment.engines.arrays import Array, Arrays


@dataclass(frozen=True)
class Loss:
    """A loss: a multiple of the sum over the samples of a batch.

    Cross-entropy wants targets that are distributions over the classes, such as one-hot targets.

    Attributes:
        name: name in configs and tables.
        values: `values(arrays, outputs, targets)` gives l_i of each sample (...,).
        errors: `errors(arrays, outputs, targets, out)` writes e = dl_i/df (..., C) into out.
        factor: the loss is this times the mean of l_i, or times the sum.
        mean: whether it is the mean over samples; else the sum.
        squared: whether e = f - y, so that l's curvature in the outputs is the identity.
    """

    name: str
    values: "Callable[[Arrays, Array, Array], Array]"
    errors: "Callable[[Arrays, Array, Array, Array], None]"
    factor: float = 1.0
    mean: bool = True
    squared: bool = False

    def gain(self, samples: int) -> float:
        """What the sum over some samples, of l_i or of its gradient, is multiplied by."""
        return self.factor / samples if self.mean else self.factor


def _squared(arrays: "Arrays", outputs: "Array", targets: "Array") -> "Array":
    return 0.5 * ((outputs - targets) ** 2).sum(-1)


def _squared_errors(arrays: "Arrays", outputs: "Array", targets: "Array", out: "Array") -> None:
    out[...] = outputs
    out -= targets


def _cross_entropy(arrays: "Arrays", outputs: "Array", targets: "Array") -> "Array":
    return arrays.log_sum_exp(outputs) - (outputs * targets).sum(-1)


def _cross_entropy_errors(
    arrays: "Arrays", outputs: "Array", targets: "Array", out: "Array"
) -> None:
    arrays.softmax(outputs, out)
    out -= targets


LOSSES = {
    loss.name: loss
    for loss in (
        # l = 1/2 sum_k (f_k - y_k)^2. half_sum: as in the algorithm of Song 2021; mse: as its
        # authors ran it, which for one output is torch's MSELoss.
        Loss("half_sum", _squared, _squared_errors, mean=False, squared=True),
        Loss("half_mean", _squared, _squared_errors, squared=True),
        Loss("mse", _squared, _squared_errors, factor=2.0, squared=True),
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
