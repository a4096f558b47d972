"""Replicates of a block of MLPs do not change a bit of one another, however they end."""

import numpy as np
import pytest
from small_runs import changed, deep, drawn, setup_on, simulate_on, song

from feedback_alignment.engines import minibatch, preactivation
from feedback_alignment.engines.minibatch import MinibatchEngine
from feedback_alignment.engines.torch_arrays import TorchArrays
from feedback_alignment.simulate import simulate
from feedback_alignment.streams import Streams
from feedback_alignment.training.batches import Samples
from feedback_alignment.training.loop import drive

SEED, REPLICATES = 3, [0, 1, 2, 3, 4]
SPLITS = [[[0], [1], [2], [3], [4]], [[0, 1], [2, 3, 4]], [[4, 3, 2, 1, 0]]]
# Odd sizes, so that lanes begin anywhere in a register or a cache line.
BASE = deep(
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
    {"activation": "relu", "rule": "dfa", "loss_function": "cross_entropy"},
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


def by_replicate(settings, split, run=simulate_on):
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
    settings = changed(BASE, dtype=dtype, **changes)
    whole = by_replicate(settings, [REPLICATES])
    if settings.loss_function == "half_mean" and settings.batch_size:
        ends = {replicate: status for replicate, (_, status, _) in whole.items()}
        assert ends == {replicate: "diverged" if replicate == 2 else "ok" for replicate in ends}
    for split in SPLITS:
        assert by_replicate(settings, split) == whole
    for size in (1, 20_000):
        monkeypatch.setattr(minibatch, "_GROUP_BYTES", size)
        assert by_replicate(settings, [REPLICATES]) == whole


def test_lanes_of_torch_arrays_repeat_in_a_block_of_the_same_size():
    def by_torch(settings, training, held_out, seed, replicates):
        setup, arrays = setup_on(settings, training), TorchArrays(settings.dtype, "cpu")
        engine = MinibatchEngine(setup, training, held_out, Streams(seed), replicates, arrays)
        return drive(engine, len(replicates), setup.grid, setup.decay, setup.settling, setup.wanted)

    for dtype in ("float32", "float64"):
        settings = changed(BASE, dtype=dtype)
        for split in SPLITS:
            once, again = (by_replicate(settings, split, by_torch) for _ in range(2))
            assert once == again


def test_shared_samples_give_what_samples_of_each_replicate_give():
    own = draw_samples([0, 0, 0])
    shared = Samples(own.inputs[0], own.targets[0])
    for batch_size in (0, 7):
        settings = changed(BASE, batch_size=batch_size)
        recordings = [simulate_on(settings, s, s, SEED, [0, 1, 2]) for s in (own, shared)]
        for metric, values in recordings[0].values.items():
            assert np.array_equal(values, recordings[1].values[metric])


def test_replicates_differ():
    recording = simulate_on(BASE, draw_samples([0, 0]), None, SEED, [0, 1])
    assert (recording.values["loss", ""][0] != recording.values["loss", ""][1]).all()


# The networks of Song 2021: all engines, and ends of all three kinds.

SONG_SEED = 11
SONG_SPLITS = [
    [[0], [1], [2], [3], [4]],
    [[0, 1], [2, 3, 4]],
    [[4, 3, 2, 1, 0]],
    [[2], [0, 4], [1, 3]],
]
# Found by trial: with these, replicates end in all three ways.
ENDS = {
    "linear": {"eta": 1.5e-3, "settle_floor": 3e-2},
    "relu": {"eta": 4e-3, "settle_floor": 1e-2},
    "softplus": {"eta": 4e-3, "settle_floor": 2e-2},
    "tanh": {"eta": 0.1, "settle_floor": 0.06},
    "erf": {"eta": 0.1, "settle_floor": 0.06},
}


def uneven(inputs, targets, activation, dtype):
    """The data, changed so that replicate 2 diverges and others settle at different times."""
    inputs = inputs * np.array([1.0, 2.0, 40.0, 1.5, 1.0])[:, None, None]
    if activation in ("tanh", "erf"):
        huge = 1e30 if dtype == "float32" else 1e200
        targets = targets * np.array([1.0, 1.0, huge, 1.0, 1.0])[:, None]
    return inputs, targets


def recordings_by_replicate(case, split):
    """(values as bytes, status, end) of each replicate, when a block is simulated in parts."""
    data = drawn(case, REPLICATES, SONG_SEED)
    inputs, targets = uneven(data["inputs"], data["targets"], case.activation, case.dtype)
    found = {}
    for part in split:
        recording = simulate(
            case, {"inputs": inputs[part], "targets": targets[part]}, part, seed=SONG_SEED
        )
        for lane, replicate in enumerate(part):
            values = {m: value[lane].tobytes() for m, value in recording.values.items()}
            found[replicate] = values, str(recording.status[lane]), int(recording.end_step[lane])
    return found


SONG_CASES = [
    pytest.param({"activation": name, "dtype": dtype, "tile": tile}, id=f"{name}-{dtype}-{tile}")
    for name in ("relu", "tanh", "erf", "softplus")
    for dtype, tile in (("float64", 32_000), ("float64", 700), ("float64", 100), ("float32", 700))
]
SONG_CASES += [
    pytest.param(
        {"activation": "linear", "engine": "linear", "rule": rule, "weights": weights},
        id=f"{rule}-{weights}",
    )
    for rule in ("bp", "fa")
    for weights in ("explicit", "wishart")
]
SONG_CASES += [
    pytest.param({"activation": "relu", "engine": "autograd", "kernels": False}, id="autograd"),
    pytest.param({"activation": "relu", "engine": "minibatch"}, id="minibatch"),
]


@pytest.mark.parametrize("changes", SONG_CASES)
def test_a_block_of_song_gives_the_bytes_of_its_replicates(monkeypatch, changes):
    changes = dict(changes)
    monkeypatch.setattr(preactivation, "_TILE_SIZE", changes.pop("tile", 32_000))
    settings = {"steps": 300, "l2": 0.1, "schedule": "constant", "width": 33, "kernels": True}
    settings |= {"settle_window": 40, "settle_tolerance": 1e-4} | ENDS[changes["activation"]]
    case = song(**settings | changes)
    whole = recordings_by_replicate(case, [REPLICATES])
    assert {status for _, status, _ in whole.values()} == {"unsettled", "settled", "diverged"}
    for split in SONG_SPLITS:
        assert recordings_by_replicate(case, split) == whole
