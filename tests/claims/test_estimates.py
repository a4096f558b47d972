import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from feedback_alignment.claims import Part
from feedback_alignment.claims.estimates import (
    area_under_curve,
    geometric_mean_of_replicates,
    mean_of_replicates,
    median_of_replicates,
    share_of,
)
from feedback_alignment.claims.filters import AXES
from feedback_alignment.claims.panel import Panel
from feedback_alignment.claims.statistics import slope

REPLICATES = (5, 8, 10, 20, 32, 50)


def low_and_high(found):
    assert found.interval is not None
    return found.interval


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30))
def test_interval_of_one_mean_is_students(values):
    values = np.array(values)
    found = mean_of_replicates(values[None])
    assert found.value == pytest.approx(values.mean())
    if values.std() > 1e-6:
        expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert found.interval == pytest.approx((expected.low, expected.high))


def test_the_least_of_several_means_is_judged_by_each():
    values = np.random.default_rng(0).normal([[0], [0.3], [5]], size=(3, 9))
    each = [stats.ttest_1samp(row, 0) for row in values]
    low = min(one.confidence_interval(0.95).low for one in each)
    high = min(one.confidence_interval(1 - 0.05 / 3).high for one in each)
    found = mean_of_replicates(values)
    assert (found.value, found.n) == (pytest.approx(values.mean(axis=1).min()), 9)
    assert found.interval == pytest.approx((low, high))
    mirrored = mean_of_replicates(-values, "largest")
    assert mirrored.interval == pytest.approx((-high, -low))
    assert mirrored.value == pytest.approx(-found.value)


def test_geometric_means_are_means_of_logarithms():
    values = np.exp(np.random.default_rng(1).standard_normal((2, 7)))
    found, logs = geometric_mean_of_replicates(values), mean_of_replicates(np.log(values))
    assert found.value == pytest.approx(np.exp(logs.value))
    assert found.interval == pytest.approx(np.exp(low_and_high(logs)))
    assert geometric_mean_of_replicates(np.array([[1.0, 0.0]])).interval is None


@pytest.mark.parametrize(("count", "first"), [(5, 1), (6, 1), (9, 2), (20, 6), (50, 18)])
def test_interval_of_a_median_is_that_of_the_sign_test(count, first):
    values = np.random.default_rng(2).permutation(count).astype(float)
    found = median_of_replicates(values)
    assert found.interval == (first - 1, count - first)
    # No median beyond it is compatible with that many signs, and the next order statistic is.
    assert stats.binomtest(first - 1, count).pvalue < 0.0626
    if count > 5:
        assert stats.binomtest(first, count).pvalue > 0.05


@given(st.floats(-1e6, 1e6), st.integers(2, 20))
def test_replicates_that_agree_give_a_point(value, count):
    for estimate in (mean_of_replicates(np.full((2, count), value)),
                     median_of_replicates(np.full(count, value))):  # fmt: skip
        assert (estimate.value, *low_and_high(estimate)) == pytest.approx((value,) * 3)


def test_one_replicate_or_one_without_a_value_has_no_interval():
    assert mean_of_replicates(np.ones((1, 1))).interval is None
    assert median_of_replicates(np.ones(1)).interval is None
    assert mean_of_replicates(np.array([[1.0, np.nan]])).interval is None


@pytest.mark.parametrize("count", [1, 5, 8, 50])
def test_interval_of_a_share_against_the_beta_distribution(count):
    for passed in range(count + 1):
        found = share_of((np.arange(count) < passed)[None])
        below = stats.beta.ppf(0.025, passed, count - passed + 1) if passed else 0
        above = stats.beta.ppf(0.975, passed + 1, count - passed) if passed < count else 1
        assert found.value == passed / count
        assert found.interval == pytest.approx((below, above))


def test_twenty_nine_replicates_that_all_pass_show_nine_in_ten():
    for count, shown in ((28, False), (29, True)):
        low, high = low_and_high(share_of(np.ones((1, count)), every=True))
        assert ((low >= 0.9), high) == (shown, 1)
        assert low == pytest.approx(0.05 ** (1 / count))


def test_interval_of_runs_is_that_of_replicates_with_one_run_each_or_runs_that_agree():
    one = np.array([[1, 1, 0, 1, 1, 0, 1, 1.0]])
    replicates = low_and_high(share_of(one))
    assert share_of(np.ones((15, 20))) == share_of(np.ones((1, 20)))
    # Runs that only repeat each other tell no more than one of them.
    low, high = low_and_high(share_of(np.repeat(one, 15, axis=0)))
    assert low < replicates[0]
    assert high > replicates[1]


