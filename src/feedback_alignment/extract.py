"""Metric extraction: recorded runs in, the tidy table of an experiment out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from feedback_alignment.conditions import Condition
from feedback_alignment.metrics.convergence import align_step, fit_decay
from feedback_alignment.simulate.recording import Recording
from feedback_alignment.store import COLUMNS, tidy_frame

if TYPE_CHECKING:
    import pandas as pd

# Metrics of one layer; all others are of the whole network.
LAYER_OF = {
    "weight_alignment": "output",
    "beta_norm": "output",
    "signal_alignment": "hidden",
    "gradient_alignment": "hidden",
    "hidden_norm": "hidden",
}


def extract(
    experiment: str,
    condition: Condition,
    identifier: str,
    replicates: Sequence[int],
    recording: Recording,
) -> "pd.DataFrame":
    """The rows of one training run: recorded metrics, then the derived ones.

    A diverged replicate has the rows before its end, and one row a metric without a value at it.

    Args:
        experiment: name of the experiment.
        condition: what was run.
        identifier: the condition's id.
        replicates: replicate index of each of the recording's R lanes.
        recording: what the run recorded.
    """
    columns: dict[str, list] = {"seed": [], "step": [], "metric": [], "value": []}
    columns |= {"status": [], "end_step": []}
    for lane, seed in enumerate(replicates):
        status, end = str(recording.status[lane]), int(recording.end_step[lane])
        steps = recording.steps
        lived = steps < end if status == "diverged" else np.ones(steps.size, dtype=bool)
        rows = []
        for metric, values in recording.values.items():
            value = values[lane]
            # Quantities of the initial network only, and metrics a run does not have, are NaN.
            known = lived & ~np.isnan(value)
            rows += [(s, metric, v) for s, v in zip(steps[known], value[known], strict=True)]
            if status == "diverged" and known.any():
                rows.append((end, metric, np.nan))
        series = {metric: values[lane][lived] for metric, values in recording.values.items()}
        derived = derive(condition, steps[lived], series)
        rows += [(end, metric, value) for metric, value in derived.items()]
        columns["seed"] += [seed] * len(rows)
        columns["status"] += [status] * len(rows)
        columns["end_step"] += [end] * len(rows)
        for name, cells in zip(("step", "metric", "value"), zip(*rows, strict=True), strict=True):
            columns[name] += cells
    settings = {key: value for key, value in condition.settings().items() if key in COLUMNS}
    return tidy_frame(
        {
            "experiment": experiment,
            "condition": identifier,
            **settings,
            "layer": [LAYER_OF.get(metric, "") for metric in columns["metric"]],
            **columns,
        }
    )


def derive(
    condition: Condition, steps: np.ndarray, series: dict[str, np.ndarray]
) -> dict[str, float]:
    """Numbers that sum up one replicate's course.

    The theorem's bound is Song 2021's `||e(t+1)|| <= (1 - eta*gamma/4) ||e(t)||`, gamma the least
    eigenvalue of the expected G; the local rate is that of `e(t+1) = (I - eta (G + H)) e(t)`.

    Args:
        condition: what was run.
        steps: recorded steps (T,).
        series: each recorded metric (T,).

    Returns:
        decay_rate (per step), decay_r2, decay_start and decay_end (steps), align_step (step), and
        with kernels rate_bound and rate_local (per step); NaN where there is nothing to tell.
    """
    # Below this share of the peak the error is rounding, or the run has been stopped.
    rounding = {"float64": 1e-12, "float32": 1e-5}[condition.dtype]
    fit = fit_decay(steps, series["error_norm"], floor=max(rounding, condition.settle_floor))
    derived = {
        "decay_rate": fit.rate,
        "decay_r2": fit.r2,
        "decay_start": fit.start,
        "decay_end": fit.end,
        "align_step": align_step(steps, series["weight_alignment"]),
    }
    if condition.kernels and steps.size:
        least = series["lambda_min_GH"]
        derived["rate_bound"] = condition.eta * series["lambda_min_EG"][0] / 4
        derived["rate_local"] = condition.eta * least[np.isfinite(least)][-1]
    return {name: float(value) for name, value in derived.items()}
