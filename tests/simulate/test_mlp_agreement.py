"""The minibatch engine computes the same science as autograd on plain networks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from feedback_alignment.rules import RULES
from feedback_alignment.simulate.driver import drive
from feedback_alignment.engines.minibatch import MinibatchEngine
from feedback_alignment.simulate.mlp import MLPSettings, Samples, build_mlp_engine
from feedback_alignment.simulate.stopping import Settling
from feedback_alignment.engines.torch_arrays import TorchArrays

torch.set_num_threads(1)

SEED = 5
ACTIVATIONS = ("linear", "relu", "tanh", "erf")
LOSSES = ("half_mean", "cross_entropy")
SMALL = MLPSettings(
    rule="fa",
    width=5,
    depth=2,
    eta=0.01,
    steps=100,
    batch_size=4,
    null_alignment=True,
    descent=True,
    linear_points=2,
    dtype="float64",
)


def draw_samples(size=13, seed=0, replicates=None):
    """Inputs with one-hot targets that a network can learn."""
    lead = () if replicates is None else (replicates,)
    x = np.random.default_rng(seed).standard_normal((*lead, size, 6))
    return Samples(x, np.eye(3)[x[..., :3].argmax(axis=-1)])


TRAINING, HELD_OUT = draw_samples(), draw_samples(9, seed=1)


def run(settings, replicates, training=TRAINING, kind=build_mlp_engine):
    """What an engine records, and the networks before and after."""
    engine = kind(settings, training, HELD_OUT, SEED, replicates)
    before = engine.networks()
    grid, decay, never = settings.grid(), settings.decay(), Settling(0.0, 0, 0.0)
    recording = drive(engine, len(replicates), grid, decay, never, settings.spectrum, None)
    return recording, before, engine.networks()


def assert_agreement(settings, replicates=(0, 3), training=TRAINING, kind=build_mlp_engine):
    """All metrics at all recorded steps and the final parameters, to 1e-10."""
    ours, before, after = run(settings, replicates, training, kind)
    theirs, _, expected_after = run(replace(settings, engine="autograd"), replicates, training)
    assert ours.values.keys() == theirs.values.keys()
    assert (ours.status == "ok").all()
    for metric, expected in theirs.values.items():
        actual = ours.values[metric]
        np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-11, err_msg=metric)
    for first, network, expected in zip(before, after, expected_after, strict=True):
        for part in ("weights", "biases", "feedback"):
            pairs = zip(getattr(network, part), getattr(expected, part), strict=True)
            for x, y in pairs:
                np.testing.assert_allclose(x, y, rtol=1e-10, atol=1e-12)
        for W, W0 in zip(network.weights, first.weights, strict=True):
            assert np.linalg.norm(W - W0) > 1e-3 * np.linalg.norm(W0)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "plain"])
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_matches_autograd(rule, activation, loss, depth, bias):
    changes = {"rule": rule, "activation": activation, "loss": loss, "depth": depth, "bias": bias}
    assert_agreement(replace(SMALL, **changes), replicates=[3])


DECAY = {"l2": 2.0, "schedule": "constant"}


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 0},
        {"batch_size": 13},
        {"parametrisation": "ntk", "eta": 0.1, "init_scale": 0.7},
        {"feedback_distribution": "uniform", "feedback_scale": 2.0},
        {"feedback_distribution": "sign", "rule": "dfa"},
        {"metric_samples": 7},
        {"activation": "softplus"},
        {**DECAY},
        {**DECAY, "decay_layers": "all"},
        {**DECAY, "decay_layers": "all", "rule": "kp"},
        {**DECAY, "decay_layers": "all", "schedule": "cutoff", "cutoff_step": 51},
        {"switch_step": 40, "switch_rule": "dfa"},
        {"rule": "bp", "switch_step": 40, "switch_rule": "usf"},
        {"rule": "kp", "switch_step": 40, "switch_rule": "bp"},
        {"perturb_step": 40, "perturb_size": 0.1, "tie_step": 40, "tie_angle": 30.0},
        {"tie_step": 0, "tie_angle": 60.0, "tie_every": 7, "rule": "dfa", "depth": 3},
        {"redraw_step": 40, "redraw_every": 13},
        {"rule": "kp", "redraw_step": 9, "redraw_every": 1},
        {"freeze_step": 40},
        {"freeze_step": 40, "rule": "kp", **DECAY, "decay_layers": "all"},
        {"spectrum": True, "eigenvalues": True, "perturb_step": 40, "perturb_size": 0.1},
        {"spectrum": True, "rule": "dfa", "bias": False, "depth": 3},
        {"spectrum": True, "loss": "cross_entropy", "parametrisation": "ntk"},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_every_setting_matches_autograd(changes):
    assert_agreement(replace(SMALL, **changes))


@pytest.mark.parametrize("batch_size", [0, 4])
def test_each_replicate_may_have_samples_of_its_own(batch_size):
    settings = replace(SMALL, batch_size=batch_size)
    assert_agreement(settings, training=draw_samples(replicates=2))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", [*ACTIVATIONS, "softplus"])
@pytest.mark.parametrize("batch_size", [0, 4])
def test_torch_arrays_match_autograd(activation, loss, batch_size):
    def by_torch(settings, *rest):
        if settings.engine == "autograd":
            return build_mlp_engine(settings, *rest)
        return MinibatchEngine(settings, *rest, TorchArrays(settings.dtype, "cpu"))

    settings = replace(SMALL, activation=activation, loss=loss, batch_size=batch_size, steps=30)
    changes = {"perturb_step": 20, "perturb_size": 0.1, **DECAY}
    assert_agreement(replace(settings, **changes), kind=by_torch)


def test_single_precision_follows_double():
    double, single = (run(replace(SMALL, dtype=dtype), [0])[0] for dtype in ("float64", "float32"))
    for metric, expected in double.values.items():
        np.testing.assert_allclose(single.values[metric], expected, rtol=2e-4, atol=2e-5)
    assert not np.array_equal(single.values["loss"], double.values["loss"])
