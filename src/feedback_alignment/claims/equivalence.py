"""Our means beside published ones: Welch's interval of one difference, and a test of all of them.

An interval within a margin on both sides shows that two means agree, by two one-sided tests
(Schuirmann 1987, J. Pharmacokinet. Biopharm. 15, 657-680). Small differences that are each within
the margin may still show all together that something else was run: that is what the test is for.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Of our replicates, for the null distribution of the joint test.
RESAMPLES = 4000
# Of the null distribution of the joint test: a statistic outside is not one of agreement.
JOINT_CONFIDENCE = 0.99


@dataclass(frozen=True)
class Mean:
    """An estimated mean, its standard error (0: taken as exact) and that error's freedom."""

    value: float
    error: float = 0.0
    freedom: float = math.inf


def mean_of(mean: float, sd: float | None, n: int, *, log: bool = False) -> Mean:
    """The mean of a sample, with its error, or the common logarithm of it (by the delta method).

    Args:
        mean: of the sample; above 0 for a logarithm.
        sd: of the sample, or None where that is not known: the mean is taken as exact.
        n: size of the sample.
        log: whether the logarithm is meant.
    """
    error, freedom = (0.0, math.inf) if sd is None else (sd / math.sqrt(n), n - 1)
    if log:
        return Mean(math.log10(mean), error / (mean * math.log(10)), freedom)
    return Mean(mean, error, freedom)


def welch_interval(one: Mean, other: Mean, confidence: float) -> tuple[float, float]:
    """Interval of the difference of two independent means (Welch 1947, Biometrika 34, 28-35).

    Of `one` less `other`, at a level between 0 and 1.
    """
    from scipy import stats

    difference, variances = one.value - other.value, (one.error**2, other.error**2)
    if not sum(variances):
        return difference, difference
    parts = zip(variances, (one.freedom, other.freedom), strict=True)
    freedom = sum(variances) ** 2 / sum(variance**2 / own for variance, own in parts)
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(sum(variances))
    return difference - half, difference + half


@dataclass(frozen=True)
class JointTest:
    """Whether all differences together are what chance makes of means that agree.

    Attributes:
        statistic: sum over conditions of the squared difference over its standard error.
        low: lower end of the interval that holds 99 % of it if all means agree.
        high: upper end.
        p: two-sided p-value.
    """

    statistic: float
    low: float
    high: float
    p: float


def joint_test(
    groups: Sequence[tuple[np.ndarray, Sequence[Mean]]], name: str, resamples: int = RESAMPLES
) -> JointTest | None:
    """Test all differences between our means and published ones at once.

    The null distribution is resampled: our replicates, less their condition's mean, each drawn with
    all conditions of its group; and published means with independent normal errors. Every resample
    estimates its own standard errors, as the statistic does, so few replicates widen the
    distribution as they do the statistic.

    Args:
        groups: conditions that share the data of their replicates, and none with another group:
            our values (C, S), replicates last, and the published mean of each condition.
        name: what the test is of; decides the random stream.
        resamples: how many.

    Returns:
        the test, or None where neither ours nor the published mean of a condition has any spread.
    """
    rng = np.random.default_rng(stream_of(name))
    found, null = 0.0, np.zeros(resamples)
    for values, published in groups:
        count = values.shape[1]
        means = np.array([[mean.value] for mean in published])
        errors = np.array([[mean.error] for mean in published])
        centre = values.mean(axis=1, keepdims=True)
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=resamples).T
        chance = errors * rng.standard_normal((len(published), resamples))
        null += _squared_z(values - centre, drawn, chance, errors)
        found += _squared_z(values - centre, np.ones((count, 1)), means - centre, errors)[0]
    if not (np.isfinite(found) and np.isfinite(null).all()):
        return None
    tail = (1 - JOINT_CONFIDENCE) / 2
    low, high = np.quantile(null, [tail, 1 - tail])
    beyond = min((null >= found).sum(), (null <= found).sum())
    p = min(1.0, 2 * (1 + int(beyond)) / (1 + resamples))
    return JointTest(float(found), float(low), float(high), p)


def stream_of(name: str) -> int:
    """Key of a random stream, from a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def _squared_z(
    values: np.ndarray, drawn: np.ndarray, published: np.ndarray, errors: np.ndarray
) -> np.ndarray:
    """Sums over conditions of the squared difference of means over its standard error.

    Args:
        values: (C, S).
        drawn: how often each replicate counts in each of B samples, (S, B).
        published: the means to subtract, (C, B).
        errors: their standard errors, (C, 1).

    Returns:
        (B,); NaN where a condition has no spread.
    """
    count = values.shape[1]
    mean = values @ drawn / count
    variance = (values**2 @ drawn / count - mean**2).clip(0) / (count - 1) + errors**2
    none = np.full(mean.shape, np.nan)
    return np.divide((mean - published) ** 2, variance, out=none, where=variance > 0).sum(axis=0)
