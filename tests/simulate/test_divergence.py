"""Runs that blow up are results: found at their step, and silent."""

import numpy as np
import pytest

from feedback_alignment.simulate import build_engine

SEED = 11


@pytest.mark.parametrize(
    ("engine", "activation"),
    [
        ("linear", "linear"),
        ("preactivation", "linear"),
        ("preactivation", "relu"),
        ("preactivation", "softplus"),
        ("autograd", "relu"),
    ],
)
@pytest.mark.parametrize("rule", ["bp", "fa"])
def test_the_step_is_that_of_a_run_watched_step_by_step(
    condition, data, run, engine, activation, rule
):
    settings = {"engine": engine, "activation": activation, "rule": rule, "eta": 0.3, "steps": 150}
    for grid in ({"linear_points": 1, "points_per_decade": 0}, {"linear_points": 7}):
        case = condition(**settings | grid)
        recording = run(case, [0, 1])
        watched = build_engine(case, *data(case, [0, 1]), SEED, [0, 1])
        initial = watched.observe(False)["error_norm"]
        norms = np.concatenate([watched.advance(1, 0.0) for _ in range(150)])
        for lane in range(2):
            gone = ~(norms[:, lane] <= 1e6 * initial[lane]) | ~np.isfinite(norms[:, lane])
            assert recording.status[lane] == "diverged"
            assert recording.end_step[lane] == 1 + int(gone.argmax())


def test_engines_diverge_together(condition, run):
    ends = [
        run(condition(activation="linear", eta=0.3, engine=engine), [0, 1, 2]).end_step.tolist()
        for engine in ("linear", "preactivation", "autograd")
    ]
    assert ends[0] == ends[1] == ends[2]
