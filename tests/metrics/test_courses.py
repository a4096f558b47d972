"""Decay fits and alignment times on courses whose answers are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_alignment.metrics.courses import align_step, fit_decay, least_rate
from feedback_alignment.training.recording import recording_grid

STEPS = recording_grid(10_000, 10, 200)


def is_none(fit):
    return np.isnan([fit.rate, fit.bend, fit.start, fit.end]).all()


@given(rate=st.floats(5e-4, 5e-2), scale=st.floats(1e-3, 1e6))
def test_an_exponential_is_fitted_exactly(rate, scale):
    steps = recording_grid(int(20 / rate), 10, 100)
    fit = fit_decay(steps, scale * np.exp(-rate * steps))
    assert fit.rate == pytest.approx(rate, rel=1e-9)
    # Between recorded steps the logarithm is a straight line.
    assert fit.bend == pytest.approx(1.0, abs=1e-6)
    assert 0 < fit.start < fit.end == steps[-1]


def test_a_stretched_exponential_bends():
    # From z = L/2 to L of exp(-sqrt t), t = z^2: (9/16 - 1/4) / (1 - 9/16).
    steps = np.arange(0, 1000)
    assert fit_decay(steps, np.exp(-np.sqrt(steps))).bend == pytest.approx(5 / 7, rel=0.01)


@pytest.mark.parametrize("power", [1, 3, 10])
def test_a_power_law_bends(power):
    # A fall of log error by F, the second half of the whole, takes exp(F / 2a) times as long late.
    steps = np.unique(np.geomspace(1, 10**6, 4000).astype(int))
    errors = (1 + steps / 10) ** -float(power)
    fit = fit_decay(steps, errors, floor=1e-200)
    fall = np.log(errors[0] / errors[-1]) / 2
    assert fit.bend == pytest.approx(np.exp(-fall / 2 / power), rel=0.05)
    assert fit.bend < 5 / 7


def test_a_decay_that_speeds_up_bends_the_other_way():
    errors = np.exp(-((STEPS / 2000) ** 2))
    # From half of the fall of t^2 to three quarters of it, and on to the whole.
    expected = (0.75**0.5 - 0.5**0.5) / (1 - 0.75**0.5)
    assert fit_decay(STEPS, errors).bend == pytest.approx(expected, rel=0.02)


def test_the_least_rate_is_that_of_the_slowest_stretch():
    steps = np.array([0, 10, 30, 60, 100])
    errors = np.array([1.0, 0.5, 0.4, 1e-3, 1e-9])
    assert least_rate(steps, errors, 1e-12) == pytest.approx(np.log(0.5 / 0.4) / 20)
    # A rise is a negative rate; nothing below the floor counts.
    assert least_rate(steps, errors[::-1], 0.0) == pytest.approx(-np.log(1e6) / 10)
    assert least_rate(steps, np.array([1, 0.1, 1e-7, 1.0, 2]), 1e-6) == pytest.approx(
        np.log(10) / 10
    )
    assert np.isnan(least_rate(steps, np.full(5, np.nan), 1e-6))
    assert np.isnan(least_rate(steps[:1], errors[:1], 1e-6))


def test_the_slowest_mode_counts():
    errors = 90 * np.exp(-0.1 * STEPS) + 3 * np.exp(-0.02 * STEPS) + 0.5 * np.exp(-0.002 * STEPS)
    fit = fit_decay(STEPS, errors)
    assert fit.rate == pytest.approx(0.002, rel=1e-3)
    assert fit.bend == pytest.approx(1, abs=0.02)


def test_the_window_ends_above_the_floor():
    rng = np.random.default_rng(0)
    noise = 1e-14 * (1 + rng.random(STEPS.size))
    fit = fit_decay(STEPS, np.exp(-0.01 * STEPS) + noise)
    assert fit.rate == pytest.approx(0.01, rel=1e-3)
    assert fit.end <= -np.log(1e-12) / 0.01
    assert fit.bend == pytest.approx(1, abs=0.02)


def test_a_higher_floor_can_be_named():
    errors = np.exp(-0.01 * STEPS) + 1e-8
    assert is_none(fit_decay(STEPS, errors))
    assert fit_decay(STEPS, errors, floor=1e-6).rate == pytest.approx(0.01, rel=1e-2)


def test_a_decay_still_under_way_is_fitted_to_its_end():
    fit = fit_decay(STEPS, np.exp(-0.001 * STEPS))
    assert fit.rate == pytest.approx(0.001, rel=1e-9)
    assert fit.end == 10_000


def test_an_initial_rise_is_left_out():
    errors = np.exp(-0.004 * np.abs(STEPS - 300))
    fit = fit_decay(STEPS, errors)
    assert fit.rate == pytest.approx(0.004, rel=1e-9)
    assert fit.start > 300


def test_a_plateau_that_the_error_leaves_is_left_out():
    # Decay switched off at step 5000.
    errors = np.exp(-0.01 * np.minimum(STEPS, 700)) * np.exp(-0.005 * np.maximum(STEPS - 5000, 0))
    fit = fit_decay(STEPS, errors)
    assert fit.rate == pytest.approx(0.005, rel=1e-6)
    assert fit.start > 5000


@pytest.mark.parametrize(
    "errors",
    [
        np.ones(STEPS.size),
        np.zeros(STEPS.size),
        np.full(STEPS.size, np.nan),
        np.linspace(1, 2, STEPS.size),
        np.exp(-2e-4 * STEPS),
        np.exp(-0.01 * STEPS) + 1e-3,
        np.exp(-0.01 * STEPS) + 1e-9,
        np.exp(-0.003 * STEPS) + 1e-2,
    ],
    ids=["constant", "zero", "nan", "rising", "short", "plateau", "low plateau", "high plateau"],
)
def test_no_decay_is_not_a_number(errors):
    assert is_none(fit_decay(STEPS, errors))


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_too_few_points_are_not_a_number(count):
    assert is_none(fit_decay(STEPS[:count], 10.0 ** -np.arange(count)))


def test_values_after_a_divergence_are_left_out():
    errors = np.exp(-0.01 * STEPS)
    errors[STEPS > 1500] = np.nan
    fit = fit_decay(STEPS, errors)
    assert fit.rate == pytest.approx(0.01, rel=1e-9)
    assert fit.end <= 1500


def test_alignment_that_grows_with_the_logarithm_of_the_step():
    # Passes 1/2 at step 1000, wherever the recorded steps lie.
    for steps in (STEPS, np.array([0, 1, 10_000]), np.array([0, 999, 1001, 5000])):
        alignment = np.log(np.maximum(steps, 1)) / np.log(1e6)
        assert align_step(steps, alignment) == pytest.approx(1000, rel=1e-9)


def test_alignment_from_the_start_on():
    assert align_step(np.array([0, 10]), np.array([0.6, 0.9])) == 0.0
    assert align_step(np.array([0, 10]), np.array([0.0, 1.0])) == 5.0
    assert align_step(np.array([0, 10, 20]), np.array([0.2, 0.5, 0.1])) == 10.0


def test_the_first_passage_counts():
    steps = np.array([0, 1, 2, 3, 4])
    assert align_step(steps, np.array([0.0, 0.0, 0.5, 0.0, 0.9])) == 2.0


def test_a_passage_that_never_comes():
    assert np.isnan(align_step(STEPS, np.full(STEPS.size, 0.49)))
    assert np.isnan(align_step(STEPS[:0], np.array([])))
    assert np.isnan(align_step(np.array([0, 1]), np.array([0.1, np.nan])))
