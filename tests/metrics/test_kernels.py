"""Kernels against finite differences, Monte Carlo, quadrature, and the theorem they serve."""

import numpy as np
import pytest
from small_runs import song

from feedback_alignment.engines.preactivation import PreactivationEngine
from feedback_alignment.metrics import kernels
from feedback_alignment.networks.activations import ACTIVATIONS
from feedback_alignment.networks.parameters import Shallow
from feedback_alignment.rules import RULES, rule_named
from feedback_alignment.training.setup import set_up

SMOOTH = ["linear", "tanh", "erf", "softplus"]


def values(activation, points):
    out = np.empty_like(points)
    ACTIVATIONS[activation].apply(points, out)
    return out


def engine_at(rng, rule, activation, width, eta, samples=5, dimension=12):
    """An engine, its inputs and its network."""
    X, y = rng.standard_normal((samples, dimension)), rng.standard_normal(samples)
    shapes = (width, dimension), (width,), (width,)
    network = Shallow(*(rng.standard_normal(shape) for shape in shapes))
    case = song(rule=rule, activation=activation, eta=eta, samples=len(X), width=width)
    setup = set_up(case, dimension, 1)
    return PreactivationEngine(setup, X[None], y[None], [network]), X, y, network


def kernels_of(network, X, rule, activation):
    H = network.hidden @ X.T
    A, slopes = values(activation, H), np.empty_like(H)
    ACTIVATIONS[activation].slope(H, A, slopes)
    v = rule_named(rule).backward_weights(network.output, network.feedback)
    return (
        kernels.output_kernel(A),
        kernels.hidden_kernel(slopes, network.output, v, X @ X.T),
        A.T @ network.output / np.sqrt(network.output.size),
    )


@pytest.mark.parametrize("rule", [name for name, rule in RULES.items() if rule.plain])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_kernels_move_the_errors_to_first_order(rule, activation):
    leftover = []
    for eta in (1e-5, 1e-6):
        rng = np.random.default_rng(3)
        engine, X, y, network = engine_at(rng, rule, activation, 40, eta)
        G, H, outputs = kernels_of(network, X, rule, activation)
        errors = outputs - y
        engine.advance(1, 0.0)
        beta, preactivations = engine.state()
        after = values(activation, preactivations[0]).T @ beta[0] / np.sqrt(40) - y
        predicted = errors - eta * (G + H) @ errors
        leftover.append(np.linalg.norm(after - predicted) / np.linalg.norm(after - errors))
    # What is left over is of second order: it falls with eta.
    assert leftover[0] < 1e-2
    assert leftover[1] == pytest.approx(leftover[0] / 10, rel=0.1)


def test_the_hidden_kernel_by_its_sum():
    rng = np.random.default_rng(0)
    slopes, X = rng.standard_normal((6, 3)), rng.standard_normal((3, 4))
    beta, v = rng.standard_normal((2, 6))
    expected = [
        [
            X[i] @ X[j] / 6 * sum(beta[r] * v[r] * slopes[r, i] * slopes[r, j] for r in range(6))
            for j in range(3)
        ]
        for i in range(3)
    ]
    actual = kernels.hidden_kernel(slopes, beta, v, X @ X.T)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)
    assert np.linalg.eigvalsh(kernels.hidden_kernel(slopes, beta, beta, X @ X.T))[0] > -1e-12


def test_kernel_metrics_are_eigenvalues():
    G, H = np.diag([3.0, 1.0, 2.0]), np.diag([-5.0, 4.0, 0.5])
    expected = {"lambda_min_G": 1.0, "H_spectral_norm": 5.0, "lambda_min_GH": -2.0}
    assert kernels.kernel_metrics(G, H) == pytest.approx(expected)
    lost = kernels.kernel_metrics(G, np.full((3, 3), np.inf))
    assert lost.keys() == expected.keys()
    assert np.isnan(list(lost.values())).all()


def plane_quadrature(gram, activation):
    """E[psi(u) psi(v)] of two normal variables by the trapezoidal rule in the plane."""
    s, t = np.sqrt(np.diag(gram))
    correlation = gram[0, 1] / (s * t)
    # Exponentially accurate for functions analytic around the real line.
    z, spacing = np.linspace(-8.5, 8.5, 2001, retstep=True)
    weights = np.exp(-0.5 * z**2) * spacing / np.sqrt(2 * np.pi)
    right = values(activation, t * (correlation * z[:, None] + np.sqrt(1 - correlation**2) * z))
    return (weights * values(activation, s * z)) @ (right @ weights)


