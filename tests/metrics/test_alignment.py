"""Alignments and magnitudes against their definitions, spelled out."""

import numpy as np
import pytest

from feedback_alignment.metrics import alignment, magnitude

WIDTH, SAMPLES, DIMENSION = 9, 5, 7


def cosine(x, y):
    return np.sum(x * y) / np.linalg.norm(x) / np.linalg.norm(y)


@pytest.fixture
def state():
    """beta, b, e, psi'(H), X."""
    rng = np.random.default_rng(0)
    shapes = (WIDTH,), (WIDTH,), (SAMPLES,), (WIDTH, SAMPLES), (SAMPLES, DIMENSION)
    return [rng.standard_normal(shape) for shape in shapes]


def test_weight_alignment(state):
    beta, b, *_ = state
    assert alignment.weight_alignment(beta, b) == pytest.approx(cosine(beta, b), rel=1e-13)


def test_signal_alignment(state):
    beta, b, errors, slopes, _ = state
    signals = [np.outer(v, errors) * slopes for v in (beta, b)]
    actual = alignment.signal_alignment(beta, b, errors, slopes)
    assert actual == pytest.approx(cosine(*signals), rel=1e-13)


def test_gradient_alignment(state):
    beta, b, errors, slopes, X = state
    gradients = [(np.outer(v, errors) * slopes) @ X for v in (beta, b)]
    actual = alignment.gradient_alignment(beta, b, errors, slopes, X @ X.T)
    assert actual == pytest.approx(cosine(*gradients), rel=1e-12)


def test_alignments_of_linear_networks_coincide(state):
    beta, b, errors, slopes, X = state
    ones = np.ones_like(slopes)
    expected = alignment.weight_alignment(beta, b)
    assert alignment.signal_alignment(beta, b, errors, ones) == pytest.approx(expected, rel=1e-12)
    gradient = alignment.gradient_alignment(beta, b, errors, ones, X @ X.T)
    assert gradient == pytest.approx(expected, rel=1e-12)


def test_alignments_do_not_depend_on_scale(state):
    beta, b, errors, slopes, X = state
    measures = [
        lambda beta, b: alignment.weight_alignment(beta, b),
        lambda beta, b: alignment.signal_alignment(beta, b, errors, slopes),
        lambda beta, b: alignment.gradient_alignment(beta, b, errors, slopes, X @ X.T),
    ]
    for measure in measures:
        assert measure(3 * beta, 0.1 * b) == pytest.approx(measure(beta, b), rel=1e-12)
        assert measure(-beta, b) == pytest.approx(-measure(beta, b), rel=1e-12)
        assert measure(beta, beta) == pytest.approx(1.0, rel=1e-12)


def test_alignment_without_a_direction_is_not_a_number(state):
    beta, b, errors, slopes, _ = state
    assert np.isnan(alignment.weight_alignment(0 * beta, b))
    assert np.isnan(alignment.signal_alignment(beta, b, 0 * errors, slopes))


def test_magnitudes(state):
    beta, _, errors, slopes, _ = state
    assert magnitude.loss(errors) == pytest.approx(0.5 * sum(e * e for e in errors))
    assert magnitude.error_norm(errors) == pytest.approx(np.linalg.norm(errors))
    assert magnitude.beta_norm(beta) == pytest.approx(np.linalg.norm(beta) / np.sqrt(WIDTH))
    expected = np.linalg.norm(slopes) / np.sqrt(WIDTH * SAMPLES)
    assert magnitude.hidden_norm(slopes) == pytest.approx(expected)


def test_magnitudes_of_stacks_are_those_of_each():
    errors = np.random.default_rng(1).standard_normal((3, 4, SAMPLES))
    for measure in (magnitude.loss, magnitude.error_norm, magnitude.beta_norm):
        expected = [[measure(row) for row in rows] for rows in errors]
        assert np.array_equal(measure(errors), expected)
