"""The closed forms of docs/findings.md against the simulation."""

import numpy as np
import pytest
from scipy.optimize import brentq

from feedback_alignment.data.synthetic import teacher_student
from feedback_alignment.engines.gram import expected_gram, wishart_gram
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


def with_gram(data, gram, root=WIDTH**0.5):
    _, targets, powers, modes = data
    return LINEAR_ENGINES["fa"](gram[None], powers[None], (modes.T @ targets)[None], root, ETA)


def engine(data):
    gram = wishart_gram(data[2], STREAMS, 0, WIDTH)
    return with_gram(data, gram), gram * WIDTH


def tangent_at(slow, rho=0.0, narrow=0.0):
    """tan(phi), sin(phi) the cosine of beta and b, with the terms of first order if given."""

    def excess(t):
        return (1 + rho) * t + t**3 / 3 + narrow / 2 * np.log(1 + t**2) - slow

    return brentq(excess, 0, slow)


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


def test_in_mean_field_targets_alone_decide_the_alignment(data):
    kernel, targets, powers, modes = data
    small = 1e-3 * targets
    machine = with_gram((kernel, small, powers, modes), expected_gram(powers), 1.0)
    machine.advance(4000, 0.0)
    learnt = small @ np.linalg.solve(kernel, small)
    # Of the order of the step, as above.
    learnt -= small @ np.linalg.solve(2 * kernel - ETA * kernel @ kernel, small)
    assert machine.observe(SEEN)["weight_alignment", "output"][0] == pytest.approx(learnt, rel=1e-3)


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
        tangent = tangent_at(slow)
        seen = machine.observe(SEEN)
        assert seen["weight_alignment", "output"][0] == pytest.approx(
            tangent / (1 + tangent**2) ** 0.5, rel=0.02
        )
        loss = decay**2 / 2 * (rested @ rested) / (1 + tangent**2) ** 2
        assert seen["loss", ""][0] == pytest.approx(loss, rel=0.05)


@pytest.mark.parametrize(("width", "decay"), [(10**6, 0.25), (10**6, 1.0), (10**4, 0.25)])
def test_the_law_has_the_first_order_terms_of_decay_and_width(data, width, decay):
    kernel, targets, powers, _ = data
    rested = np.linalg.solve(kernel, targets)
    q = targets @ rested
    rho, narrow = decay * (rested @ rested) / q, (q / width) ** 0.5
    machine = with_gram(data, expected_gram(powers), width**0.5)
    done = 0
    for slow in (0.4, 0.6415, 1.5):
        step = round(slow / (narrow * ETA * decay))
        machine.advance(step - done, decay)
        done = step
        cosine = machine.observe(SEEN)["weight_alignment", "output"][0]
        tangent = cosine / (1 - cosine**2) ** 0.5
        # What is left is of second order, and without these terms it would not be.
        second = 1.5 * (rho + narrow) ** 2
        assert tangent == pytest.approx(tangent_at(slow, rho, narrow), rel=second)
        assert tangent != pytest.approx(tangent_at(slow), rel=2 * second)
