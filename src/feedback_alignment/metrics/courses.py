"""Derived numbers of a run's course: its decay rate, and when its weights align."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from feedback_alignment.intervention_steps import last_turn
from feedback_alignment.metrics.metric import (
    DEEP,
    KERNELS,
    LAW,
    SHALLOW,
    Metric,
    shallow,
    with_setting,
)
from feedback_alignment.networks.losses import loss_named

if TYPE_CHECKING:
    from feedback_alignment.conditions import Condition

Series = Mapping[tuple[str, str], np.ndarray]

# A decay worth a fit falls by this factor at least, with this many points in the window at least.
_LEAST_FALL = 100.0
_LEAST_POINTS = 4


@dataclass(frozen=True)
class DecayFit:
    """Straight line through the logarithm of the error norm; all NaN where there is no decay.

    Attributes:
        rate: decay rate r per step, `||e(t)|| ~ exp(-r t)`.
        bend: the rate over the second half of the fall in log error, over that of the first: 1 of
            an exponential, 5/7 of `exp(-sqrt t)`, less of powers of t up to 15.
        start: first step of the fitted window.
        end: last step of the fitted window.
    """

    rate: float
    bend: float
    start: float
    end: float


_NO_DECAY = DecayFit(np.nan, np.nan, np.nan, np.nan)


def fit_decay(steps: np.ndarray, error_norm: np.ndarray, floor: float = 1e-12) -> DecayFit:
    """Fit the exponential decay that Song 2021's convergence theorem speaks of.

    The decay runs from the peak to the last value above the floor. The window is its second half
    in log error, where the fast modes are gone. There is nothing to fit where the decay is less
    than a factor of 100, or comes to rest above the floor.

    Args:
        steps: recorded steps (T,), rising.
        error_norm: `||e||` (T,).
        floor: part of the peak below which the error may be rounding error alone.
    """
    usable = np.isfinite(error_norm) & (error_norm > 0)
    if not usable.any():
        return _NO_DECAY
    steps, logs = np.asarray(steps, float)[usable], np.log(np.asarray(error_norm)[usable])
    peak = int(logs.argmax())
    steps, logs = steps[peak:], logs[peak:]
    floored = np.flatnonzero(logs < logs[0] + np.log(floor))
    end = int(floored[0]) if floored.size else logs.size
    steps, logs = steps[:end], logs[:end]
    fall = logs[0] - logs[-1]
    # After the last value above the middle: past a plateau that the error has left.
    start = int(np.flatnonzero(logs >= logs[0] - fall / 2)[-1]) + 1
    t, z = steps[start:], logs[start:]
    if fall < np.log(_LEAST_FALL) or t.size < _LEAST_POINTS:
        return _NO_DECAY
    if not floored.size and _at_rest(t, z):
        return _NO_DECAY
    t_mean, z_mean = t.mean(), z.mean()
    slope = np.vecdot(t - t_mean, z - z_mean) / np.square(t - t_mean).sum()
    return DecayFit(float(-slope), _bend(t, z), float(t[0]), float(t[-1]))


def align_step(steps: np.ndarray, alignment: np.ndarray, threshold: float = 0.5) -> float:
    """First step at which the weight alignment passes a threshold; NaN if it never does.

    Between recorded steps the alignment is taken as linear in log step (from step 0: in step).

    Args:
        steps: recorded steps (T,), rising.
        alignment: weight alignment (T,).
        threshold: the value to pass.
    """
    passed = np.flatnonzero(np.asarray(alignment) >= threshold)
    if not passed.size:
        return float("nan")
    after = int(passed[0])
    if after == 0:
        return float(steps[0])
    (t0, t1), (a0, a1) = steps[after - 1 : after + 1], alignment[after - 1 : after + 1]
    part = (threshold - a0) / (a1 - a0)
    return float(t0 ** (1 - part) * t1**part) if t0 > 0 else float(part * t1)


def _bend(t: np.ndarray, z: np.ndarray) -> float:
    """The time that the first half of a fall takes, over that of the second half."""
    # Where the error rises for a while, the half is passed when it has been passed for good.
    falling = np.maximum.accumulate(z[::-1])[::-1]
    middle = np.interp(-(z[0] + z[-1]) / 2, -falling, t)
    return float((middle - t[0]) / (t[-1] - middle))


def least_rate(steps: np.ndarray, error_norm: np.ndarray, floor: float) -> float:
    """Least decay rate a step, `-log(||e(t')|| / ||e(t)||) / (t' - t)`, between recorded steps.

    If every step shrank the error by a factor, every stretch would by its power: a stretch that
    does not shows that some step did not.

    Args:
        steps: recorded steps (T,), rising.
        error_norm: `||e||` (T,).
        floor: part of the first error below which the error may be rounding error alone.

    Returns:
        the rate, up to the first step below the floor; NaN where there is no stretch.
    """
    below = np.flatnonzero(~(error_norm > floor * error_norm[0])) if error_norm.size else []
    end = int(below[0]) if len(below) else error_norm.size
    if end < 2:
        return float("nan")
    return float(np.min(-np.diff(np.log(error_norm[:end])) / np.diff(steps[:end])))


def _at_rest(t: np.ndarray, z: np.ndarray) -> bool:
    """Whether the last quarter of a window falls by less than a fifth of its share."""
    before = np.interp(t[-1] - (t[-1] - t[0]) / 4, t, z)
    return bool(before - z[-1] < (z[0] - z[-1]) / 20)


def derived(condition: "Condition", steps: np.ndarray, series: Series) -> dict[str, float]:
    """Numbers that sum up one replicate's course; NaN where there is nothing to tell.

    Args:
        condition: what was run.
        steps: recorded steps (T,).
        series: each recorded metric (T,), by metric and layer.

    Returns:
        Value by metric, of those of `DERIVED` that the condition has.
    """
    loss = series["loss", ""]
    if shallow(condition):
        values = _convergence(condition, steps, series)
    else:
        values = {"loss_fall": 1 - loss[-1] / loss[0] if loss.size else np.nan}
    layers = [course for (metric, _), course in series.items() if metric == "descent"]
    if layers:
        values["descent_over_fall"] = _descent_over_fall(steps, np.sum(layers, axis=0), loss)
    moment = last_turn(condition.settings())
    if moment:
        later = loss[steps >= moment]
        values["loss_rise"] = later.max() / later[0] if later.size and later[0] > 0 else np.nan
    return {name: float(value) for name, value in values.items()}


def _convergence(condition: "Condition", steps: np.ndarray, series: Series) -> dict[str, float]:
    """The decay of the error beside the theorem's bound, and when the weights align.

    The bound is Song 2021's `||e(t+1)|| <= (1 - eta*gamma/4) ||e(t)||`, gamma the least eigenvalue
    of the expected G; the local rate is that of `e(t+1) = (I - eta (G + H)) e(t)`.
    """
    # Below this share of the peak the error is rounding, or the run has been stopped.
    rounding = {"float64": 1e-12, "float32": 1e-5}[condition.dtype]
    fit = fit_decay(steps, series["error_norm", ""], floor=max(rounding, condition.settle_floor))
    values = {
        "decay_rate": fit.rate,
        "decay_bend": fit.bend,
        "decay_start": fit.start,
        "decay_end": fit.end,
        "align_step": align_step(steps, series["weight_alignment", "output"]),
    }
    if condition.law:
        values["law_align_step"] = align_step(steps, series["law_alignment", "output"])
    if condition.kernels and steps.size:
        # The theorem is about 1/2 ||e||^2, of which the loss is a multiple.
        rate = condition.eta * loss_named(condition.loss_function).gain(condition.samples)
        least = series["lambda_min_GH", ""]
        values["rate_bound"] = rate * series["lambda_min_EG", ""][0] / 4
        values["rate_least"] = least_rate(steps, series["error_norm", ""], rounding)
        values["rate_local"] = rate * least[np.isfinite(least)][-1]
    return values


def _descent_over_fall(steps: np.ndarray, descent: np.ndarray, loss: np.ndarray) -> float:
    """First-order descent of all layers (T,), summed over the steps, over what the loss loses."""
    lengths, means = np.diff(steps), (descent[:-1] + descent[1:]) / 2
    # The last state of each stretch takes its step in the next one.
    total = np.sum(lengths * means + (descent[:-1] - descent[1:]) / 2)
    fall = loss[0] - loss[-1] if loss.size else 0.0
    return total / fall if fall > 0 else np.nan


_FIT = {"derived": True, **SHALLOW}
_RATES = {"derived": True, "unit": "per step", **KERNELS}
_FALL = {"derived": True, **DEEP}
DERIVED = (
    Metric("decay_rate", "slope of -log `||e||` against the step, fitted from `decay_start` to "
           "`decay_end`", "per step", **_FIT),
    Metric("decay_bend", "rate over the second half of the fall of log `||e||` in that window over "
           "that of the first half: 1 of an exponential, 5/7 of exp(-sqrt t)", **_FIT),
    Metric("decay_start", "first step of the window of the fit", "steps", **_FIT),
    Metric("decay_end", "last step of the window of the fit", "steps", **_FIT),
    Metric("align_step", "first step at which `weight_alignment` passes 1/2; empty if it never "
           "does", "steps", **_FIT),
    Metric("law_align_step", "first step at which `law_alignment` passes 1/2", "steps",
           derived=True, **LAW),
    Metric("rate_bound", "`eta * gamma / 4` of the convergence theorem, gamma = `lambda_min_EG`; "
           "here and below eta is that of half the sum of squares, 2 eta / n of `mse`",
           **_RATES),
    Metric("rate_least", "least rate between two recorded steps, `log(||e(t)|| / ||e(t')||) / "
           "(t' - t)`, until the error may be rounding", **_RATES),
    Metric("rate_local", "`eta * lambda_min_GH` at the last recorded step", **_RATES),
    Metric("loss_fall", "`1 - loss(end) / loss(0)`", **_FALL),
    Metric(
        "descent_over_fall",
        "`descent` of all layers, summed over the steps (linear between recorded ones), over "
        "`loss(0) - loss(end)`: 1 where the first order tells what happens; missing where the loss "
        "does not fall",
        derived=True,
        recorded=with_setting("descent"),
        when="`descent: true`",
    ),
    Metric(
        "loss_rise",
        "largest recorded loss from the last switch, redraw, tie or perturbation on (their "
        "repetitions and freezing apart), over the loss just after it",
        derived=True,
        recorded=lambda condition: last_turn(condition.settings()) > 0,
        when="such an intervention after the start",
    ),
)  # fmt: skip
