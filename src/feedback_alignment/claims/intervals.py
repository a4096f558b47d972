"""Intervals over replicates: a joint bootstrap of pairs, and an exact one for shares."""

import hashlib
import warnings
from collections.abc import Callable

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 4000


def bootstrap_interval(
    values: np.ndarray, reduce: Callable[[np.ndarray], np.ndarray], name: str
) -> tuple[float, float] | None:
    """Interval of a function of replicate means, from resampled replicates.

    Replicates are resampled jointly: a replicate is drawn with all of its conditions, since these
    share data and feedback. The interval is the expanded percentile interval (Hesterberg 2015, The
    American Statistician 69, 371-386): percentiles of the bootstrap distribution, with the level
    raised so that the interval of a mean is as wide as Student's. Plain percentiles are too
    narrow with 8 replicates; BCa's correction for skewness needs more replicates than that, and it
    has no value where all replicates agree.

    Args:
        values: (K, S), replicates last.
        reduce: from means (K, ...) to the statistic (...).
        name: what the interval is of; decides the random stream, so that no other check does.

    Returns:
        the interval, or None with fewer than two replicates or where a resample has no value.
    """
    from scipy import stats

    count = values.shape[1]
    if count < 2:
        return None

    def statistic(drawn: np.ndarray, axis: int) -> np.ndarray:
        return reduce(values[:, drawn].mean(axis=axis))

    with warnings.catch_warnings():
        # Said of a distribution with NaN, which is looked for below.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        result = stats.bootstrap(
            (np.arange(count),),
            statistic,
            n_resamples=RESAMPLES,
            batch=1000,
            vectorized=True,
            axis=-1,
            confidence_level=expanded_level(count),
            method="percentile",
            rng=np.random.default_rng(stream_of(name)),
        )
    if not np.isfinite(result.bootstrap_distribution).all():
        return None
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def expanded_level(count: int) -> float:
    """Level of the percentile interval that is as wide as Student's interval of a mean.

    Args:
        count: number of replicates, at least 2.
    """
    from scipy import stats

    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * np.sqrt(count / (count - 1))
    return float(1 - 2 * stats.norm.sf(quantile))


def share_interval(passed: int, count: int) -> tuple[float, float]:
    """Exact (Clopper and Pearson 1934) interval of a share.

    Args:
        passed: how many replicates passed.
        count: of how many.
    """
    from scipy import stats

    interval = stats.binomtest(passed, count).proportion_ci(CONFIDENCE, method="exact")
    return float(interval.low), float(interval.high)


def runs_interval(passed: np.ndarray) -> tuple[float, float]:
    """Interval of a share of runs of which those of a replicate share data and feedback.

    Clopper and Pearson's, for as many runs as independent ones would tell as much: their number
    over the design effect, less what estimating that costs (Korn and Graubard 1998, Survey
    Methodology 24, 193-201). Where all runs agree there is no estimate, and replicates count.

    Args:
        passed: zeros and ones (C, S), replicates last.
    """
    from scipy import stats

    conditions, replicates = passed.shape
    if conditions == 1:
        return share_interval(int(passed.sum()), replicates)
    share, size = float(passed.mean()), float(replicates)
    if replicates > 1 and 0 < share < 1:
        quantiles = stats.t.ppf((1 + CONFIDENCE) / 2, [passed.size - 1, replicates - 1])
        among = passed.mean(axis=0).var(ddof=1) / replicates * (quantiles[1] / quantiles[0]) ** 2
        size = share * (1 - share) / max(among, share * (1 - share) / passed.size)
    tail, passes, fails = (1 - CONFIDENCE) / 2, share * size, (1 - share) * size
    low = stats.beta.ppf(tail, passes, fails + 1) if share > 0 else 0.0
    high = stats.beta.isf(tail, passes + 1, fails) if share < 1 else 1.0
    return float(low), float(high)


def stream_of(name: str) -> int:
    """Seed of a random stream, from a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
