"""The one way to run: what it records of which condition, and at what cost."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small_runs
from small_runs import changed, data_of, deep, drawn, simulate_on, song

from feedback_alignment import engines
from feedback_alignment.archive import read_arrays, write_arrays
from feedback_alignment.config import parse_config
from feedback_alignment.data.draw import draw, loader
from feedback_alignment.engines.arrays import DeviceError
from feedback_alignment.metrics import kernels, observe, stability
from feedback_alignment.metrics.kernels import expected_output_kernel
from feedback_alignment.metrics.recorded import recorded
from feedback_alignment.networks.activations import ACTIVATIONS
from feedback_alignment.simulate import Recording, simulate
from feedback_alignment.training.batches import Samples

SEED = 11
X = np.random.default_rng(0).standard_normal((12, 8))
SAMPLES = Samples(X, np.eye(3)[X[:, :3].argmax(axis=1)])
SHALLOW = {
    ("loss", ""),
    ("error_norm", ""),
    ("weight_alignment", "output"),
    ("signal_alignment", "hidden"),
    ("gradient_alignment", "hidden"),
    ("beta_norm", "output"),
    ("hidden_norm", "hidden"),
}
KERNELS = {
    (name, "") for name in ("lambda_min_G", "H_spectral_norm", "lambda_min_GH", "lambda_min_EG")
}
DEEP = {
    *((name, "") for name in ("loss", "error_norm", "accuracy")),
    *((name, "") for name in ("bp_gradient_norm", "rule_gradient_norm")),
    *(("weight_alignment", layer) for layer in ("2", "output", "all")),
    *(("signal_alignment", layer) for layer in ("1", "2", "hidden")),
    *(("gradient_alignment", layer) for layer in ("1", "2", "hidden")),
}


def run(condition, replicates):
    return simulate(condition, drawn(condition, replicates, SEED), replicates, seed=SEED)


@pytest.mark.parametrize(
    ("engine", "activation"),
    [
        ("linear", "linear"),
        ("preactivation", "relu"),
        ("preactivation", "softplus"),
        ("minibatch", "tanh"),
        ("autograd", "tanh"),
    ],
)
def test_kernels_are_recorded_when_asked_for(engine, activation):
    settings = {"engine": engine, "activation": activation, "steps": 20}
    without = run(song(**settings), [0, 1])
    assert without.values.keys() == SHALLOW
    case = song(kernels=True, **settings)
    recording = run(case, [0, 1])
    assert recording.values.keys() == SHALLOW | KERNELS
    for metric in SHALLOW:
        assert np.array_equal(recording.values[metric], without.values[metric])
    expected = [
        np.linalg.eigvalsh(expected_output_kernel(x, ACTIVATIONS[activation]))[0]
        for x in drawn(case, [0, 1], SEED)["inputs"]
    ]
    # A quantity of the initial network: recorded at step 0 only.
    least = recording.values["lambda_min_EG", ""]
    np.testing.assert_allclose(least[:, 0], expected, rtol=1e-13)
    assert np.isnan(least[:, 1:]).all()


@pytest.mark.parametrize("engine", ["minibatch", "autograd"])
def test_deep_networks_record_by_layer(engine):
    case = deep(engine=engine, width=5, depth=2, steps=2)
    assert simulate_on(case, SAMPLES, SAMPLES, SEED, [0]).values.keys() == DEEP
    shallow = changed(case, depth=1, parametrisation="song", bias=False)
    found = simulate_on(shallow, SAMPLES, SAMPLES, SEED, [0]).values.keys()
    assert found == {key for key in DEEP if key[1] != "2"}


def test_what_is_recorded_follows_from_the_condition_alone():
    for engine in engines.ENGINES:
        assert recorded(song(engine=engine)) == {name for name, _ in SHALLOW}
    more = recorded(deep(null_alignment=True, descent=True, spectrum=True, eigenvalues=True))
    assert more == {
        *(name for name, _ in DEEP),
        *("null_gradient_alignment", "descent", "descent_share", "K_real", "K_imag"),
        *("stability_ratio", "K_min_real", "K_max_real", "K_max_imag"),
        *("null_stability_ratio", "null_K_min_real", "null_K_max_real", "null_K_max_imag"),
    }


@pytest.fixture
def calls(monkeypatch):
    """Counts the calls of what costs."""
    counts = {}
    for module, name in (
        (kernels, "kernel_metrics"),
        (observe.stability, "spectrum"),
        (observe, "backward"),
        (observe, "weight_products"),
        (observe, "accuracy"),
    ):
        monkeypatch.setattr(module, name, counted(getattr(module, name), name, counts))
    return counts


def counted(function, name, counts):
    counts[name] = 0

    def call(*arguments, **more):
        counts[name] += 1
        return function(*arguments, **more)

    return call


# The windows lie between the two recorded steps, and no run settles.
UNSETTLED = {"steps": 90, "linear_points": 1, "points_per_decade": 0, "settle_window": 10}


def test_a_check_computes_no_eigenvalue_of_kernels(calls):
    run(song(kernels=True, **UNSETTLED), [0])
    assert calls["kernel_metrics"] == 2


def test_a_check_of_a_deep_network_computes_errors_and_weights_alone(calls):
    case = deep(width=5, depth=2, spectrum=True, null_alignment=True, **UNSETTLED)
    simulate_on(case, SAMPLES, SAMPLES, SEED, [0])
    # Own feedback and null feedback, at two steps.
    assert calls["spectrum"] == 4
    assert calls["accuracy"] == 2
    # By BP, by the rule, and by the null; the operator's own come from `stability`.
    assert calls["backward"] == 6
    # 8 checks more.
    assert calls["weight_products"] == 2 + 8


def test_no_eigenvalue_is_computed_that_was_not_asked_for(calls, monkeypatch):
    monkeypatch.setattr(stability, "feedback_operator", None)
    simulate_on(deep(width=5, steps=3), SAMPLES, None, SEED, [0])
    run(song(steps=3), [0])
    assert calls["spectrum"] == calls["kernel_metrics"] == calls["accuracy"] == 0


@pytest.mark.parametrize("engine", engines.ENGINES)
def test_a_condition_without_steps_is_observed_once(engine):
    recording = run(song(engine=engine, activation="linear", steps=0, kernels=True), [4, 5])
    assert recording.steps.tolist() == [0]
    assert recording.status.tolist() == ["ok", "ok"]
    assert recording.end_step.tolist() == [0, 0]
    assert all(np.isfinite(value).all() for value in recording.values.values())


def test_arrays_have_the_stated_shapes_and_types():
    recording = run(song(), [3, 1, 4])
    count = recording.steps.size
    assert recording.steps.dtype == np.int64
    assert recording.end_step.dtype == np.int64
    assert recording.end_step.shape == recording.status.shape == (3,)
    for value in recording.values.values():
        assert value.shape == (3, count)
        assert value.dtype == np.float64


def test_a_run_repeats():
    first, second = (run(song(), [0, 1]) for _ in range(2))
    for metric, value in first.values.items():
        assert value.tobytes() == second.values[metric].tobytes()


ORDER = """
import numpy as np
from small_runs import deep, drawn, simulate_on, song
from feedback_alignment.simulate import simulate
from feedback_alignment.training.batches import Samples
X = np.random.default_rng(0).standard_normal((12, 8))
samples = Samples(X, np.eye(3)[X[:, :3].argmax(axis=1)])
asked = {"displacement": True, "null_alignment": True, "descent": True, "steps": 2}
for engine in ("minibatch", "autograd"):
    print(list(simulate_on(deep(engine=engine, **asked), samples, samples, 1, [0]).values))
