"""The numbers that statistics are made of: metrics of the tables, and what follows from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

METRICS = (
    "loss",
    "error_norm",
    "weight_alignment",
    "signal_alignment",
    "gradient_alignment",
    "beta_norm",
    "hidden_norm",
    "lambda_min_G",
    "H_spectral_norm",
    "lambda_min_GH",
    "lambda_min_EG",
    "decay_rate",
    "decay_r2",
    "decay_start",
    "decay_end",
    "rate_bound",
    "rate_local",
    "align_step",
)

# Which recorded step of a replicate is read: its first, the last of the first half of the steps,
# the last under a decay that is cut off, or its last.
TIMES = ("start", "half", "cutoff", "end")


@dataclass(frozen=True)
class Quantity:
    """A number of one replicate.

    Attributes:
        metrics: the metrics it is made of.
        compute: from a reading (S,) of each metric and the condition's settings to values (S,).
    """

    metrics: tuple[str, ...]
    compute: Callable[[Mapping[str, np.ndarray], Mapping[str, Any]], np.ndarray]


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    # 0/0 and x/0 have no value; a replicate without one is dealt with by its panel.
    known = (denominator != 0) & np.isfinite(denominator)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=known)


def _plain(metric: str) -> Quantity:
    return Quantity((metric,), lambda read, settings: read[metric])


# Derived quantities, with the metrics of the tables beside them.
QUANTITIES: dict[str, Quantity] = {
    **{metric: _plain(metric) for metric in METRICS},
    # |lambda_min(G) / lambda_min(E G) - 1|
    "kernel_deviation": Quantity(
        ("lambda_min_G", "lambda_min_EG"),
        lambda read, _: np.abs(_ratio(read["lambda_min_G"], read["lambda_min_EG"]) - 1),
    ),
    # measured decay rate of the error over the rate that the theorem guarantees
    "rate_ratio": Quantity(
        ("decay_rate", "rate_bound"), lambda read, _: _ratio(read["decay_rate"], read["rate_bound"])
    ),
    # eta*lambda*t at which the cosine passes 1/2
    "align_decays": Quantity(
        ("align_step",),
        lambda read, settings: read["align_step"] * settings["eta"] * settings["l2"],
    ),
    # the same in the unit of `slow_time`
    "align_slow_time": Quantity(
        ("align_step",),
        lambda read, settings: (
            read["align_step"]
            * settings["eta"]
            * settings["l2"]
            * np.sqrt(settings["samples"] / settings["width"])
        ),
    ),
    "loss_per_l2": Quantity(
        ("loss",),
        lambda read, settings: _ratio(read["loss"], np.full(read["loss"].shape, settings["l2"])),
    ),
}


def relative(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """A reading in units of another reading of the same replicates; NaN where that is 0.

    Args:
        values: (S,).
        reference: (S,).
    """
    return _ratio(values, reference)
