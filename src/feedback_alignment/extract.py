"""Metric extraction: recorded runs in, the tidy table of an experiment out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from feedback_alignment.conditions import Condition
from feedback_alignment.metrics.courses import derived as derive
from feedback_alignment.tables import SETTINGS, tidy_frame
from feedback_alignment.training.recording import Recording

if TYPE_CHECKING:
    import pandas as pd


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
    for lane, replicate in enumerate(replicates):
        status, end = str(recording.status[lane]), int(recording.end_step[lane])
        steps = recording.steps
        lived = steps < end if status == "diverged" else np.ones(steps.size, dtype=bool)
        rows = []
        for (metric, layer), values in recording.values.items():
            value = values[lane]
            # Quantities of the initial network only, and metrics a run does not have, are NaN.
            known = lived & ~np.isnan(value)
            pairs = zip(steps[known].tolist(), value[known].tolist(), strict=True)
            rows += [(step, metric, layer, v) for step, v in pairs]
            if status == "diverged" and known.any():
                rows.append((end, metric, layer, np.nan))
        series = {key: values[lane][lived] for key, values in recording.values.items()}
        derived = derive(condition, steps[lived], series)
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
