"""Estimates over replicates, with intervals that cover from five replicates on.

A mean has Student's interval, of logarithms where values spread over decades. The median of numbers
that pile up at an end of their range, as rank correlations do, has the sign test's. The extreme of
several means is judged by the interval of each, and shares have exact intervals.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

CONFIDENCE = 0.95
# Of a share that a claim about every replicate rests on: that all of 29 pass shows that at least
# nine in ten do; a refutation errs once in a hundred.
EVERY_TAILS = (0.05, 0.01)

Extreme = Literal["least", "largest"]


@dataclass(frozen=True)
class Estimate:
    """A number over replicates.

    Attributes:
        value: the estimate; NaN where there is none.
        interval: its interval, or None where it has none.
        n: number of replicates that it is of.
    """

    value: float
    interval: tuple[float, float] | None
    n: int


def mean_of_replicates(values: np.ndarray, extreme: Extreme = "least") -> Estimate:
    """The mean over replicates, or the least or largest of several such means.

    The least of K means is at least x if each of them is: its interval starts at the least of their
    lower ends, each at the full level (Berger 1982, Technometrics 24, 295-300), and ends at the
    least of their upper ends, at a level shared out among the K (Bonferroni). So it covers.

    Args:
        values: (K, S), replicates last.
        extreme: which of the K means is asked for.
    """
    count, replicates = values.shape
    means = values.mean(axis=1)
    value = float(means.min() if extreme == "least" else means.max())
    if replicates < 2 or not np.isfinite(values).all():
        return Estimate(value, None, replicates)
    error = values.std(axis=1, ddof=1) / np.sqrt(replicates)
    tail = (1 - CONFIDENCE) / 2
    each, shared = (_student(p, replicates - 1) * error for p in (tail, tail / count))
    if extreme == "least":
        interval = (means - each).min(), (means + shared).min()
    else:
        interval = (means - shared).max(), (means + each).max()
    return Estimate(value, (float(interval[0]), float(interval[1])), replicates)


def geometric_mean_of_replicates(values: np.ndarray, extreme: Extreme = "least") -> Estimate:
    """The same of geometric means; without a value where one of the values is 0 or below."""
    found = mean_of_replicates(log_or_nan(values), extreme)
    interval = found.interval and (
        float(np.exp(found.interval[0])),
        float(np.exp(found.interval[1])),
    )
    return Estimate(float(np.exp(found.value)), interval, found.n)


def median_of_replicates(values: np.ndarray) -> Estimate:
    """The median of values (S,), with the order statistics that the sign test does not reject.

    Of five the interval is at 94 %.
    """
    from scipy import stats

    replicates, ordered = values.size, np.sort(values)
    if replicates < 2 or not np.isfinite(values).all():
        return Estimate(float(np.median(values)), None, replicates)
    first = max(int(stats.binom.ppf((1 - CONFIDENCE) / 2, replicates, 0.5)), 1)
    interval = float(ordered[first - 1]), float(ordered[replicates - first])
    return Estimate(float(np.median(values)), interval, replicates)


def share_of(passed: np.ndarray, *, every: bool = False) -> Estimate:
    """A share of replicates or, of several conditions, of runs.

    Clopper and Pearson's (1934) interval. Runs of a replicate share data and feedback, so that of
    runs is for as many as independent ones would tell as much: their number over the design
    effect, less what estimating that costs (Korn and Graubard 1998, Survey Methodology 24,
    193-201). Where all runs agree there is no estimate of it, and replicates count.

    Args:
        passed: zeros and ones (C, S), replicates last.
        every: whether the tails are `EVERY_TAILS`.
    """
    from scipy import stats

    conditions, replicates = passed.shape
    share, size = float(passed.mean()), float(replicates)
    if conditions > 1 and replicates > 1 and 0 < share < 1:
        quantiles = stats.t.ppf((1 + CONFIDENCE) / 2, [passed.size - 1, replicates - 1])
        among = passed.mean(axis=0).var(ddof=1) / replicates * (quantiles[1] / quantiles[0]) ** 2
        size = share * (1 - share) / max(among, share * (1 - share) / passed.size)
    tails = EVERY_TAILS if every else ((1 - CONFIDENCE) / 2, (1 - CONFIDENCE) / 2)
    passes, fails = share * size, (1 - share) * size
    low = stats.beta.ppf(tails[0], passes, fails + 1) if share > 0 else 0.0
    high = stats.beta.isf(tails[1], passes + 1, fails) if share < 1 else 1.0
    return Estimate(share, (float(low), float(high)), replicates)


def area_under_curve(won: float, pairs: float, passing: int, failing: int, n: int) -> Estimate:
    """Share of pairs in which one kind has more than the other, with its score interval.

    Newcombe's (2006, Statistics in Medicine 25, 559-573, method 5), which has a width where no pair
    is lost. Runs of a replicate are taken to tell no more than one of them.

    Args:
        won: pairs in which the first has more, of all `pairs`.
        pairs: how many there are.
        passing: replicates with a run of the first kind.
        failing: replicates with one of the second.
        n: replicates.
    """
    from scipy import optimize

    value, middle = won / pairs, (passing + failing) / 2 - 1
    quantile = _student((1 - CONFIDENCE) / 2, max(passing + failing - 2, 1))

    def excess(theta: float) -> float:
        spread = 1 + middle * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        variance = theta * (1 - theta) * spread / (passing * failing)
        return (value - theta) ** 2 - quantile**2 * variance

    # At 0 and 1 the variance is 0 too: the bound is the other root.
    low = optimize.brentq(excess, 0, min(value, 1 - 1e-12)) if value > 0 else 0.0
    high = optimize.brentq(excess, max(value, 1e-12), 1) if value < 1 else 1.0
    return Estimate(value, (float(low), float(high)), n)


def log_or_nan(values: np.ndarray) -> np.ndarray:
    """Natural logarithm, NaN where there is none."""
    return np.log(values, out=np.full(np.shape(values), np.nan), where=values > 0)


@cache
def _student(tail: float, freedom: int) -> float:
    from scipy import stats

    return float(stats.t.isf(tail, freedom))
