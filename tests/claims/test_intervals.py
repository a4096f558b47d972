import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from feedback_alignment.claims.intervals import (
    bootstrap_interval,
    expanded_level,
    runs_interval,
    share_interval,
    stream_of,
)


def mean(means):
    return means[0]


def test_interval_of_a_mean_is_as_wide_as_students():
    values = np.random.default_rng(0).standard_normal((1, 12))
    low, high = bootstrap_interval(values, mean, "mean")
    t = stats.ttest_1samp(values[0], 0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((t.low, t.high), abs=0.1 * (t.high - t.low))


@pytest.mark.parametrize("count", [5, 8, 20])
def test_level_turns_normal_quantiles_into_students(count):
    half_width = stats.norm.ppf((1 + expanded_level(count)) / 2) * np.sqrt((count - 1) / count)
    assert half_width == pytest.approx(stats.t.ppf(0.975, count - 1))


def test_interval_covers_the_truth_about_as_often_as_it_says():
    # 200 samples of 8: a plain percentile interval covers about 88 %.
    draws = np.random.default_rng(1).standard_normal((200, 1, 8))
    intervals = [bootstrap_interval(x, mean, str(i)) for i, x in enumerate(draws)]
    covered = np.mean([low <= 0 <= high for low, high in intervals])
    assert 0.91 <= covered <= 0.99


def test_replicates_are_resampled_jointly():
    # Two conditions that share their noise: the difference has none.
    noise = np.random.default_rng(2).standard_normal(8)
    low, high = bootstrap_interval(np.array([noise, noise + 1]), lambda m: m[1] - m[0], "pair")
    assert (low, high) == pytest.approx((1, 1))


@given(st.floats(-1e6, 1e6), st.integers(2, 20))
@settings(max_examples=20, deadline=None)
def test_replicates_that_agree_give_a_point(value, count):
    low, high = bootstrap_interval(np.full((1, count), value), mean, "same")
    assert (low, high) == pytest.approx((value, value))


def test_same_name_same_numbers_and_other_name_other_stream():
    values = np.random.default_rng(3).standard_normal((1, 8))
    assert bootstrap_interval(values, mean, "a") == bootstrap_interval(values, mean, "a")
    assert bootstrap_interval(values, mean, "a") != bootstrap_interval(values, mean, "b")


def test_stream_depends_on_nothing_but_the_name():
    # The value is part of the recipe of every published interval.
    assert stream_of("song.kernels\nlabel") == 15871503556886396120


def test_no_interval_from_one_replicate_or_where_a_resample_has_no_value():
    assert bootstrap_interval(np.ones((1, 1)), mean, "one") is None
    values = np.array([[1.0, 2, 3, 4, -30]])
    logarithm = bootstrap_interval(
        values, lambda m: np.log(m[0], out=np.full(m[0].shape, np.nan), where=m[0] > 0), "log"
    )
    assert logarithm is None


@pytest.mark.parametrize("count", [1, 5, 8, 50])
def test_share_interval_against_the_beta_distribution(count):
    for passed in range(count + 1):
        low, high = share_interval(passed, count)
        below = stats.beta.ppf(0.025, passed, count - passed + 1) if passed else 0
        above = stats.beta.ppf(0.975, passed + 1, count - passed) if passed < count else 1
        assert (low, high) == pytest.approx((below, above))


@pytest.mark.parametrize(("passed", "count"), [(6, 6), (8, 8), (33, 50)])
def test_replicates_that_show_more_often_than_not(passed, count):
    assert share_interval(passed, count)[0] > 0.5
    assert share_interval(passed - 1, count)[0] < 0.5


def test_interval_of_runs_is_that_of_replicates_with_one_run_each_or_runs_that_agree():
    one = np.array([[1, 1, 0, 1, 1, 0, 1, 1.0]])
    assert runs_interval(one) == share_interval(6, 8)
    assert runs_interval(np.ones((15, 20))) == pytest.approx(share_interval(20, 20))
    assert runs_interval(np.zeros((15, 20))) == pytest.approx(share_interval(0, 20))
    # Runs that only repeat each other tell no more than one of them.
    low, high = runs_interval(np.repeat(one, 15, axis=0))
    assert low < share_interval(6, 8)[0]
    assert high > share_interval(6, 8)[1]


@pytest.mark.parametrize("alike", [0.0, 0.1, 0.8])
@pytest.mark.parametrize(("share", "replicates"), [(0.8, 8), (0.9, 20), (0.8, 50)])
def test_interval_of_runs_covers_though_those_of_a_replicate_are_alike(share, replicates, alike):
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(300):
        own = np.full(replicates, share)
        if alike:
            own = rng.beta(*np.array([share, 1 - share]) * (1 - alike) / alike, replicates)
        low, high = runs_interval((rng.random((15, replicates)) < own).astype(float))
        covered += low <= share <= high
    assert covered / 300 >= 0.9
