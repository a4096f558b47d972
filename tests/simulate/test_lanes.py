"""Replicates of a block do not change a bit of one another, however they end."""

import numpy as np
import pytest

from feedback_alignment.simulate import preactivation, simulate

SEED = 11
REPLICATES = [0, 1, 2, 3, 4]
SPLITS = [[[0], [1], [2], [3], [4]], [[0, 1], [2, 3, 4]], [[4, 3, 2, 1, 0]], [[2], [0, 4], [1, 3]]]
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


def recordings_by_replicate(case, data, split):
    """(values as bytes, status, end) of each replicate, when a block is simulated in parts."""
    inputs, targets = uneven(*data(case, REPLICATES), case.activation, case.dtype)
    found = {}
    for part in split:
        recording = simulate(case, inputs[part], targets[part], SEED, part)
        for lane, replicate in enumerate(part):
            values = {m: value[lane].tobytes() for m, value in recording.values.items()}
            found[replicate] = values, str(recording.status[lane]), int(recording.end_step[lane])
    return found


CASES = [
    pytest.param({"activation": name, "dtype": dtype, "tile": tile}, id=f"{name}-{dtype}-{tile}")
    for name in ("relu", "tanh", "erf", "softplus")
    for dtype, tile in (("float64", 32_000), ("float64", 700), ("float64", 100), ("float32", 700))
]
CASES += [
    pytest.param(
        {"activation": "linear", "engine": "linear", "rule": rule, "weights": weights},
        id=f"{rule}-{weights}",
    )
    for rule in ("bp", "fa")
    for weights in ("explicit", "wishart")
]
CASES += [
    pytest.param({"activation": "relu", "engine": "autograd", "kernels": False}, id="autograd")
]


@pytest.mark.parametrize("changes", CASES)
def test_a_block_gives_the_bytes_of_its_replicates(condition, data, monkeypatch, changes):
    changes = dict(changes)
    monkeypatch.setattr(preactivation, "_TILE_SIZE", changes.pop("tile", 32_000))
    settings = {"steps": 300, "l2": 0.1, "schedule": "constant", "width": 33, "kernels": True}
    settings |= {"settle_window": 40, "settle_tolerance": 1e-4} | ENDS[changes["activation"]]
    case = condition(**settings | changes)
    whole = recordings_by_replicate(case, data, [REPLICATES])
    assert {status for _, status, _ in whole.values()} == {"ok", "settled", "diverged"}
    for split in SPLITS:
        assert recordings_by_replicate(case, data, split) == whole
