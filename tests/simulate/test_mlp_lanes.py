"""Replicates of a block of MLPs do not change a bit of one another, however they end."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from feedback_alignment.simulate import minibatch
from feedback_alignment.simulate.driver import drive
from feedback_alignment.engines.minibatch import MinibatchEngine
from feedback_alignment.simulate.mlp import MLPSettings, Samples, simulate_mlp
from feedback_alignment.simulate.stopping import Settling
from feedback_alignment.engines.torch_arrays import TorchArrays

torch.set_num_threads(1)

SEED, REPLICATES = 3, [0, 1, 2, 3, 4]
SPLITS = [[[0], [1], [2], [3], [4]], [[0, 1], [2, 3, 4]], [[4, 3, 2, 1, 0]]]
# Odd sizes, so that lanes begin anywhere in a register or a cache line.
BASE = MLPSettings(
    rule="fa",
    width=19,
    depth=2,
    eta=0.1,
    steps=90,
    batch_size=7,
    null_alignment=True,
    perturb_step=33,
    perturb_size=0.01,
    redraw_step=50,
)
WIDE = {"width": 65, "eta": 0.2, "depth": 1}
CASES = [
    {"activation": "tanh", **WIDE},
    {"activation": "relu", "rule": "dfa", "loss": "cross_entropy"},
    {"activation": "erf", "rule": "kp", "l2": 0.1, "schedule": "constant", **WIDE},
    {"activation": "softplus", "rule": "usf", "bias": False, "eta": 0.03},
    {"activation": "tanh", "rule": "drtp", "batch_size": 0, "width": 33},
    {"activation": "linear", "rule": "bp", "eta": 0.03, "spectrum": True},
]


def draw_samples(replicates):
    """Samples of each replicate; those of replicate 2 are so large that it diverges."""
    scale = np.array([1.0, 1.3, 30.0, 0.7, 1.0])[replicates, None, None]
    x = np.random.default_rng(0).standard_normal((5, 23, 11))[replicates]
    return Samples(x * scale, scale * np.eye(3)[x[..., :3].argmax(axis=-1)])


def by_replicate(settings, split, run=simulate_mlp):
    """(values as bytes, status, end) of each replicate, when a block is simulated in parts."""
    found = {}
    for part in split:
        samples = draw_samples(part)
        recording = run(settings, samples, samples, SEED, part)
        for lane, replicate in enumerate(part):
            values = {m: value[lane].tobytes() for m, value in recording.values.items()}
            found[replicate] = values, str(recording.status[lane]), int(recording.end_step[lane])
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("changes", CASES, ids=lambda changes: "-".join(map(str, changes.values())))
def test_a_block_gives_the_bytes_of_each_replicate_alone(changes, dtype, monkeypatch):
    settings = replace(BASE, dtype=dtype, **changes)
    whole = by_replicate(settings, [REPLICATES])
    if settings.loss == "half_mean" and settings.batch_size:
        ends = {replicate: status for replicate, (_, status, _) in whole.items()}
        assert ends == {replicate: "diverged" if replicate == 2 else "ok" for replicate in ends}
    for split in SPLITS:
        assert by_replicate(settings, split) == whole
    for size in (1, 20_000):
        monkeypatch.setattr(minibatch, "_GROUP_BYTES", size)
        assert by_replicate(settings, [REPLICATES]) == whole


def test_lanes_of_torch_arrays_are_independent_too():
    def by_torch(settings, training, held_out, seed, replicates):
        arrays = TorchArrays(settings.dtype, "cpu")
        engine = MinibatchEngine(settings, training, held_out, seed, replicates, arrays)
        never = Settling(0.0, 0, 0.0)
        grid, decay = settings.grid(), settings.decay()
        return drive(engine, len(replicates), grid, decay, never, False, None)

    for dtype in ("float32", "float64"):
        settings = replace(BASE, dtype=dtype)
        whole = by_replicate(settings, [REPLICATES], by_torch)
        for split in SPLITS:
            assert by_replicate(settings, split, by_torch) == whole


def test_shared_samples_give_what_samples_of_each_replicate_give():
    own = draw_samples([0, 0, 0])
    shared = Samples(own.inputs[0], own.targets[0])
    for batch_size in (0, 7):
        settings = replace(BASE, batch_size=batch_size)
        recordings = [simulate_mlp(settings, s, s, SEED, [0, 1, 2]) for s in (own, shared)]
        for metric, values in recordings[0].values.items():
            assert np.array_equal(values, recordings[1].values[metric])


def test_replicates_differ():
    recording = simulate_mlp(BASE, draw_samples([0, 0]), None, SEED, [0, 1])
    assert (recording.values["loss", ""][0] != recording.values["loss", ""][1]).all()
