"""All engines compute the same science: every fast engine against autograd on explicit weights."""

import numpy as np
import pytest

from feedback_alignment.networks.activations import ACTIVATIONS
from feedback_alignment.networks import draw_two_layer
from feedback_alignment.training.decay import decay_named
from feedback_alignment.rules import TWO_LAYER_RULES
from feedback_alignment.simulate import build_engine, preactivation, simulate
from feedback_alignment.engines.linear import LINEAR_ENGINES

SEED, REPLICATES = 11, [0, 3]
SCHEDULES = [("none", 0.0, None), ("constant", 2.0, None), ("cutoff", 2.0, 130)]
COSINES = ("weight_alignment", "signal_alignment", "gradient_alignment")
SERVED = [("preactivation", activation) for activation in ACTIVATIONS] + [("linear", "linear")]


def assert_close(actual, expected, absolute):
    """Agreement to 1e-10 of the value; what passes through zero may differ by `absolute`."""
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=absolute)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=[name for name, *_ in SCHEDULES])
@pytest.mark.parametrize("rule", TWO_LAYER_RULES)
@pytest.mark.parametrize(("engine", "activation"), SERVED)
def test_recorded_metrics_match_the_reference(condition, run, engine, activation, rule, schedule):
    name, l2, cutoff_step = schedule
    settings = {"schedule": name, "l2": l2, "cutoff_step": cutoff_step, "rule": rule}
    settings |= {"activation": activation, "kernels": True}
    fast, slow = (
        run(condition(engine=kind, **settings), REPLICATES) for kind in (engine, "autograd")
    )
    assert np.array_equal(fast.steps, slow.steps)
    assert fast.values.keys() == slow.values.keys()
    assert (fast.status == "ok").all()
    assert (fast.end_step == 300).all()
    moved = slow.values["loss"][:, 0] / slow.values["loss"][:, -1]
    assert (moved > 1.5).all()
    kernel_scale = 1 + np.nanmax(np.abs(slow.values["H_spectral_norm"]))
    for metric, expected in slow.values.items():
        scale = 1.0 if metric in COSINES else kernel_scale if "lambda" in metric else 0.0
        assert_close(fast.values[metric], expected, 1e-11 * scale)


def trained(condition, inputs, targets):
    """The engine of a condition at the condition's last step."""
    engine = build_engine(condition, inputs, targets, SEED, REPLICATES)
    decay = decay_named(condition.schedule, condition.l2, condition.cutoff_step)
    for step in range(condition.steps):
        engine.advance(1, decay.decay_at(step))
    return engine


@pytest.mark.parametrize("schedule", SCHEDULES, ids=[name for name, *_ in SCHEDULES])
@pytest.mark.parametrize("rule", TWO_LAYER_RULES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_weights_match_the_reference(condition, data, monkeypatch, activation, rule, schedule):
    name, l2, cutoff_step = schedule
    settings = {"schedule": name, "l2": l2, "cutoff_step": cutoff_step, "rule": rule, "width": 31}
    case = condition(activation=activation, **settings)
    inputs, targets = data(case, REPLICATES)
    slow = trained(condition(**{**case.settings(), "engine": "autograd"}), inputs, targets).state()
    # The smaller sizes cut a lane into tiles, the last of them smaller than the others.
    for tile_size in (preactivation._TILE_SIZE, 150, 60):
        monkeypatch.setattr(preactivation, "_TILE_SIZE", tile_size)
        fast = trained(case, inputs, targets).state()
        for actual, expected in zip(fast, slow, strict=True):
            assert actual.shape == expected.shape
            assert_close(actual, expected, 1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=[name for name, *_ in SCHEDULES])
@pytest.mark.parametrize("rule", LINEAR_ENGINES)
@pytest.mark.parametrize("width", [3, 30])
def test_linear_coordinates_give_the_weights_of_the_reference(
    condition, data, width, rule, schedule
):
    name, l2, cutoff_step = schedule
    settings = {"schedule": name, "l2": l2, "cutoff_step": cutoff_step, "rule": rule}
    settings |= {"activation": "linear", "width": width}
    case = condition(engine="linear", **settings)
    inputs, targets = data(case, REPLICATES)
    w, P = trained(case, inputs, targets).coordinates()
    beta, H = trained(condition(engine="autograd", **settings), inputs, targets).state()
    for lane, replicate in enumerate(REPLICATES):
        network = draw_two_layer(SEED, replicate, width, case.dimension)
        _, modes = np.linalg.eigh(inputs[lane] @ inputs[lane].T)
        basis = np.column_stack(
            [network.hidden @ inputs[lane].T @ modes, network.output, network.feedback]
        )
        assert_close(basis @ w[lane], beta[lane], 1e-11)
        assert_close(basis @ P[lane] @ modes.T, H[lane], 1e-11)


@pytest.mark.parametrize("activation", ["relu", "tanh", "erf", "softplus"])
def test_single_precision_follows_double(condition, run, activation):
    single, double = (
        run(condition(dtype=dtype, activation=activation), REPLICATES)
        for dtype in ("float32", "float64")
    )
    for metric, expected in double.values.items():
        np.testing.assert_allclose(single.values[metric], expected, rtol=2e-3, atol=2e-4)
    assert not np.array_equal(single.values["loss"], double.values["loss"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engine": "linear"}, "linear serves activation linear, not tanh"),
        ({"engine": "linear", "activation": "linear", "dtype": "float32"}, "float64, not float32"),
        ({"weights": "wishart"}, "wishart need engine linear, not preactivation"),
        ({"weights": "wishart", "engine": "autograd"}, "need engine linear, not autograd"),
        ({"engine": "linear", "activation": "linear", "weights": "x"}, '"x".*explicit, wishart'),
        ({"engine": "fast"}, '"fast".*linear, preactivation, minibatch, autograd'),
        ({"rule": "magic"}, "'magic'.*bp, fa"),
        ({"activation": "rleu"}, "'rleu'.*linear, relu"),
        ({"depth": 2}, "depth 1, not 2"),
        ({"schedule": "often"}, '"often".*constant, cutoff, none'),
        ({"samples": 9}, r"\(2, 9, 15\)"),
    ],
)
def test_what_no_engine_serves(condition, changes, message):
    inputs, targets = np.ones((2, 8, 15)), np.ones((2, 8))
    with pytest.raises(ValueError, match=message):
        simulate(condition(**changes), inputs, targets, SEED, REPLICATES)
