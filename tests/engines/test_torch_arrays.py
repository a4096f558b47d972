"""Torch and numpy compute the same courses: on this processor, and on a GPU where there is one."""

import numpy as np
import pytest
import torch
from small_runs import deep, setup_on

from feedback_alignment.engines.minibatch import MinibatchEngine
from feedback_alignment.engines.torch_arrays import TorchArrays
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
@pytest.mark.parametrize("rule", RULES)
def test_torch_agrees_with_numpy(rule, dtype, device):
    settings = deep(
        rule=rule, width=16, depth=2, steps=60, batch_size=20, dtype=dtype, linear_points=6,
        l2=0.01, schedule="constant", decay_layers="all", perturb_step=30, perturb_size=0.01,
        null_alignment=True, descent=True, loss_function="cross_entropy",
    )  # fmt: skip
    expected = course(settings, None)
    found = course(settings, TorchArrays(dtype, device))
    assert found.values.keys() == expected.values.keys()
    for key, values in expected.values.items():
        scale = np.nanmax(np.abs(values), initial=1e-300)
        np.testing.assert_allclose(
            found.values[key] / scale, values / scale, rtol=0, atol=TOLERANCES[dtype], err_msg=key
        )
    assert found.status.tolist() == expected.status.tolist() == ["ok", "ok"]