# Wide, narrow and uneven spreads; independent, opposite, and nearly equal variables.
GRAMS = {
    "independent": [[150.0, 0.0], [0.0, 150.0]],
    "as drawn": [[140.0, -13.0], [-13.0, 170.0]],
    "uneven": [[200.0, 2.0], [2.0, 0.04]],
    "narrow": [[0.3, 0.1], [0.1, 0.5]],
    "opposite": [[4.0, -3.9], [-3.9, 4.0]],
    "nearly equal": [[9.0, 8.95], [8.95, 9.0]],
}


@pytest.mark.parametrize("gram", GRAMS.values(), ids=GRAMS)
@pytest.mark.parametrize("activation", SMOOTH)
def test_the_series_matches_quadrature_in_the_plane(activation, gram):
    gram = np.array(gram)
    series = kernels.series_kernel(gram, ACTIVATIONS[activation])
    expected = plane_quadrature(gram, activation)
    assert series[0, 1] == pytest.approx(expected, abs=1e-9 * series.max())
    assert series[1, 0] == series[0, 1]


@pytest.mark.parametrize("dimension", [2, 15, 150])
@pytest.mark.parametrize("activation", ["linear", "erf"])
def test_closed_forms_match_the_series(activation, dimension):
    X = np.random.default_rng(0).standard_normal((7, dimension))
    closed = kernels.expected_output_kernel(X, ACTIVATIONS[activation])
    series = kernels.series_kernel(X @ X.T, ACTIVATIONS[activation])
    np.testing.assert_allclose(series, closed, rtol=0, atol=1e-9 * closed.max())


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_expected_kernel_is_the_mean_over_random_weights(activation):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((6, 10))
    units, batches = 20_000, 20
    means = []
    for _ in range(batches):
        A = values(activation, rng.standard_normal((units, 10)) @ X.T)
        means.append(kernels.output_kernel(A))
    mean, error = np.mean(means, axis=0), np.std(means, axis=0, ddof=1) / np.sqrt(batches)
    expected = kernels.expected_output_kernel(X, ACTIVATIONS[activation])
    assert (np.abs(expected - mean) < 5 * error).all()
    assert (error < 0.01 * expected.max()).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_expected_kernel_of_repeated_inputs_is_degenerate(activation):
    X = np.random.default_rng(0).standard_normal((3, 10))[[0, 1, 2, 0]]
    kernel = kernels.expected_output_kernel(X, ACTIVATIONS[activation])
    np.testing.assert_allclose(kernel[0], kernel[3], rtol=1e-7)
    np.testing.assert_allclose(kernel, kernel.T, rtol=1e-14)
    assert np.linalg.eigvalsh(kernel)[0] == pytest.approx(0.0, abs=1e-6 * kernel.max())


# relu's arc-cosine kernel at angles where it is known.
@pytest.mark.parametrize(
    ("angle", "expected"), [(0.0, 0.5), (np.pi / 2, 1 / (2 * np.pi)), (np.pi, 0)]
)
def test_the_relu_kernel_at_known_angles(angle, expected):
    X = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    kernel = kernels.expected_output_kernel(X, ACTIVATIONS["relu"])
    assert kernel[0, 1] == pytest.approx(expected, abs=1e-9)
    assert kernel[0, 0] == pytest.approx(0.5)


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh"])
def test_errors_fall_at_least_as_fast_as_the_theorem_says(activation):
    # Song 2021: for wide networks ||e(t+1)|| <= (1 - eta gamma / 4) ||e(t)|| under FA.
    eta = 2e-3
    rng = np.random.default_rng(0)
    engine, X, _, _ = engine_at(rng, "fa", activation, 4000, eta, samples=4, dimension=30)
    gamma = np.linalg.eigvalsh(kernels.expected_output_kernel(X, ACTIVATIONS[activation]))[0]
    norms = engine.advance(400, 0.0)[:, 0]
    assert gamma > 0.1
    assert (norms[1:] <= (1 - eta * gamma / 4) * norms[:-1]).all()


def test_kernels_concentrate_with_width():
    X = np.random.default_rng(0).standard_normal((5, 12))
    expected = kernels.expected_output_kernel(X, ACTIVATIONS["tanh"])
    distance, hidden = [], []
    for width in (100, 400, 1600):
        norms = []
        for replicate in range(30):
            rng = np.random.default_rng([width, replicate])
            shapes = (width, 12), (width,), (width,)
            network = Shallow(*(rng.standard_normal(shape) for shape in shapes))
            G, H, _ = kernels_of(network, X, "fa", "tanh")
            norms.append([np.linalg.norm(G - expected, 2), np.linalg.norm(H, 2)])
        for series, value in zip((distance, hidden), np.mean(norms, axis=0), strict=True):
            series.append(value)
    # Both fall as p^(-1/2): by a half for each fourfold width.
    np.testing.assert_allclose(np.divide(distance[1:], distance[:-1]), 0.5, atol=0.12)
    np.testing.assert_allclose(np.divide(hidden[1:], hidden[:-1]), 0.5, atol=0.12)