for engine, kind in (("linear", "linear"), ("preactivation", "relu"), ("autograd", "tanh")):
    condition = song(engine=engine, activation=kind, steps=2, kernels=True)
    print(list(simulate(condition, drawn(condition, [0], 1), [0], seed=1).values))
condition = song(engine="linear", activation="linear", steps=2, law=True)
print(list(simulate(condition, drawn(condition, [0], 1), [0], seed=1).values))
"""


def test_metrics_have_one_order_in_every_process():
    """Tables take it over: a set's order, which each process has of its own, would change bytes."""
    paths = [str(Path(module.__file__).parent) for module in (small_runs, engines)]
    paths[1] = str(Path(paths[1]).parents[1])
    orders = set()
    for number in range(4):
        own = {"PYTHONHASHSEED": str(number), "PYTHONPATH": os.pathsep.join(paths)}
        done = subprocess.run(
            [sys.executable, "-c", ORDER], capture_output=True, text=True, env=os.environ | own
        )
        assert done.stderr == ""
        orders.add(done.stdout)
    assert len(orders) == 1


def test_replicates_and_seeds_differ():
    case = song()
    one, two = run(case, [0, 1]).values["loss", ""]
    data = drawn(case, [0], SEED)
    other = simulate(case, data, [0], seed=SEED + 1).values["loss", ""][0]
    assert not np.allclose(one, two, rtol=1e-3)
    assert not np.allclose(one, other, rtol=1e-3)


