"""Hand-made tidy tables."""

import pytest

from feedback_alignment.store import tidy_frame

SETTINGS = {
    "experiment": "made",
    "rule": "fa",
    "l2": 0.0,
    "schedule": "none",
    "cutoff_step": None,
    "activation": "linear",
    "width": 100,
    "depth": 1,
    "data": "teacher_student",
    "samples": 50,
    "dimension": 150,
    "eta": 1e-4,
    "steps": 1000,
    "weights": "explicit",
    "engine": "linear",
    "dtype": "float64",
}


def run(seed, metrics, *, status="ok", end_step=None, **settings):
    """Rows of one replicate; a metric is a value at the last step, or a value by step."""
    chosen = {**SETTINGS, **settings}
    if chosen["l2"] and "schedule" not in settings:
        chosen["schedule"] = "constant"
    end = chosen["steps"] if end_step is None else end_step
    name = "-".join(str(v) for k, v in chosen.items() if k != "experiment")
    return [
        {
            "condition": name,
            **chosen,
            "seed": seed,
            "step": step,
            "metric": metric,
            "layer": "",
            "value": value,
            "status": status,
            "end_step": end,
        }
        for metric, given in metrics.items()
        for step, value in (given if isinstance(given, dict) else {end: given}).items()
    ]


def tidy(rows):
    """The tidy table of such rows."""
    return tidy_frame({key: [row[key] for row in rows] for key in rows[0]})


@pytest.fixture(scope="session")
def make_run():
    return run


@pytest.fixture(scope="session")
def make_table():
    return tidy


@pytest.fixture(scope="session")
def sweep():
    """A table of one metric, `value(seed, **settings)`, over a list of settings."""

    def build(metric, value, settings, seeds=8):
        return tidy(
            [
                row
                for chosen in settings
                for seed in range(seeds)
                for row in run(seed, {metric: value(seed, **chosen)}, **chosen)
            ]
        )

    return build
