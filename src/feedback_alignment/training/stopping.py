"""When a replicate ends early: it has settled, or its error has blown up."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from feedback_alignment.training.recording import Key

# The metrics that tell whether a replicate has settled.
CHECKED = frozenset({"loss", "error_norm", "weight_alignment"})
# An error norm this many times the initial one counts as diverged.
DIVERGENCE_FACTOR = 1e6


def first_divergence(norms: np.ndarray, initial: np.ndarray) -> np.ndarray:
    """Row of the first diverged error norm of each replicate, -1 where there is none.

    Args:
        norms: error norms (S, R) of S successive steps.
        initial: error norms (R,) at step 0.
    """
    # Written so that NaN counts as diverged.
    diverged = ~(norms <= np.minimum(DIVERGENCE_FACTOR * initial, np.finfo(np.float64).max))
    return np.where(diverged.any(axis=0), diverged.argmax(axis=0), -1)


@dataclass(frozen=True)
class Settling:
    """The rule by which a replicate counts as settled, checked once a window.

    Attributes:
        tolerance: largest change over a window, of the error norm relative to itself, and of the
            weight alignment.
        window: steps between checks; 0 to never settle.
        floor: an error norm below this part of the initial one is settled too.
        loss_change: a loss that changes by less than this over a window is settled too.
        after: a replicate ends at this step at the earliest, though it has settled before.
    """

    tolerance: float
    window: int
    floor: float
    loss_change: float = 0.0
    after: int = 0

    @property
    def expected(self) -> bool:
        """Whether a run that ends without having settled is to say so.

        A floor alone saves steps; it says nothing of runs that stay above it.
        """
        return self.window > 0 and (self.tolerance > 0 or self.loss_change > 0)

    def checks(self, first: int, last: int) -> range:
        """The steps at which to check, multiples of the window; each looks back on the one before.

        Args:
            first: no check before this step.
            last: no check after this step.
        """
        if not self.window:
            return range(0)
        return range(-(-first // self.window) * self.window, last + 1, self.window)

    def settled(
        self, before: Mapping[Key, np.ndarray], now: Mapping[Key, np.ndarray], initial: np.ndarray
    ) -> np.ndarray:
        """Which replicates have settled (R,).

        Args:
            before: those of `CHECKED` a window ago, each (R,).
            now: the same now, each (R,).
            initial: error norms (R,) at step 0.
        """
        norm, weights = now["error_norm", ""], _all_weights(now)
        norm_change = np.abs(norm - before["error_norm", ""])
        alignment_change = np.abs(weights - _all_weights(before))
        still = (norm_change < self.tolerance * norm) & (alignment_change < self.tolerance)
        loss_change = np.abs(now["loss", ""] - before["loss", ""])
        return still | (norm < self.floor * initial) | (loss_change < self.loss_change)


def _all_weights(metrics: Mapping[Key, np.ndarray]) -> np.ndarray:
    """Alignment of all weights, which with one hidden layer are those of the output."""
    key = ("weight_alignment", "all")
    return metrics[key] if key in metrics else metrics["weight_alignment", "output"]
