"""Runs of MLPs as a whole: ends, grids, batches, initial draws, and what cannot be run."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from feedback_alignment.engines.arrays import arrays_for
from feedback_alignment.mlp import draw_feedback, draw_mlp
from feedback_alignment.rules import DFA, FA, USF
from feedback_alignment.simulate.batches import BatchOrder
from feedback_alignment.simulate.mlp import MLPSettings, Samples, simulate_mlp
from feedback_alignment.streams import generator
from feedback_alignment.engines.torch_arrays import TorchArrays

SEED = 7
X = np.random.default_rng(0).standard_normal((20, 8))
SAMPLES = Samples(X, np.eye(4)[X[:, :4].argmax(axis=1)])
SETTINGS = MLPSettings(rule="fa", width=9, depth=2, batch_size=5, dtype="float64", steps=60)
UNSTABLE = {"activation": "linear", "eta": 0.4}


@pytest.mark.parametrize("batch_size", [0, 5])
def test_divergence_is_found_at_its_step_whatever_is_recorded(batch_size):
    settings = replace(SETTINGS, batch_size=batch_size, **UNSTABLE)
    runs = [
        simulate_mlp(replace(settings, **grid), SAMPLES, SAMPLES, SEED, range(6))
        for grid in ({"linear_points": 1}, {"linear_points": 60}, {"engine": "autograd"})
    ]
    assert "diverged" in runs[0].status
    for run in runs:
        assert np.array_equal(run.end_step, runs[0].end_step)
        assert np.array_equal(run.status, runs[0].status)
        for lane, end in enumerate(run.end_step):
            lived = (run.steps < end) | (run.status[lane] == "ok")
            for value in run.values.values():
                assert np.array_equal(np.isfinite(value[lane]), lived)


def test_full_batch_divergence_is_that_of_the_recorded_error():
    settings = replace(SETTINGS, batch_size=0, linear_points=60, **UNSTABLE)
    run = simulate_mlp(settings, SAMPLES, None, SEED, range(6))
    error = run.values["error_norm", ""]
    for lane in np.flatnonzero(run.status == "diverged"):
        lived = error[lane, : run.end_step[lane]]
        assert (lived <= 1e6 * error[lane, 0]).all()
        assert lived[-1] > 10 * error[lane, 0]


def test_settled_runs_repeat_their_last_values():
    settle = {"settle_window": 50, "settle_floor": 0.2, "eta": 0.2, "steps": 400}
    run = simulate_mlp(replace(SETTINGS, **settle), SAMPLES, None, SEED, [0, 1])
    assert (run.status == "settled").all()
    for lane, end in enumerate(run.end_step):
        assert end % 50 == 0
        later = run.values["error_norm", ""][lane, run.steps >= end]
        assert (later == later[0]).all()
        assert later[0] < 0.2 * run.values["error_norm", ""][lane, 0]


def test_training_lowers_the_loss_and_raises_the_accuracy():
    settings = replace(SETTINGS, eta=0.1, steps=400, init_scale=0.5)
    for loss in ("half_mean", "cross_entropy"):
        run = simulate_mlp(replace(settings, loss=loss), SAMPLES, SAMPLES, SEED, range(4))
        losses, right = run.values["loss", ""], run.values["accuracy", ""]
        assert (losses[:, -1] < 0.5 * losses[:, 0]).all()
        assert right[:, -1].mean() > 0.9


def test_epochs_are_shuffles_cut_into_whole_batches():
    order = BatchOrder(20, 6, SEED, [3, 4])
    batches = np.stack([order.draw() for _ in range(6)])
    assert batches.shape == (6, 2, 6)
    for lane, replicate in enumerate([3, 4]):
        stream = generator(SEED, replicate, "batches")
        for epoch in range(2):
            expected = stream.permutation(20)[:18].reshape(3, 6)
            assert np.array_equal(batches[3 * epoch : 3 * epoch + 3, lane], expected)
    order.keep(np.array([False, True]))
    assert order.draw().shape == (1, 6)


def test_order_of_batches_is_the_same_for_all_rules_and_sizes_of_networks(monkeypatch):
    drawn = []
    draw = BatchOrder.draw

    def recorded_draw(self):
        drawn[-1].append(draw(self).copy())
        return drawn[-1][-1]

    monkeypatch.setattr(BatchOrder, "draw", recorded_draw)
    for changes in ({}, {"rule": "dfa", "width": 30}, {"l2": 0.1, "schedule": "constant"}):
        drawn.append([])
        simulate_mlp(replace(SETTINGS, **changes), SAMPLES, None, SEED, [2])
    assert np.array_equal(drawn[0], drawn[1])
    assert np.array_equal(drawn[0], drawn[2])


def test_initial_weights_have_their_scale_and_nest_in_depth():
    shallow, deep = (draw_mlp(SEED, 0, (50, *[400] * d, 30), 0.3, True) for d in (1, 3))
    assert np.array_equal(shallow.weights[0], deep.weights[0])
    assert np.array_equal(shallow.weights[-1], deep.weights[-1])
    for W in deep.weights:
        assert W.std() * np.sqrt(W.shape[1]) == pytest.approx(0.3, rel=0.03)
    assert not any(c.any() for c in deep.biases)
    assert draw_mlp(SEED, 0, (5, 4, 3), 1.0, False).biases == ()


@pytest.mark.parametrize("distribution", ["gaussian", "uniform", "sign"])
@pytest.mark.parametrize("rule", [FA, DFA, USF], ids=lambda rule: rule.name)
def test_feedback_has_its_shape_scale_and_distribution(rule, distribution):
    sizes = (50, 400, 300, 200)
    drawn = draw_feedback(generator(SEED, 0, "feedback"), sizes, rule, 2.0, distribution)
    above = (200, 200) if rule is DFA else (300, 200)
    assert [B.shape for B in drawn] == [(above[0], 400), (above[1], 300)]
    for B in drawn:
        unit = B * np.sqrt(B.shape[1]) / 2.0
        assert unit.std() == pytest.approx(1.0, rel=0.02)
        if distribution == "sign" or rule is USF:
            np.testing.assert_allclose(np.abs(unit), 1.0, rtol=1e-12)
        elif distribution == "uniform":
            assert np.abs(unit).max() == pytest.approx(np.sqrt(3), rel=1e-3)
        else:
            assert np.abs(unit).max() > 3.5


def test_last_hidden_layer_hears_the_same_at_every_depth():
    shallow, deep = (
        draw_feedback(generator(SEED, 0, "feedback"), (5, *[4] * d, 3), rule, 1.0, "gaussian")
        for d, rule in ((1, FA), (3, DFA))
    )
    assert np.array_equal(shallow[0], deep[-1])


def test_a_missing_gpu_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"device: cuda is not available.*allowed: cpu"):
        simulate_mlp(replace(SETTINGS, device="cuda"), SAMPLES, None, SEED, [0])
    with pytest.raises(ValueError, match="unknown device 'tpu'; allowed: cpu, cuda"):
        arrays_for("tpu", "float32")
    assert not TorchArrays("float32", "cpu").stacks


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 21}, "batch_size: 21; allowed: up to 20"),
        ({"metric_samples": 21}, "metric_samples: 21; allowed: up to 20"),
        ({"rule": "magic"}, "unknown rule 'magic'; allowed: bp, fa, dfa"),
        ({"activation": "rleu"}, "'rleu'.*linear, relu"),
        ({"loss": "mse"}, "'mse'.*half_mean"),
        ({"schedule": "often"}, "'often'.*none, constant, cutoff"),
        ({"feedback_distribution": "cauchy"}, "'cauchy'.*gaussian, uniform, sign"),
        ({"rule": "drtp", "spectrum": True}, "spectrum: rule 'drtp' has no operator K"),
    ],
)
def test_what_cannot_be_run(changes, message):
    with pytest.raises(ValueError, match=message):
        simulate_mlp(replace(SETTINGS, **changes), SAMPLES, None, SEED, [0])


def test_samples_that_do_not_fit():
    with pytest.raises(ValueError, match=r"inputs \(20, 8\) and targets \(19, 4\) do not fit"):
        Samples(X, SAMPLES.targets[:19])
    three = Samples(np.stack([X] * 3), np.stack([SAMPLES.targets] * 3))
    with pytest.raises(ValueError, match="training: samples of 3 replicates; allowed: 2"):
        simulate_mlp(SETTINGS, three, None, SEED, [0, 1])
    with pytest.raises(ValueError, match="held_out: samples of 3 replicates; allowed: 2"):
        simulate_mlp(SETTINGS, SAMPLES, three, SEED, [0, 1])
    many = Samples(np.ones((2000, 8)), np.ones((2000, 4)))
    with pytest.raises(ValueError, match=r"spectrum: 8000 errors .* allowed: 4000"):
        simulate_mlp(replace(SETTINGS, spectrum=True), many, None, SEED, [0])