def test_progress_counts_to_the_last_step():
    case, told = song(), []
    simulate(case, drawn(case, [0], SEED), [0], seed=SEED, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == case.steps


def test_the_network_of_song_starts_in_the_stated_scaling():
    values = run(song(width=4000, steps=0, activation="linear", engine="linear"), [0, 1]).values
    assert values["beta_norm", "output"][:, 0] == pytest.approx(1.0, rel=0.05)
    assert values["hidden_norm", "hidden"][:, 0] == pytest.approx(np.sqrt(15), rel=0.3)
    assert np.abs(values["weight_alignment", "output"]).max() < 5 / np.sqrt(4000)


def made(seed=5, replicates=(0, 3), device="cpu", **settings):
    """A condition with its data, by way of a config."""
    entry = {"settings": {"width": 6, "steps": 20} | settings, "include": [{}]}
    content = {"name": "t", "device": device, "experiments": {"e": entry}}
    config = parse_config(content, {})
    condition = config.experiments[0].conditions[0]
    drawn = None if config.sources[condition.data].shared else replicates
    load = loader(condition.data, None, {})
    return condition, draw(condition.dataset(), seed, drawn, load), replicates


def assert_same(one, other):
    assert one.values.keys() == other.values.keys()
    for key, values in one.values.items():
        np.testing.assert_array_equal(values, other.values[key])
    np.testing.assert_array_equal(one.steps, other.steps)
    assert one.status.tolist() == other.status.tolist()


@pytest.mark.parametrize("data", ["digits", "digits_in_order"])
def test_labelled_data_are_judged_by_the_held_out_part(data):
    deep_settings = {"parametrisation": "standard", "loss_function": "half_mean", "rule": "dfa"}
    case, data, replicates = made(data=data, samples=30, batch_size=10, **deep_settings)
    found = simulate(case, data, replicates, seed=5)
    training, held_out = (Samples(data[f"inputs{x}"], data[f"targets{x}"]) for x in ("", "_test"))
    assert_same(found, simulate_on(case, training, held_out, 5, replicates))
    assert ("accuracy", "") in found.values


def test_a_regression_has_one_output_and_no_accuracy():
    deep_settings = {"parametrisation": "standard", "loss_function": "half_mean"}
    case, data, replicates = made(depth=2, samples=9, dimension=4, **deep_settings)
    found = simulate(case, data, replicates, seed=5)
    assert ("accuracy", "") not in found.values
    assert found.values["loss", ""].shape == (2, found.steps.size)
    column = {**data, "targets": data["targets"][..., None]}
    assert_same(found, simulate(case, column, replicates, seed=5))


def test_a_recording_comes_back_from_its_file(tmp_path):
    for parametrisation in ("song", "standard"):
        case, data, replicates = made(parametrisation=parametrisation)
        found = simulate(case, data, replicates, seed=5)
        write_arrays(tmp_path / "run.npz", found.arrays(), {"step": "train"})
        assert_same(Recording.of_arrays(read_arrays(tmp_path / "run.npz")[0]), found)


def test_a_missing_gpu_is_named():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    case = deep(device="cuda", width=3, samples=12)
    with pytest.raises(DeviceError, match="device: cuda is not available, torch finds no GPU"):
        simulate(case, data_of(SAMPLES), [0], seed=5)
