"""The numbers that statistics are made of: metrics of the tables, and what follows from them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from feedback_alignment.metrics.registry import METRICS


@dataclass(frozen=True)
class Quantity:
    """A number of one replicate.

    Attributes:
        metrics: the metrics it is made of.
        compute: from the conditions' settings that are numbers, (C, 1) by name, and a reading
            (C, S) of each metric in turn to values (C, S).
        since_start: whether a reading of the first metric at the start follows.
    """

    metrics: tuple[str, ...]
    compute: Callable[..., np.ndarray]
    since_start: bool = False

    @property
    def main_layer(self) -> str | None:
        """The layer that is read unless a check names one; None if it must name one."""
        return METRICS[self.metrics[0]].main_layer


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """One reading over another of the same shape; NaN where the other is 0 or not finite."""
    known = (denominator != 0) & np.isfinite(denominator)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=known)


# Derived quantities, with the metrics of the tables beside them.
QUANTITIES: dict[str, Quantity] = {
    **{metric: Quantity((metric,), lambda _, values: values) for metric in METRICS},
    # |lambda_min(G) / lambda_min(E G) - 1|
    "kernel_deviation": Quantity(
        ("lambda_min_G", "lambda_min_EG"), lambda _, drawn, mean: np.abs(ratio(drawn, mean) - 1)
    ),
    # measured decay rate of the error over the rate that the theorem guarantees
    "rate_ratio": Quantity(("decay_rate", "rate_bound"), lambda _, rate, bound: ratio(rate, bound)),
    # the rate of the slowest stretch over the rate that the theorem guarantees every step
    "step_ratio": Quantity(
        ("rate_least", "rate_bound"), lambda _, rate, bound: ratio(rate, -np.log1p(-bound))
    ),
    # ||H|| over gamma/4: the theorem's hypothesis is that it is at most 1
    "hypothesis_ratio": Quantity(
        ("H_spectral_norm", "lambda_min_EG"), lambda _, norm, gamma: ratio(norm, gamma / 4)
    ),
    # what training adds to the cosine
    "alignment_gained": Quantity(
        ("weight_alignment",), lambda _, cosine, first: cosine - first, since_start=True
    ),
    # the same in standard deviations of the cosine of two unrelated random vectors
    "gained_over_chance": Quantity(
        ("weight_alignment",),
        lambda settings, cosine, first: (cosine - first) * np.sqrt(settings["width"]),
        since_start=True,
    ),
    # the cosine in standard deviations of that of two unrelated random vectors
    "alignment_over_chance": Quantity(
        ("weight_alignment",), lambda settings, cosine: cosine * np.sqrt(settings["width"])
    ),
    # eta*lambda*t at which the cosine passes 1/2
    "align_decays": Quantity(
        ("align_step",), lambda settings, step: step * settings["eta"] * settings["l2"]
    ),
    # that step over the one that the law predicts, less 1, in units of the law's own next order:
    # sqrt(9.86 / p), the spread that the chance overlaps of a network's weights give the ratio
    # (docs/findings.md)
    "align_deviation": Quantity(
        ("align_step", "law_align_step"),
        lambda settings, step, law: (ratio(step, law) - 1) * np.sqrt(settings["width"] / 9.86),
    ),
    # what alignment owes to training with the feedback that it is measured with
    "alignment_over_null": Quantity(
        ("gradient_alignment", "null_gradient_alignment"), lambda _, cosine, null: cosine - null
    ),
    # squared, over that of a random walk of the same steps
    "displacement_over_walk": Quantity(
        ("displacement", "walk_displacement"), lambda _, own, walk: ratio(own, walk) ** 2
    ),
}
