"""Derived numbers of a run's course: its decay rate, and when its weights align."""

from dataclasses import dataclass

import numpy as np

# A decay worth a fit falls by this factor at least, with this many points in the window at least.
_LEAST_FALL = 100.0
_LEAST_POINTS = 4


@dataclass(frozen=True)
class DecayFit:
    """Straight line through the logarithm of the error norm; all NaN where there is no decay.

    Attributes:
        rate: decay rate r per step, `||e(t)|| ~ exp(-r t)`.
        r2: coefficient of determination of the line.
        start: first step of the fitted window.
        end: last step of the fitted window.
    """

    rate: float
    r2: float
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
    residuals = z - z_mean - slope * (t - t_mean)
    r2 = 1.0 - np.square(residuals).sum() / np.square(z - z_mean).sum()
    return DecayFit(float(-slope), float(r2), float(t[0]), float(t[-1]))


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


def _at_rest(t: np.ndarray, z: np.ndarray) -> bool:
    """Whether the last quarter of a window falls by less than a fifth of its share."""
    before = np.interp(t[-1] - (t[-1] - t[0]) / 4, t, z)
    return bool(before - z[-1] < (z[0] - z[-1]) / 20)
