"""Metric extraction: recorded runs in, the tidy table of an experiment out."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from feedback_alignment.conditions import Condition
from feedback_alignment.intervention_steps import last_turn
from feedback_alignment.metrics.convergence import align_step, fit_decay
from feedback_alignment.simulate.recording import Recording
from feedback_alignment.tables import SETTINGS, tidy_frame

if TYPE_CHECKING:
    import pandas as pd

Series = Mapping[tuple[str, str], np.ndarray]

# Metrics of one layer of a two-layer network; all its others are of the whole network. An MLP's
# metrics come with their layer.
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
    columns: dict[str, list] = {"replicate": [], "step": [], "metric": [], "layer": [], "value": []}
    columns |= {"status": [], "end_step": []}
    recorded = {
        key if isinstance(key, tuple) else (key, LAYER_OF.get(key, "")): values
        for key, values in recording.values.items()
    }
    for lane, replicate in enumerate(replicates):
        status, end = str(recording.status[lane]), int(recording.end_step[lane])
        steps = recording.steps
        lived = steps < end if status == "diverged" else np.ones(steps.size, dtype=bool)
        rows = []
        for (metric, layer), values in recorded.items():
            value = values[lane]
            # Quantities of the initial network only, and metrics a run does not have, are NaN.
            known = lived & ~np.isnan(value)
            pairs = zip(steps[known].tolist(), value[known].tolist(), strict=True)
            rows += [(step, metric, layer, v) for step, v in pairs]
            if status == "diverged" and known.any():
                rows.append((end, metric, layer, np.nan))
        series = {key: values[lane][lived] for key, values in recorded.items()}
        derived = (derive_two_layer if condition.two_layer else derive_mlp)(
            condition, steps[lived], series
        )
        rows += [(end, metric, "", value) for metric, value in derived.items()]
        columns["replicate"] += [replicate] * len(rows)
        columns["status"] += [status] * len(rows)
        columns["end_step"] += [end] * len(rows)
        names = ("step", "metric", "layer", "value")
        for name, cells in zip(names, zip(*rows, strict=True), strict=True):
            columns[name] += cells
    settings = {
        name: "" if kind == "str" and value is None else value
        for name, kind in SETTINGS.items()
        for value in [getattr(condition, name)]
    }
    return tidy_frame(
        {
            "experiment": experiment,
            "condition": identifier,
            **settings,
            **columns,
        }
    )


def derive_two_layer(condition: Condition, steps: np.ndarray, series: Series) -> dict[str, float]:
    """Numbers that sum up one replicate's course in a two-layer network.

    The theorem's bound is Song 2021's `||e(t+1)|| <= (1 - eta*gamma/4) ||e(t)||`, gamma the least
    eigenvalue of the expected G; the local rate is that of `e(t+1) = (I - eta (G + H)) e(t)`.

    Args:
        condition: what was run.
        steps: recorded steps (T,).
        series: each recorded metric (T,), by metric and layer.

    Returns:
        decay_rate (per step), decay_r2, decay_start and decay_end (steps), align_step (step), and
        with kernels rate_bound and rate_local (per step); NaN where there is nothing to tell.
    """
    # Below this share of the peak the error is rounding, or the run has been stopped.
    rounding = {"float64": 1e-12, "float32": 1e-5}[condition.dtype]
    fit = fit_decay(steps, series["error_norm", ""], floor=max(rounding, condition.settle_floor))
    derived = {
        "decay_rate": fit.rate,
        "decay_r2": fit.r2,
        "decay_start": fit.start,
        "decay_end": fit.end,
        "align_step": align_step(steps, series["weight_alignment", "output"]),
    }
    if condition.kernels and steps.size:
        least = series["lambda_min_GH", ""]
        derived["rate_bound"] = condition.eta * series["lambda_min_EG", ""][0] / 4
        derived["rate_local"] = condition.eta * least[np.isfinite(least)][-1]
    return {name: float(value) for name, value in derived.items()}


def derive_mlp(condition: Condition, steps: np.ndarray, series: Series) -> dict[str, float]:
    """Numbers that sum up one replicate's course in an MLP.

    Args:
        condition: what was run.
        steps: recorded steps (T,).
        series: each recorded metric (T,), by metric and layer.

    Returns:
        loss_fall, the share of the initial loss that is gone at the end; where the descent is
        recorded, descent_over_fall, the first-order descent of all layers, summed over the steps
        (linear between recorded ones), over what the loss has fallen; and, with a switch,
        redraw, tie or perturbation after the start, loss_rise, the largest loss from the last one
        on over the loss just after it. NaN where there is nothing to tell.
    """
    loss = series["loss", ""]
    derived = {"loss_fall": 1 - loss[-1] / loss[0] if loss.size else np.nan}
    layers = [values for (metric, _), values in series.items() if metric == "descent"]
    if layers:
        descent = np.sum(layers, axis=0)
        lengths, means = np.diff(steps), (descent[:-1] + descent[1:]) / 2
        # The last state of each stretch takes its step in the next one.
        total = np.sum(lengths * means + (descent[:-1] - descent[1:]) / 2)
        fall = loss[0] - loss[-1] if loss.size else 0.0
        derived["descent_over_fall"] = total / fall if fall > 0 else np.nan
    moment = last_turn(condition.settings())
    if moment:
        later = loss[steps >= moment]
        derived["loss_rise"] = later.max() / later[0] if later.size and later[0] > 0 else np.nan
    return {name: float(value) for name, value in derived.items()}
