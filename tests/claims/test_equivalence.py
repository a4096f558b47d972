"""Welch's interval and the joint test, against SciPy, closed forms and simulation."""

import numpy as np
import pytest
from scipy import stats

from feedback_alignment.claims.equivalence import Mean, joint_test, mean_of, welch_interval


def estimated(sample, **how):
    return mean_of(sample.mean(), sample.std(ddof=1), len(sample), **how)


@pytest.mark.parametrize(("count", "other_count"), [(5, 50), (8, 8), (50, 10)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_interval_is_scipys(count, other_count, confidence):
    rng = np.random.default_rng(count)
    one, other = rng.normal(1, 2, count), rng.normal(0, 0.5, other_count)
    expected = stats.ttest_ind(one, other, equal_var=False).confidence_interval(confidence)
    found = welch_interval(estimated(one), estimated(other), confidence)
    assert found == pytest.approx((expected.low, expected.high))


def test_beside_an_exact_value_it_is_students():
    sample = np.random.default_rng(0).normal(3, 1, 12)
    expected = stats.ttest_1samp(sample, 1).confidence_interval(0.9)
    found = welch_interval(estimated(sample), mean_of(1, None, 50), 0.9)
    assert found == pytest.approx((expected.low - 1, expected.high - 1))


def test_means_without_spread_give_a_point():
    assert welch_interval(Mean(2.0), mean_of(1.5, 0.0, 50), 0.9) == (0.5, 0.5)


def test_logarithm_by_the_delta_method():
    found = mean_of(100.0, 10.0, 25, log=True)
    assert found == Mean(2.0, pytest.approx(10 / 5 / (100 * np.log(10))), 24)
    assert mean_of(100.0, None, 25, log=True) == Mean(2.0)
    # The means of many samples have logarithms of this spread.
    draws = np.random.default_rng(0).normal(100, 10, (20_000, 25)).mean(axis=1)
    assert np.log10(draws).std() == pytest.approx(found.error, rel=0.02)


@pytest.mark.parametrize(("count", "sd"), [(5, 0.1), (8, 1.0), (20, 3.0)])
def test_interval_covers_as_often_as_it_says(count, sd):
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(2000):
        one, other = rng.normal(0, sd, count), rng.normal(0, 1, 50)
        low, high = welch_interval(estimated(one), estimated(other), 0.9)
        covered.append(low <= 0 <= high)
    # Four standard errors.
    assert np.mean(covered) == pytest.approx(0.9, abs=0.027)


def drawn(rng, count, shift=0.0, groups=4, lambdas=3, runs=50):
    """Groups of ours, with replicates that their conditions share, and the published means."""
    shared = rng.standard_normal((groups, 1, count))
    own = 0.5 * rng.standard_normal((groups, lambdas, count))
    theirs = 1.118 * rng.standard_normal((groups * lambdas, runs))
    ours = 0.1 * (shared + own) + shift
    published = [estimated(0.1 * row) for row in theirs]
    return [(ours[i], published[i * lambdas : (i + 1) * lambdas]) for i in range(groups)]


def test_statistic_is_the_sum_of_squared_z():
    groups = drawn(np.random.default_rng(0), 8)
    expected = sum(
        (row.mean() - mean.value) ** 2 / (stats.sem(row) ** 2 + mean.error**2)
        for group in groups
        for row, mean in zip(*group, strict=True)
    )
    found = joint_test(groups, "made")
    assert found.statistic == pytest.approx(expected)
    assert found.low < found.statistic < found.high
    assert 0.01 < found.p <= 1


def test_null_of_many_independent_replicates_is_chi_square():
    rng = np.random.default_rng(2)
    ours, theirs = rng.standard_normal((10, 400)), [Mean(0.0, 0.05)] * 10
    found = joint_test([(ours[:3], theirs[:3]), (ours[3:], theirs[3:])], "made")
    expected = stats.chi2.ppf([0.005, 0.995], 10)
    assert (found.low, found.high) == pytest.approx(expected, rel=0.15)
    tails = stats.chi2.cdf(found.statistic, 10)
    assert found.p == pytest.approx(2 * min(tails, 1 - tails), abs=0.05)


def test_replicates_that_conditions_share_widen_the_null():
    rng = np.random.default_rng(3)
    one = rng.standard_normal((1, 500))
    apart = joint_test([(one, [Mean(0.0)])] * 12, "made")
    alike = joint_test([(np.repeat(one, 12, axis=0), [Mean(0.0)] * 12)], "made")
    # Twelve times the square of one normal number.
    assert alike.high == pytest.approx(12 * stats.chi2.ppf(0.995, 1), rel=0.15)
    assert apart.high < alike.high / 2


def rejections(count, shift, times):
    rng = np.random.default_rng(4)
    made = (joint_test(drawn(rng, count, shift), "made", 600) for _ in range(times))
    return np.mean([test.p < 0.01 for test in made])


@pytest.mark.parametrize("count", [8, 50])
def test_of_means_that_agree_about_one_in_a_hundred_is_refused(count):
    # Four standard errors above one per cent; few replicates make it rarer.
    share = rejections(count, 0.0, 800)
    assert share <= 0.024
    assert count == 8 or share > 0


def test_a_common_shift_is_found():
    # Each point alone would agree to 0.1.
    assert rejections(50, 0.05, 50) > 0.9


def test_means_that_agree_too_well_are_found():
    groups = [
        (ours, [Mean(row.mean(), mean.error) for row, mean in zip(ours, theirs, strict=True)])
        for ours, theirs in drawn(np.random.default_rng(5), 30, groups=10)
    ]
    found = joint_test(groups, "made")
    assert found.statistic == pytest.approx(0)
    assert found.statistic < found.low
    assert found.p < 0.01


def test_same_name_same_numbers():
    made = drawn(np.random.default_rng(6), 8)
    assert joint_test(made, "a") == joint_test(made, "a")
    assert joint_test(made, "a") != joint_test(made, "b")


def test_without_any_spread_there_is_no_test():
    assert joint_test([(np.ones((2, 8)), [Mean(1.0, 0.1), Mean(1.0)])], "made") is None
