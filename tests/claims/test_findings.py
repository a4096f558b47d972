"""The closed forms of docs/findings.md against the simulation."""

import numpy as np
import pytest
from scipy.optimize import brentq

from feedback_alignment.data.synthetic import teacher_student
from feedback_alignment.engines.gram import wishart_gram
from feedback_alignment.engines.linear import LINEAR_ENGINES
from feedback_alignment.streams import Streams

WIDTH, SAMPLES, DIMENSION, ETA = 10**6, 20, 60, 2e-3
STREAMS = Streams(5, WIDTH, SAMPLES)

SEEN = {"weight_alignment", "loss"}


@pytest.fixture(scope="module")
def data():
    """K, y, and the engine's own coordinates: eigenvalues of K, targets along its eigenvectors."""
    inputs, targets = teacher_student(STREAMS, 0, "linear", WIDTH, SAMPLES, DIMENSION)
    kernel = inputs @ inputs.T
    powers, modes = np.linalg.eigh(kernel)
    return kernel, targets, powers, modes


def engine(data):
    _, targets, powers, modes = data
    gram = wishart_gram(powers, STREAMS, 0, WIDTH)
    return (
        LINEAR_ENGINES["fa"](gram[None], powers[None], (modes.T @ targets)[None], WIDTH, ETA),
        gram * WIDTH,
    )


def test_without_decay_the_overlap_grows_by_the_learnt_part(data):
    kernel, targets, _, modes = data
    machine, gram = engine(data)
    before = machine.observe(SEEN)["weight_alignment", "output"][0]
    machine.advance(4000, 0.0)
    gained = machine.observe(SEEN)["weight_alignment", "output"][0] - before
    # Gram matrix of [H0 U, beta0, b].
    error = modes @ gram[:SAMPLES, SAMPLES] / WIDTH**0.5 - targets
    rested = np.linalg.solve(kernel, error)
    chance = -(modes @ gram[:SAMPLES, SAMPLES + 1]) @ rested / WIDTH**0.5
    # Of the order of the step, eta |e|^2 summed over the steps: (eta/2) e^T (2 - eta K)^-1 e.
    learnt = error @ rested - error @ np.linalg.solve(2 * kernel - ETA * kernel @ kernel, error)
    assert gained * WIDTH == pytest.approx(learnt + chance, rel=0.02)


def test_with_decay_cosine_and_loss_follow_the_slow_law(data):
    kernel, targets, _, _ = data
    machine, _ = engine(data)
    decay, rested = 0.5, np.linalg.solve(kernel, targets)
    q = targets @ rested
    done = 0
    for step in (100_000, 200_000):
        machine.advance(step - done, decay)
        done = step
        slow = (q / WIDTH) ** 0.5 * ETA * decay * step
        tangent = brentq(lambda t, slow=slow: t + t**3 / 3 - slow, 0, slow)
        seen = machine.observe(SEEN)
        assert seen["weight_alignment", "output"][0] == pytest.approx(
            tangent / (1 + tangent**2) ** 0.5, rel=0.02
        )
        loss = decay**2 / 2 * (rested @ rested) / (1 + tangent**2) ** 2
        assert seen["loss", ""][0] == pytest.approx(loss, rel=0.05)
