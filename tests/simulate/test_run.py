"""A condition of either kind of network, from its data to a recording and back from a file."""

import json
from pathlib import Path

import numpy as np
import pytest

from feedback_alignment.archive import read_arrays, write_arrays
from feedback_alignment.arrays import DeviceError
from feedback_alignment.config import parse_config
from feedback_alignment.data.draw import draw, loader
from feedback_alignment.simulate import simulate
from feedback_alignment.simulate.mlp import Samples, simulate_mlp
from feedback_alignment.simulate.recording import Recording
from feedback_alignment.simulate.run import run

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "workflow/schemas/config.schema.json").read_text())
DEEP = {"parametrisation": "standard", "loss_function": "half_mean"}


def made(seed=5, replicates=(0, 3), device="cpu", **settings):
    """A condition with its data."""
    entry = {"settings": {"width": 6, "steps": 20} | settings, "include": [{}]}
    content = {"name": "t", "device": device, "experiments": {"e": entry}}
    config = parse_config(content, SCHEMA, {})
    condition = config.experiments[0].conditions[0]
    drawn = None if config.sources[condition.data].shared else replicates
    load = loader(condition.data, None, {})
    return condition, draw(condition.dataset(), seed, drawn, load)


def assert_same(one, other):
    assert one.values.keys() == other.values.keys()
    for key, values in one.values.items():
        np.testing.assert_array_equal(values, other.values[key])
    np.testing.assert_array_equal(one.steps, other.steps)
    assert one.status.tolist() == other.status.tolist()


def test_a_two_layer_network_is_simulated_as_such():
    condition, arrays = made()
    expected = simulate(condition, arrays["inputs"], arrays["targets"], 5, (0, 3))
    assert_same(run(condition, arrays, 5, (0, 3)), expected)


@pytest.mark.parametrize("data", ["digits", "digits_in_order"])
def test_a_deep_network_is_judged_by_the_held_out_part(data):
    condition, arrays = made(**DEEP, data=data, samples=30, batch_size=10, rule="dfa")
    parts = (Samples(arrays[f"inputs{x}"], arrays[f"targets{x}"]) for x in ("", "_test"))
    expected = simulate_mlp(condition.mlp_settings(), *parts, 5, (0, 3))
    found = run(condition, arrays, 5, (0, 3))
    assert_same(found, expected)
    assert ("accuracy", "") in found.values


def test_a_regression_has_one_output_and_no_accuracy():
    condition, arrays = made(**DEEP, depth=2, samples=9, dimension=4)
    found = run(condition, arrays, 5, (0, 3))
    assert ("accuracy", "") not in found.values
    loss = 0.5 * np.mean(arrays["targets"] ** 2, axis=1)
    assert found.values["loss", ""].shape == (2, found.steps.size)
    assert (found.values["loss", ""][:, 0] != loss).all()


def test_a_recording_comes_back_from_its_file(tmp_path):
    for settings in ({}, DEEP):
        found = run(*made(**settings), 5, (0, 3))
        write_arrays(tmp_path / "run.npz", found.arrays(), {"step": "train"})
        assert_same(Recording.of_arrays(read_arrays(tmp_path / "run.npz")[0]), found)


def test_a_missing_gpu_is_named():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    condition, arrays = made(**DEEP, device="cuda")
    with pytest.raises(DeviceError, match="device: cuda is not available, torch finds no GPU"):
        run(condition, arrays, 5, (0, 3))
