"""How far hidden weights move: against sums over the steps, and what a random walk must give."""

import numpy as np
import pytest
from small_runs import deep, engine_on, simulate_on

from feedback_alignment.engines.arrays import NumpyArrays
from feedback_alignment.metrics.walk import Walk
from feedback_alignment.training.batches import Samples

SEED = 3
X = np.random.default_rng(0).standard_normal((12, 8))
SAMPLES = Samples(X, np.eye(4)[X[:, :4].argmax(axis=1)])
SETTINGS = deep(width=6, depth=2, steps=9, batch_size=5, dtype="float64", displacement=True)


def test_one_step_at_a_time_gives_the_recorded_distances():
    """Against the weights after each step, read from outside."""
    engine = engine_on(SETTINGS, SAMPLES, SAMPLES, SEED, [0, 1])

    def hidden():
        return np.array(
            [
                np.concatenate([x.ravel() for x in (*net.weights[:-1], *net.biases[:-1])])
                for net in engine.networks()
            ]
        )

    courses = [hidden()]
    for _ in range(9):
        engine.advance(1, 0.0)
        courses.append(hidden())
    found = engine.observe(frozenset({"displacement", "walk_displacement"}))
    steps = np.diff(courses, axis=0)
    moved = np.linalg.norm(courses[-1] - courses[0], axis=1)
    np.testing.assert_allclose(found["displacement", "hidden"], moved, rtol=1e-12)
    walk = np.sqrt(np.square(steps).sum(axis=(0, 2)))
    np.testing.assert_allclose(found["walk_displacement", "hidden"], walk, rtol=1e-12)


def test_a_straight_line_goes_farther_than_a_walk_by_the_root_of_its_steps():
    walk = Walk(NumpyArrays("float64"), [np.zeros((3, 2, 2))])
    for step in range(1, 17):
        walk.follow([np.full((3, 2, 2), float(step))])
    walk.keep([0, 2])
    found = walk.distances()
    assert found["displacement"] == pytest.approx([32.0, 32.0])
    assert found["displacement"] / found["walk_displacement"] == pytest.approx([4.0, 4.0])


def test_fresh_feedback_walks_at_random():
    """Each step's mean is zero given those before, so that the mean squares are equal."""
    settings = deep(
        width=12, depth=2, steps=60, batch_size=5, displacement=True, redraw_step=1, redraw_every=1
    )
    values = simulate_on(settings, SAMPLES, None, SEED, range(40)).values
    moved, walk = (
        values[name, "hidden"][:, -1] ** 2 for name in ("displacement", "walk_displacement")
    )
    error = (moved - walk).std(ddof=1) / np.sqrt(40)
    assert abs((moved - walk).mean()) < 3 * error
    assert moved.mean() == pytest.approx(walk.mean(), rel=0.1)


def test_only_who_asks_has_them():
    plain = simulate_on(deep(width=5, steps=2), SAMPLES, None, SEED, [0]).values
    assert not {name for name, _ in plain} & {"displacement", "walk_displacement"}