def test_area_of_pairs_that_are_all_won_has_a_width_that_shrinks():
    widths = []
    for count in (5, 10, 40):
        low, high = low_and_high(area_under_curve(count**2, count**2, count, count, count))
        assert high == 1
        widths.append(1 - low)
        mirrored = area_under_curve(0, count**2, count, count, count)
        assert low_and_high(mirrored) == pytest.approx((0, 1 - low))
    assert widths == sorted(widths, reverse=True)
    assert 0 < widths[-1] < widths[0] < 0.5


# The shapes that the tables have, as (K, S) values with the truth that an interval is to cover.


def normal(rng, s):
    return mean_of_replicates(rng.standard_normal((1, s))), 0


def cosines_near_one(rng, s):
    return mean_of_replicates(1 - rng.beta(3, 40, (1, s))), 40 / 43


def alike_in_one_replicate(rng, s):
    """Ten conditions that share a replicate's data, two of them as low as the lowest."""
    truth = np.array([[0, 0, 0.2, 0.4, 0.5, 1, 1, 2, 3, 4]]).T
    return mean_of_replicates(truth + rng.standard_normal(s) + rng.standard_normal((10, s))), 0


def ten_equal(rng, s):
    return mean_of_replicates(rng.standard_normal((10, s)), "largest"), 0


def losses_over_decades(rng, s):
    """Losses without decay: spread over some four decades."""
    values = np.exp(-12 + 4 * rng.standard_normal((1, s)))
    return geometric_mean_of_replicates(values), np.exp(-12)


def ranks_of_four(rng, s):
    """Rank correlations that are nearly always 1; the median is."""
    values = np.where(rng.random(s) < 0.85, 1.0, rng.choice([0.8, 0.4], s))
    return median_of_replicates(values), 1


def ranks_spread(rng, s):
    return median_of_replicates(np.tanh(1 + 0.5 * rng.standard_normal(s))), np.tanh(1)


def nearly_all_pass(rng, s):
    return share_of(rng.random((1, s)) < 0.95), 0.95


def nine_in_ten(rng, s):
    return share_of(rng.random((1, s)) < 0.9, every=True), 0.9


def half_pass(rng, s):
    return share_of(rng.random((1, s)) < 0.5), 0.5


def runs_alike(rng, s):
    own = rng.beta(0.9 * 2, 0.1 * 2, s)
    return share_of(rng.random((15, s)) < own), 0.9


def area_near_one(rng, s):
    """Runs at ten angles, of which those of a replicate are alike; at each half of them stay."""
    angles, own = 10, rng.standard_normal(s)
    stays = rng.random((angles, s)) < 0.5
    scores = 2.5 * stays + 0.6 * own + 0.8 * rng.standard_normal((angles, s))
    won = pairs = 0
    for kept, score in zip(stays, scores, strict=True):
        won += (score[kept][:, None] > score[~kept]).sum()
        pairs += kept.sum() * (~kept).sum()
    both = [int(kind.any(axis=0).sum()) for kind in (stays, ~stays)]
    return area_under_curve(won, pairs, *both, s), stats.norm.cdf(2.5 / np.sqrt(2))


def exponent_of_means(rng, s):
    """The exponent of means over widths whose replicates are independent, by the jackknife."""
    widths = np.array([200, 800, 3200])
    gained = widths[:, None] ** -1.0 * np.exp(0.5 * rng.standard_normal((3, s)))
    conditions = tuple({**dict.fromkeys(AXES, 0), "width": int(w)} for w in widths)
    panel = Panel("made", conditions, np.arange(s), gained, gained, np.zeros((3, s), bool))
    return slope(Part().final("loss"), along="width", average="mean").compute(panel), -1


SHAPES = [
    normal,
    cosines_near_one,
    alike_in_one_replicate,
    ten_equal,
    losses_over_decades,
    ranks_of_four,
    ranks_spread,
    nearly_all_pass,
    nine_in_ten,
    half_pass,
    runs_alike,
    area_near_one,
    exponent_of_means,
]


@pytest.mark.parametrize("replicates", REPLICATES)
@pytest.mark.parametrize("shape", SHAPES)
def test_intervals_cover(shape, replicates):
    rng = np.random.default_rng([SHAPES.index(shape), replicates])
    trials, covered = 1000, 0
    for _ in range(trials):
        found, truth = shape(rng, replicates)
        low, high = low_and_high(found)
        covered += low - 1e-12 <= truth <= high + 1e-12
    # Two standard errors of the count below 0.93.
    assert covered / trials >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / trials), covered / trials
