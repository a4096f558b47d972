"""Runs that blow up are results: found at their step, and silent."""

import numpy as np
import pytest
from small_runs import drawn, song

from feedback_alignment import engines
from feedback_alignment.simulate import build_engine, simulate

SEED = 11


@pytest.mark.parametrize(
    ("engine", "activation"),
    [
        ("linear", "linear"),
        ("preactivation", "linear"),
        ("preactivation", "relu"),
        ("preactivation", "softplus"),
        ("minibatch", "relu"),
        ("autograd", "relu"),
    ],
)
@pytest.mark.parametrize("rule", ["bp", "fa"])
def test_the_step_is_that_of_a_run_watched_step_by_step(engine, activation, rule):
    settings = {"engine": engine, "activation": activation, "rule": rule, "eta": 0.3, "steps": 150}
    for grid in ({"linear_points": 1, "points_per_decade": 0}, {"linear_points": 7}):
        case = song(**settings | grid)
        data = drawn(case, [0, 1], SEED)
        recording = simulate(case, data, [0, 1], seed=SEED)
        _, watched = build_engine(case, data, [0, 1], seed=SEED)
        initial = watched.observe({"error_norm"})["error_norm", ""]
        norms = np.concatenate([watched.advance(1, 0.0) for _ in range(150)])
        for lane in range(2):
            gone = ~(norms[:, lane] <= 1e6 * initial[lane]) | ~np.isfinite(norms[:, lane])
            assert recording.status[lane] == "diverged"
            assert recording.end_step[lane] == 1 + int(gone.argmax())


def test_engines_diverge_together():
    cases = [song(activation="linear", eta=0.3, engine=engine) for engine in engines.ENGINES]
    data = drawn(cases[0], [0, 1, 2], SEED)
    ends = [simulate(case, data, [0, 1, 2], seed=SEED).end_step.tolist() for case in cases]
    assert ends[0] == ends[1] == ends[2] == ends[3]
