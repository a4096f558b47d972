"""Torch and numpy compute the same courses: on this processor, and on a GPU where there is one."""

import numpy as np
import pytest
import torch
from small_runs import deep, drawn, setup_on, song

from feedback_alignment.engines.minibatch import MinibatchEngine
from feedback_alignment.engines.preactivation import PreactivationEngine
from feedback_alignment.engines.torch_arrays import TorchArrays
from feedback_alignment.networks.parameters import draw_shallow
from feedback_alignment.rules import RULES
from feedback_alignment.streams import Streams
from feedback_alignment.training.batches import Samples
from feedback_alignment.training.loop import drive

RNG = np.random.default_rng(0)
INPUTS = RNG.standard_normal((60, 12))
SAMPLES = Samples(INPUTS, np.eye(4)[INPUTS[:, :4].argmax(axis=1)])
# Relative to each metric's largest value in the course; see docs/protocol.md.
TOLERANCES = {"float64": 1e-9, "float32": 2e-3}
DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU"),
    ),
]


def course(settings, arrays):
    """Every metric over a run, by metric and layer."""
    setup = setup_on(settings, SAMPLES)
    engine = MinibatchEngine(setup, SAMPLES, SAMPLES, Streams(3, 16, 60), [0, 2], arrays)
    return drive(engine, 2, setup.grid, setup.decay, setup.settling, setup.wanted)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("batch_size", [0, 20])
@pytest.mark.parametrize("rule", RULES)
def test_torch_agrees_with_numpy(rule, batch_size, dtype, device):
    settings = deep(
        rule=rule, width=16, depth=2, steps=60, batch_size=batch_size, dtype=dtype, linear_points=6,
        l2=0.01, schedule="constant", decay_layers="all", perturb_step=30, perturb_size=0.01,
        null_alignment=True, descent=True, loss_function="cross_entropy",
    )  # fmt: skip
    agree(course(settings, None), course(settings, TorchArrays(dtype, device)), dtype)


def shallow_course(settings, arrays):
    """Every metric over a run of a network with one hidden layer."""
    data = drawn(settings, range(3), 5)
    samples = Samples(data["inputs"], data["targets"][..., None])
    setup, streams = setup_on(settings, samples), Streams(5, settings.width, settings.samples)
    networks = [draw_shallow(streams, r, settings.width, settings.dimension) for r in range(3)]
    engine = PreactivationEngine(setup, data["inputs"], data["targets"], networks, arrays)
    return drive(engine, 3, setup.grid, setup.decay, setup.settling, setup.wanted)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("parametrisation", ["song", "mean_field"])
@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "sigmoid", "erf", "softplus"])
@pytest.mark.parametrize("rule", ["bp", "fa"])
def test_torch_agrees_with_numpy_on_shallow_networks(
    rule, activation, parametrisation, dtype, device
):
    settings = song(
        rule=rule, activation=activation, parametrisation=parametrisation, dtype=dtype,
        data="teacher_student", width=40, steps=100, eta=0.01, l2=0.02, schedule="constant",
        kernels=True,
    )  # fmt: skip
    found = shallow_course(settings, TorchArrays(dtype, device))
    agree(shallow_course(settings, None), found, dtype)
    again = shallow_course(settings, TorchArrays(dtype, device))
    assert all(np.array_equal(found.values[key], again.values[key]) for key in found.values)


@pytest.mark.parametrize("device", DEVICES)
def test_a_decay_that_ends_is_followed(device):
    settings = song(
        activation="tanh", data="teacher_student", width=40, steps=100, eta=0.05, l2=0.5,
        schedule="cutoff", cutoff_step=50,
    )  # fmt: skip
    agree(
        shallow_course(settings, None),
        shallow_course(settings, TorchArrays("float64", device)),
        "float64",
    )


@pytest.mark.parametrize("device", DEVICES)
def test_lanes_that_settle_leave_the_others_on_their_course(device):
    settings = song(
        activation="relu", data="teacher_student", steps=4000, eta=0.05, settle_window=20,
        settle_floor=3e-3, linear_points=0,
    )  # fmt: skip
    expected = shallow_course(settings, None)
    assert len(set(expected.end_step)) == 3
    found = shallow_course(settings, TorchArrays("float64", device))
    assert found.end_step.tolist() == expected.end_step.tolist()
    agree(expected, found, "float64")


def agree(expected, found, dtype):
    """Assert that two courses are the same within the type's tolerance."""
    assert found.values.keys() == expected.values.keys()
    for key, values in expected.values.items():
        scale = np.nanmax(np.abs(values), initial=1e-300)
        np.testing.assert_allclose(
            found.values[key] / scale, values / scale, rtol=0, atol=TOLERANCES[dtype], err_msg=key
        )
    assert found.status.tolist() == expected.status.tolist()
    assert "diverged" not in found.status
