"""Activation kernels against torch and its autograd."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from feedback_alignment.networks.activations import ACTIVATIONS, activation_named

POINTS = np.concatenate([np.linspace(-30.0, 30.0, 4001), np.geomspace(1e-12, 1.0, 50)])


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 4e-15), ("float32", 2e-6)])
def test_values_and_slopes_match_autograd(name, dtype, tolerance):
    psi = ACTIVATIONS[name]
    H = POINTS.astype(dtype)
    tensor = torch.tensor(H, requires_grad=True)
    expected = psi.tensor(tensor)
    expected.sum().backward()
    A, slope = np.empty_like(H), np.empty_like(H)
    psi.apply(H, A)
    psi.slope(H, A, slope)
    np.testing.assert_allclose(A, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(slope, tensor.grad.numpy(), rtol=tolerance, atol=tolerance)
    assert np.array_equal(H, POINTS.astype(dtype))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_are_the_values_derivatives(name):
    psi = ACTIVATIONS[name]
    H = np.linspace(-4.0, 4.0, 400)
    step = 1e-6
    above, below, A, slope = (np.empty_like(H) for _ in range(4))
    psi.apply(H + step, above)
    psi.apply(H - step, below)
    psi.apply(H, A)
    psi.slope(H, A, slope)
    np.testing.assert_allclose(slope, (above - below) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_far_arguments_stay_finite(name):
    psi = ACTIVATIONS[name]
    H = np.array([-1e5, -800.0, 800.0, 1e5])
    A, slope = np.empty_like(H), np.empty_like(H)
    psi.apply(H, A)
    psi.slope(H, A, slope)
    limit = {"linear": H, "relu": np.maximum(H, 0), "softplus": np.maximum(H, 0)}
    limit["sigmoid"] = np.heaviside(H, 0.5)
    assert np.array_equal(A, limit.get(name, np.sign(H)))
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_not_a_number_is_passed_on(name):
    H = np.array([np.nan, 1.0])
    A = np.empty_like(H)
    ACTIVATIONS[name].apply(H, A)
    assert np.isnan(A[0])
    assert np.isfinite(A[1])


def test_unknown_name_lists_the_allowed_ones():
    with pytest.raises(ValueError, match=r"'rleu'.*linear, relu, tanh, erf, sigmoid, softplus"):
        activation_named("rleu")


def test_importing_the_core_does_not_import_heavy_packages():
    heavy = ("torch", "pandas", "scipy", "sklearn", "seaborn", "matplotlib")
    script = (
        "import sys, feedback_alignment.simulate, feedback_alignment.data.synthetic\n"
        f"sys.exit(', '.join(set({heavy}) & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
