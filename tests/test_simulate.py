"""What the public entry records."""

import numpy as np
import pytest

from feedback_alignment.networks.activations import ACTIVATIONS
from feedback_alignment.metrics.kernels import expected_output_kernel
from feedback_alignment.simulate import simulate

SEED = 11
ALWAYS = {
    "loss",
    "error_norm",
    "weight_alignment",
    "signal_alignment",
    "gradient_alignment",
    "beta_norm",
    "hidden_norm",
}
WITH_KERNELS = {"lambda_min_G", "H_spectral_norm", "lambda_min_GH", "lambda_min_EG"}


@pytest.mark.parametrize(
    ("engine", "activation"),
    [("linear", "linear"), ("preactivation", "relu"), ("preactivation", "softplus")],
)
def test_kernels_are_recorded_when_asked_for(condition, data, run, engine, activation):
    settings = {"engine": engine, "activation": activation, "steps": 20}
    without = run(condition(**settings), [0, 1])
    assert without.values.keys() == ALWAYS
    case = condition(kernels=True, **settings)
    recording = run(case, [0, 1])
    assert recording.values.keys() == ALWAYS | WITH_KERNELS
    for metric in ALWAYS:
        assert np.array_equal(recording.values[metric], without.values[metric])
    inputs, _ = data(case, [0, 1])
    expected = [
        np.linalg.eigvalsh(expected_output_kernel(x, ACTIVATIONS[activation]))[0] for x in inputs
    ]
    # A quantity of the initial network: recorded at step 0 only.
    np.testing.assert_allclose(recording.values["lambda_min_EG"][:, 0], expected, rtol=1e-13)
    assert np.isnan(recording.values["lambda_min_EG"][:, 1:]).all()


@pytest.mark.parametrize("engine", ["linear", "preactivation", "autograd"])
def test_a_condition_without_steps_is_observed_once(condition, run, engine):
    recording = run(condition(engine=engine, activation="linear", steps=0, kernels=True), [4, 5])
    assert recording.steps.tolist() == [0]
    assert recording.status.tolist() == ["ok", "ok"]
    assert recording.end_step.tolist() == [0, 0]
    assert all(np.isfinite(value).all() for value in recording.values.values())


def test_arrays_have_the_stated_shapes_and_types(condition, run):
    recording = run(condition(), [3, 1, 4])
    count = recording.steps.size
    assert recording.steps.dtype == np.int64
    assert recording.end_step.dtype == np.int64
    assert recording.end_step.shape == recording.status.shape == (3,)
    for value in recording.values.values():
        assert value.shape == (3, count)
        assert value.dtype == np.float64


def test_a_run_repeats(condition, run):
    first, second = (run(condition(), [0, 1]) for _ in range(2))
    for metric, value in first.values.items():
        assert value.tobytes() == second.values[metric].tobytes()


def test_replicates_and_seeds_differ(condition, data, run):
    case = condition()
    one, two = run(case, [0, 1]).values["loss"]
    other = simulate(case, *data(case, [0]), SEED + 1, [0]).values["loss"][0]
    assert not np.allclose(one, two, rtol=1e-3)
    assert not np.allclose(one, other, rtol=1e-3)


def test_progress_counts_to_the_last_step(condition, data):
    case, told = condition(), []
    simulate(case, *data(case, [0]), SEED, [0], told.append)
    assert told == sorted(told)
    assert told[-1] == case.steps


def test_the_two_layers_start_in_the_stated_scaling(condition, run):
    recording = run(condition(width=4000, steps=0, activation="linear", engine="linear"), [0, 1])
    assert recording.values["beta_norm"][:, 0] == pytest.approx(1.0, rel=0.05)
    assert recording.values["hidden_norm"][:, 0] == pytest.approx(np.sqrt(15), rel=0.3)
    assert np.abs(recording.values["weight_alignment"]).max() < 5 / np.sqrt(4000)
