"""Runs of MLPs as a whole: ends, grids, batches, initial draws, and what cannot be run."""

import numpy as np
import pytest
import torch
from small_runs import changed, deep, simulate_on

from feedback_alignment.engines.arrays import arrays_for
from feedback_alignment.streams import Streams
from feedback_alignment.training.batches import BatchOrder, Samples

SEED = 7
X = np.random.default_rng(0).standard_normal((20, 8))
SAMPLES = Samples(X, np.eye(4)[X[:, :4].argmax(axis=1)])
SETTINGS = deep(rule="fa", width=9, depth=2, batch_size=5, dtype="float64", steps=60)
UNSTABLE = {"activation": "linear", "eta": 0.4}


@pytest.mark.parametrize("batch_size", [0, 5])
def test_divergence_is_found_at_its_step_whatever_is_recorded(batch_size):
    settings = changed(SETTINGS, batch_size=batch_size, **UNSTABLE)
    runs = [
        simulate_on(changed(settings, **grid), SAMPLES, SAMPLES, SEED, range(6))
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
    settings = changed(SETTINGS, batch_size=0, linear_points=60, **UNSTABLE)
    run = simulate_on(settings, SAMPLES, None, SEED, range(6))
    error = run.values["error_norm", ""]
    for lane in np.flatnonzero(run.status == "diverged"):
        lived = error[lane, : run.end_step[lane]]
        assert (lived <= 1e6 * error[lane, 0]).all()
        assert lived[-1] > 10 * error[lane, 0]


def test_settled_runs_repeat_their_last_values():
    settle = {"settle_window": 50, "settle_floor": 0.2, "eta": 0.2, "steps": 400}
    run = simulate_on(changed(SETTINGS, **settle), SAMPLES, None, SEED, [0, 1])
    assert (run.status == "settled").all()
    for lane, end in enumerate(run.end_step):
        assert end % 50 == 0
        later = run.values["error_norm", ""][lane, run.steps >= end]
        assert (later == later[0]).all()
        assert later[0] < 0.2 * run.values["error_norm", ""][lane, 0]


def test_training_lowers_the_loss_and_raises_the_accuracy():
    settings = changed(SETTINGS, eta=0.1, steps=400, init_scale=0.5)
    for loss in ("half_mean", "cross_entropy"):
        run = simulate_on(changed(settings, loss_function=loss), SAMPLES, SAMPLES, SEED, range(4))
        losses, right = run.values["loss", ""], run.values["accuracy", ""]
        assert (losses[:, -1] < 0.5 * losses[:, 0]).all()
        assert right[:, -1].mean() > 0.9


def test_epochs_are_shuffles_cut_into_whole_batches():
    order = BatchOrder(20, 6, Streams(SEED), [3, 4])
    batches = np.stack([order.draw() for _ in range(6)])
    assert batches.shape == (6, 2, 6)
    for lane, replicate in enumerate([3, 4]):
        stream = Streams(SEED).generator(replicate, "batches")
        for epoch in range(2):
            expected = stream.permutation(20)[:18].reshape(3, 6)
            assert np.array_equal(batches[3 * epoch : 3 * epoch + 3, lane], expected)
    order.keep(np.array([False, True]))
    assert order.draw().shape == (1, 6)


def test_order_of_batches_is_the_same_for_all_rules_decays_and_depths(monkeypatch):
    drawn = []
    draw = BatchOrder.draw

    def recorded_draw(self):
        drawn[-1].append(draw(self).copy())
        return drawn[-1][-1]

    monkeypatch.setattr(BatchOrder, "draw", recorded_draw)
    for changes in ({}, {"rule": "dfa", "depth": 3}, {"l2": 0.1, "schedule": "constant"}):
        drawn.append([])
        simulate_on(changed(SETTINGS, **changes), SAMPLES, None, SEED, [2])
    assert np.array_equal(drawn[0], drawn[1])
    assert np.array_equal(drawn[0], drawn[2])


def test_a_missing_gpu_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"device: cuda is not available.*allowed: cpu"):
        simulate_on(changed(SETTINGS, device="cuda"), SAMPLES, None, SEED, [0])
    with pytest.raises(ValueError, match="unknown device 'tpu'; allowed: cpu, cuda"):
        arrays_for("tpu", "float32")


def test_samples_that_do_not_fit():
    with pytest.raises(ValueError, match=r"inputs \(20, 8\) and targets \(19, 4\) do not fit"):
        Samples(X, SAMPLES.targets[:19])
    three = Samples(np.stack([X] * 3), np.stack([SAMPLES.targets] * 3))
    with pytest.raises(ValueError, match="training: samples of 3 replicates; allowed: 2"):
        simulate_on(SETTINGS, three, None, SEED, [0, 1])
    with pytest.raises(ValueError, match="held_out: samples of 3 replicates; allowed: 2"):
        simulate_on(SETTINGS, SAMPLES, three, SEED, [0, 1])
    many = Samples(np.ones((2000, 8)), np.ones((2000, 4)))
    with pytest.raises(ValueError, match=r"spectrum: 8000 errors .* allowed: 4000"):
        simulate_on(changed(SETTINGS, spectrum=True), many, None, SEED, [0])
