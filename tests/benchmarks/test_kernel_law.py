"""The kernels and the law of benchmarks/kernel_law.py, against closed forms and the engines."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from small_runs import drawn, song

from feedback_alignment.networks.activations import ACTIVATIONS
from feedback_alignment.simulate import simulate

_SPEC = importlib.util.spec_from_file_location(
    "kernel_law", Path(__file__).parents[2] / "benchmarks/kernel_law.py"
)
kernel_law = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(kernel_law)
ALIGNMENT = kernel_law.ALIGNMENT


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_the_slope_kernel_is_the_mean_over_random_weights(activation, scale):
    rng, psi = np.random.default_rng(0), ACTIVATIONS[activation]
    X = scale * rng.standard_normal((6, 10))
    means = []
    for _ in range(20):
        H = rng.standard_normal((20_000, 10)) @ X.T
        A, S = np.empty_like(H), np.empty_like(H)
        psi.apply(H, A)
        psi.slope(H, A, S)
        means.append(S.T @ S / len(S))
    mean, error = np.mean(means, axis=0), np.std(means, axis=0, ddof=1) / np.sqrt(20)
    kernel = kernel_law.slope_kernel(X @ X.T, psi)
    assert (np.abs(kernel - mean) <= 5 * error + 1e-12).all()


def test_the_slope_kernel_of_erf_is_a_gaussian_integral():
    # E[exp(-u^2 - v^2)] = det(1 + 2 C)^(-1/2) for normal u, v of covariance C.
    X = np.random.default_rng(0).standard_normal((5, 30))
    gram = X @ X.T
    size = 1 + 2 * np.diag(gram)
    exact = 4 / np.pi / np.sqrt(np.outer(size, size) - 4 * gram**2)
    found = kernel_law.slope_kernel(gram, ACTIVATIONS["erf"])
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-9 * exact.max())


def test_for_linear_networks_it_is_their_law():
    wide = {"activation": "linear", "engine": "linear", "law": True, "schedule": "constant"}
    case = song(**wide, samples=20, dimension=60, width=400, eta=2e-3, l2=1.0, steps=700)
    data = drawn(case, [0, 1], 3)
    recorded = simulate(case, data, [0, 1], seed=3).values["law_alignment", "output"]
    law = kernel_law.law_of(*data.values(), ACTIVATIONS["linear"], 400, 2e-3)
    law.advance(700, 1.0)
    found = law.observe({"weight_alignment"})[ALIGNMENT]
    np.testing.assert_allclose(found, recorded[:, -1], rtol=1e-9)


def test_frozen_slopes_change_nothing_in_a_network_that_hardly_moves():
    # As wide networks do until they have moved: here for as long as 1/10 takes.
    net = kernel_law.NETWORKS[1]
    data = kernel_law.draw(net, 4000, 10, 2)
    times = [way(net, data, 4000, 0.1, 150) for way in (kernel_law.measured, kernel_law.frozen)]
    np.testing.assert_allclose(times[0][:, 0], times[1][:, 0], rtol=0.03)


@pytest.mark.parametrize("change", [0.01, 0.03])
def test_units_that_turn_off_take_what_a_unit_loses_in_the_mean(change):
    # One unit by quadrature: h0 > 0 and b normal, it moves by b delta, but not below 0.
    b, h = np.linspace(-7, 7, 1401), np.arange(0.0005, 7, 0.001)
    density = np.outer(np.exp(-(b**2) / 2), np.exp(-(h**2) / 2)) * 0.01 * 0.001 / (2 * np.pi)
    learnt = (density * b[:, None] * np.maximum(b[:, None] * change, -h)).sum()
    assert 1 - learnt / (change / 2) == pytest.approx(change / np.pi, rel=0.02)


@pytest.mark.parametrize(("chi", "w"), [(1e-6, 0), (0, 1e-6)])
def test_the_first_orders_solve_the_slowed_course(chi, w):
    frozen = np.linspace(0.0, 1.0, 200_001)
    u = frozen - (2 / np.pi) ** 1.5 * chi * frozen**2
    middle = (u[1:] + u[:-1]) / 2
    time = np.append(0.0, np.cumsum(1 + (1 + w) * middle**2) * frozen[1])
    at = np.tan(np.arcsin(kernel_law.COSINES))
    added = np.interp(at, u / np.sqrt(1 + w * u**2), time) / (at + at**3 / 3) - 1
    np.testing.assert_allclose(kernel_law.late(chi, w), added, rtol=1e-3)


def test_the_scatter_of_relu_units_is_that_of_a_coin():
    # psi' is 0 or 1: a unit's variance over its squared mean is 1, for each of n samples.
    alpha, chi, w = kernel_law.early(kernel_law.NETWORKS[0], 25)
    assert 1 / 25 < w < 2 * 3 / 25
    assert alpha > 1
    assert chi < 1
