"""Hand-made tidy tables."""

import numpy as np
import pytest

from feedback_alignment.metrics.registry import METRICS
from feedback_alignment.settings import COLUMN_TYPES, DEFAULTS
from feedback_alignment.tables import tidy_frame

# The defaults of the settings that are columns, with what data and engines decide.
SETTINGS = {name: "" if DEFAULTS[name] is None and kind is str else DEFAULTS[name]
            for name, (kind, _) in COLUMN_TYPES.items()}  # fmt: skip
SETTINGS |= {"experiment": "made", "schedule": "none", "activation": "linear", "width": 100}
SETTINGS |= {"samples": 50, "dimension": 150, "eta": 1e-4, "engine": "linear"}


def run(replicate, metrics, *, status="ok", end_step=None, **settings):
    """Rows of one replicate.

    A metric is a value at the last step, or a value by step; its name may be a pair with the
    layer, which is else the main one.
    """
    chosen = {**SETTINGS, **settings}
    if chosen["l2"] and "schedule" not in settings:
        chosen["schedule"] = "constant"
    end = chosen["steps"] if end_step is None else end_step
    name = "-".join(str(v) for k, v in chosen.items() if k != "experiment")
    return [
        {
            "condition": name,
            **chosen,
            "replicate": replicate,
            "step": step,
            "metric": metric,
            "layer": layer,
            "value": value,
            "status": status,
            "end_step": end,
        }
        for key, given in metrics.items()
        for metric, layer in [
            key if isinstance(key, tuple) else (key, METRICS[key].main_layer or "")
        ]
        for step, value in (given if isinstance(given, dict) else {end: given}).items()
    ]


def tidy(rows):
    """The tidy table of such rows."""
    return tidy_frame({key: [row[key] for row in rows] for key in rows[0]})


class FigureTables:
    """The table of each figure, from true numbers of which a call may change some.

    Args:
        truth: the numbers.
        figures: by figure, a function of the numbers, of a factor near 1 and of a sign, that
            yields the metrics and settings of each of a replicate's runs.
        replicates: by figure, which ones a table has; 8 for the others.
    """

    def __init__(self, truth, figures, replicates=()):
        self.truth, self.figures, self.replicates = truth, figures, dict(replicates)

    def __call__(self, *names, replicates=None, **changes):
        assert changes.keys() <= self.truth.keys()
        truth = {**self.truth, **changes}
        names = names or tuple(self.figures)
        made = {
            rows: tidy(
                [
                    row
                    for replicate in replicates or self._replicates(rows)
                    for metrics, settings in rows(truth, self.wiggle(replicate), (-1) ** replicate)
                    for row in run(replicate, metrics, **settings)
                ]
            )
            for rows in {self.figures[name] for name in names}
        }
        return {name: made[self.figures[name]] for name in names}

    def _replicates(self, rows):
        named = [self.replicates[n] for n, made in self.figures.items() if made is rows
                 and n in self.replicates]  # fmt: skip
        return max(named, key=len, default=range(8))

    @staticmethod
    def wiggle(replicate):
        return np.exp(0.01 * np.random.default_rng(replicate).standard_normal())


@pytest.fixture(scope="session")
def figure_tables():
    return FigureTables


@pytest.fixture(scope="session")
def make_run():
    return run


@pytest.fixture(scope="session")
def make_table():
    return tidy


@pytest.fixture(scope="session")
def sweep():
    """A table of one metric, `value(replicate, **settings)`, over a list of settings."""

    def build(metric, value, settings, replicates=8):
        return tidy(
            [
                row
                for chosen in settings
                for replicate in range(replicates)
                for row in run(replicate, {metric: value(replicate, **chosen)}, **chosen)
            ]
        )

    return build
