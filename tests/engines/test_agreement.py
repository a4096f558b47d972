"""All engines compute the same science: every fast engine against autograd on plain networks."""

from itertools import product

import numpy as np
import pytest
from small_runs import changed, deep, drawn, engine_on, fitting, setup_on, song

from feedback_alignment import engines
from feedback_alignment.engines import preactivation
from feedback_alignment.engines.linear import LINEAR_ENGINES
from feedback_alignment.engines.minibatch import MinibatchEngine
from feedback_alignment.engines.torch_arrays import TorchArrays
from feedback_alignment.networks.activations import ACTIVATIONS
from feedback_alignment.networks.parameters import draw_shallow
from feedback_alignment.rules import RULES
from feedback_alignment.simulate import build_engine, simulate
from feedback_alignment.streams import Streams
from feedback_alignment.training.batches import Samples
from feedback_alignment.training.decay import decay_named
from feedback_alignment.training.loop import drive

SEED = 5
LOSSES = ("half_mean", "cross_entropy")
SMALL = deep(
    width=5,
    depth=2,
    eta=0.01,
    steps=100,
    batch_size=4,
    null_alignment=True,
    descent=True,
    displacement=True,
    linear_points=2,
    dtype="float64",
)


def draw_samples(size=13, seed=0, replicates=None):
    """Inputs with one-hot targets that a network can learn."""
    lead = () if replicates is None else (replicates,)
    x = np.random.default_rng(seed).standard_normal((*lead, size, 6))
    return Samples(x, np.eye(3)[x[..., :3].argmax(axis=-1)])


TRAINING, HELD_OUT = draw_samples(), draw_samples(9, seed=1)


def run(settings, replicates, training=TRAINING, kind=engine_on):
    """What an engine records, and the networks before and after."""
    engine = kind(settings, training, HELD_OUT, SEED, replicates)
    before, setup = engine.networks(), setup_on(settings, training)
    recording = drive(
        engine, len(replicates), setup.grid, setup.decay, setup.settling, setup.wanted
    )
    return recording, before, engine.networks()


def assert_agreement(settings, replicates=(0, 3), training=TRAINING, kind=engine_on):
    """All metrics at all recorded steps and the final parameters, to 1e-10."""
    ours, before, after = run(settings, replicates, training, kind)
    theirs, _, expected_after = run(changed(settings, engine="autograd"), replicates, training)
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


def half(*choices):
    """All combinations; a half of them, in which all but one are combined at will, is fast."""
    chosen = [list(zip(*each, strict=True)) for each in product(*map(enumerate, choices))]
    fast, long = [], [pytest.mark.long]
    return [pytest.param(*values, marks=long if sum(n) % 2 else fast) for n, values in chosen]


@pytest.mark.parametrize(
    ("rule", "activation", "loss", "depth", "bias"),
    half(RULES, ["linear", "relu", "tanh", "erf"], LOSSES, [1, 3], [True, False]),
)
def test_every_rule_matches_autograd(rule, activation, loss, depth, bias):
    changes = {"rule": rule, "activation": activation, "depth": depth, "bias": bias}
    assert_agreement(changed(SMALL, loss_function=loss, **changes), replicates=[3])


DECAY = {"l2": 2.0, "schedule": "constant"}
MEAN_FIELD = {"parametrisation": "mean_field", "depth": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 0},
        {"batch_size": 13},
        {"parametrisation": "ntk", "eta": 0.1, "init_scale": 0.7},
        {"feedback_distribution": "uniform", "feedback_scale": 2.0},
        {"feedback_distribution": "sign", "rule": "dfa"},
        {"metric_samples": 7},
        {"metric_samples": 7, "sample_alignment": True},
        *({"sample_alignment": True, "rule": rule} for rule in ("bp", "dfa", "usf", "kp", "drtp")),
        {"activation": "softplus"},
        {"activation": "sigmoid", "loss_function": "mse", "eta": 0.05},
        {"loss_function": "mse", "rule": "dfa", "batch_size": 0},
        {"loss_function": "mse", "spectrum": True},
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
        {"spectrum": True, "parametrisation": "ntk"},
        {"spectrum": True, "loss_function": "half_sum", "eta": 0.003},
        {"parametrisation": "song", "depth": 1, "batch_size": 0, "bias": False},
        {"parametrisation": "song", "depth": 1, "loss_function": "half_sum", "init_scale": 0.5},
        {"parametrisation": "song", "depth": 1, "rule": "kp", **DECAY, "decay_layers": "all"},
        {"parametrisation": "song", "depth": 1, "rule": "drtp", "loss_function": "cross_entropy"},
        {**MEAN_FIELD, "batch_size": 0, "bias": False, "spectrum": True},
        {**MEAN_FIELD, **DECAY, "decay_layers": "all", "rule": "kp", "feedback_scale": 2.0},
        {**MEAN_FIELD, "rule": "drtp", "loss_function": "cross_entropy"},
        {**MEAN_FIELD, "redraw_step": 40, "tie_step": 60, "tie_angle": 30.0, "rule": "dfa"},
        # MNIST as Song 2021's authors ran it.
        {
            **{"parametrisation": "song", "depth": 1, "loss_function": "cross_entropy"},
            **{"bias": False, "activation": "relu", "sample_alignment": True, **DECAY},
        },
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_every_setting_matches_autograd(changes):
    assert_agreement(changed(SMALL, **changes))


@pytest.mark.parametrize("batch_size", [0, 4])
def test_each_replicate_may_have_samples_of_its_own(batch_size):
    settings = changed(SMALL, batch_size=batch_size)
    assert_agreement(settings, training=draw_samples(replicates=2))


def by_torch(settings, training, held_out, seed, replicates):
    if settings.engine == "autograd":
        return engine_on(settings, training, held_out, seed, replicates)
    setup, arrays = setup_on(settings, training), TorchArrays(settings.dtype, "cpu")
    streams = Streams(seed, settings.width, training.size)
    return MinibatchEngine(setup, training, held_out, streams, replicates, arrays)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("batch_size", [0, 4])
def test_torch_arrays_match_autograd(activation, loss, batch_size):
    settings = changed(SMALL, activation=activation, batch_size=batch_size, steps=30)
    changes = {"perturb_step": 20, "perturb_size": 0.1, "loss_function": loss, **DECAY}
    assert_agreement(changed(settings, **changes), kind=by_torch)


def test_torch_arrays_in_mean_field_match_autograd():
    assert_agreement(changed(SMALL, **MEAN_FIELD, **DECAY), kind=by_torch)


def test_single_precision_follows_double():
    double, single = (run(changed(SMALL, dtype=dtype), [0])[0] for dtype in ("float64", "float32"))
    for metric, expected in double.values.items():
        np.testing.assert_allclose(single.values[metric], expected, rtol=2e-4, atol=2e-5)
    assert not np.array_equal(single.values["loss", ""], double.values["loss", ""])


# The networks of Song 2021: one hidden layer, one output, full batch.

SCHEDULES = [("none", 0.0, None), ("constant", 2.0, None), ("cutoff", 2.0, 130)]
COSINES = ("weight_alignment", "signal_alignment", "gradient_alignment")
SONG_ENGINES = [
    *(("preactivation", activation) for activation in ACTIVATIONS),
    *(("minibatch", activation) for activation in ACTIVATIONS),
    ("linear", "linear"),
]
PLAIN_RULES = [name for name, rule in RULES.items() if rule.plain]
by_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=[name for name, *_ in SCHEDULES])


def decaying(schedule):
    return dict(zip(("schedule", "l2", "cutoff_step"), schedule, strict=True))


def assert_close(actual, expected, absolute):
    """Agreement to 1e-10 of the value; what passes through zero may differ by `absolute`."""
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=absolute)


@by_schedule
@pytest.mark.parametrize("rule", PLAIN_RULES)
@pytest.mark.parametrize(("engine", "activation"), SONG_ENGINES)
def test_networks_of_song_match_autograd(engine, activation, rule, schedule):
    settings = {"rule": rule, "activation": activation, "kernels": True, **decaying(schedule)}
    fast, slow = (
        simulate(case, drawn(case, [0, 3], SEED), [0, 3], seed=SEED)
        for case in (song(engine=kind, **settings) for kind in (engine, "autograd"))
    )
    assert np.array_equal(fast.steps, slow.steps)
    assert fast.values.keys() == slow.values.keys()
    assert (fast.status == "ok").all()
    assert (fast.end_step == 300).all()
    moved = slow.values["loss", ""][:, 0] / slow.values["loss", ""][:, -1]
    assert (moved > 1.5).all()
    kernel_scale = 1 + np.nanmax(np.abs(slow.values["H_spectral_norm", ""]))
    for (metric, layer), expected in slow.values.items():
        scale = 1.0 if metric in COSINES else kernel_scale if "lambda" in metric else 0.0
        assert_close(fast.values[metric, layer], expected, 1e-11 * scale)


@pytest.mark.parametrize("rule", ["bp", "fa"])
@pytest.mark.parametrize(
    ("engine", "activation"),
    [("linear", "linear"), ("preactivation", "relu"), ("minibatch", "tanh"), ("autograd", "tanh")],
)
def test_mean_field_by_hand(engine, activation, rule):
    """`f = beta^T psi(W x) / p`, descended in steps of eta p, with a decay of eta lambda a step."""
    case = song(
        **{"parametrisation": "mean_field", "engine": engine, "activation": activation},
        **{"rule": rule, "schedule": "constant", "l2": 2.0, "kernels": True, "data": "noise"},
    )
    data = drawn(case, [3], SEED)
    found = simulate(case, data, [3], seed=SEED)
    x, y, p = data["inputs"][0], data["targets"][0], case.width
    psi, slope = {
        "linear": (lambda h: h, np.ones_like),
        "relu": (lambda h: np.maximum(h, 0), lambda h: (h > 0) * 1.0),
        "tanh": (np.tanh, lambda h: 1 / np.cosh(h) ** 2),
    }[activation]
    start = draw_shallow(Streams(SEED, p, case.samples), 3, p, case.dimension)
    W, beta, b = start.hidden, start.output, start.feedback
    for _ in range(case.steps):
        H = W @ x.T
        errors = psi(H).T @ beta / p - y
        v = beta if rule == "bp" else b
        of_beta, of_W = psi(H) @ errors / p, (slope(H) * errors * v[:, None]) @ x / p
        beta = (1 - case.eta * case.l2) * beta - case.eta * p * of_beta
        W = W - case.eta * p * of_W
    H, norm = W @ x.T, np.linalg.norm
    errors = psi(H).T @ beta / p - y
    cosine = beta @ b / norm(beta) / norm(b)
    # The kernels by which the errors fall: e(t+1) = (I - eta (G + H)) e(t) to first order.
    v = beta if rule == "bp" else b
    kernel = psi(H).T @ psi(H) / p + x @ x.T * (slope(H).T @ ((beta * v)[:, None] * slope(H))) / p
    last = {name: values[0, -1] for (name, _), values in found.values.items()}
    assert last["loss"] == pytest.approx(errors @ errors / 2, rel=1e-10)
    assert last["weight_alignment"] == pytest.approx(cosine, rel=1e-9)
    assert last["beta_norm"] == pytest.approx(norm(beta) / np.sqrt(p), rel=1e-10)
    assert last["hidden_norm"] == pytest.approx(norm(H) / np.sqrt(H.size), rel=1e-10)
    assert last["lambda_min_GH"] == pytest.approx(np.linalg.eigvalsh(kernel)[0], rel=1e-8)


@by_schedule
@pytest.mark.parametrize("rule", PLAIN_RULES)
@pytest.mark.parametrize(("engine", "activation"), [*SONG_ENGINES[:3], *SONG_ENGINES[-2:]])
def test_mean_field_is_the_network_of_song_on_larger_targets(engine, activation, rule, schedule):
    """Targets times sqrt(p) and outputs over sqrt(p) make the one of the other."""
    settings = {"engine": engine, "activation": activation, "rule": rule, **decaying(schedule)}
    narrow, song_s = song(**settings, parametrisation="mean_field"), song(**settings)
    data, root = drawn(narrow, [0, 3], SEED), np.sqrt(narrow.width)
    ours = simulate(narrow, data, [0, 3], seed=SEED).values
    larger = data | {"targets": root * data["targets"]}
    theirs = simulate(song_s, larger, [0, 3], seed=SEED).values
    unit = {"loss": root**2, "error_norm": root}
    for (metric, layer), expected in theirs.items():
        assert_close(ours[metric, layer] * unit.get(metric, 1.0), expected, 1e-10)


@by_schedule
@pytest.mark.parametrize("loss", ["half_mean", "mse"])
@pytest.mark.parametrize("rule", ["bp", "fa"])
@pytest.mark.parametrize(
    ("engine", "activation"),
    [("linear", "linear"), ("preactivation", "sigmoid"), ("minibatch", "relu")],
)
@pytest.mark.parametrize("parametrisation", ["song", "mean_field"])
def test_means_over_samples_match_autograd_on_a_linear_teacher(
    parametrisation, engine, activation, rule, loss, schedule
):
    settings = {"rule": rule, "activation": activation, "kernels": True, "loss_function": loss}
    settings |= {
        "parametrisation": parametrisation,
        "data": "linear_teacher",
        "eta": 0.01,
        **decaying(schedule),
    }
    fast, slow = (
        simulate(case, drawn(case, [0, 3], SEED), [0, 3], seed=SEED)
        for case in (song(engine=kind, **settings) for kind in (engine, "autograd"))
    )
    assert fast.values.keys() == slow.values.keys()
    for (metric, layer), expected in slow.values.items():
        scale = np.nanmax(np.abs(expected))
        assert_close(fast.values[metric, layer], expected, 1e-11 * scale)


@pytest.mark.parametrize("engine", ["linear", "preactivation", "minibatch"])
def test_the_mean_squared_error_is_half_the_sum_with_another_step_and_decay(engine):
    """In the units of Algorithm 1: eta = 2 lr / n, and a decay of lr lambda a step."""
    shared = {"engine": engine, "activation": "linear", "samples": 8, "rule": "fa"}
    decay, eta = {"schedule": "constant"}, 0.004
    cases = [
        song(**shared, **decay, loss_function="mse", eta=eta, l2=0.5),
        song(**shared, **decay, loss_function="half_sum", eta=2 * eta / 8, l2=0.5 * 8 / 2),
    ]
    mean, total = (simulate(case, drawn(case, [0], 1), [0], seed=1).values for case in cases)
    np.testing.assert_allclose(mean["loss", ""], 2 / 8 * total["loss", ""], rtol=1e-10)
    alignments = (values["weight_alignment", "output"] for values in (mean, total))
    np.testing.assert_allclose(*alignments, rtol=1e-9)


def trained(condition, data):
    """The engine of a condition at the condition's last step."""
    _, engine = build_engine(condition, data, [0, 3], seed=SEED)
    decay = decay_named(condition.schedule, condition.l2, condition.cutoff_step)
    for step in range(condition.steps):
        engine.advance(1, decay.decay_at(step))
    return engine


def state_of(engine, inputs):
    """Unscaled output weights beta (R, p) and pre-activations H (R, p, n) from the weights."""
    networks = engine.networks()
    beta = [net.weights[1][0] * np.sqrt(net.weights[1].size) for net in networks]
    H = [net.weights[0] @ x.T for net, x in zip(networks, inputs, strict=True)]
    return np.stack(beta), np.stack(H)


@by_schedule
@pytest.mark.parametrize("rule", PLAIN_RULES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_weights_of_song_match_autograd(monkeypatch, activation, rule, schedule):
    case = song(activation=activation, rule=rule, width=31, **decaying(schedule))
    data = drawn(case, [0, 3], SEED)
    slow = state_of(trained(changed(case, engine="autograd"), data), data["inputs"])
    batched = state_of(trained(changed(case, engine="minibatch"), data), data["inputs"])
    for actual, expected in zip(batched, slow, strict=True):
        assert_close(actual, expected, 1e-12)
    # The smaller sizes cut a lane into tiles, the last of them smaller than the others.
    for tile_size in (preactivation._TILE_SIZE, 150, 60):
        monkeypatch.setattr(preactivation, "_TILE_SIZE", tile_size)
        fast = trained(case, data).state()
        for actual, expected in zip(fast, slow, strict=True):
            assert actual.shape == expected.shape
            assert_close(actual, expected, 1e-12)


@by_schedule
@pytest.mark.parametrize("rule", LINEAR_ENGINES)
@pytest.mark.parametrize("width", [3, 30])
def test_linear_coordinates_give_the_weights_of_autograd(width, rule, schedule):
    case = song(engine="linear", activation="linear", rule=rule, width=width, **decaying(schedule))
    data = drawn(case, [0, 3], SEED)
    inputs = data["inputs"]
    w, P = trained(case, data).coordinates()
    streams = Streams(SEED, width, case.samples)
    beta, H = state_of(trained(changed(case, engine="autograd"), data), inputs)
    for lane, replicate in enumerate([0, 3]):
        network = draw_shallow(streams, replicate, width, case.dimension)
        _, modes = np.linalg.eigh(inputs[lane] @ inputs[lane].T)
        basis = np.column_stack(
            [network.hidden @ inputs[lane].T @ modes, network.output, network.feedback]
        )
        assert_close(basis @ w[lane], beta[lane], 1e-11)
        assert_close(basis @ P[lane] @ modes.T, H[lane], 1e-11)


@pytest.mark.parametrize("activation", ["relu", "tanh", "erf", "softplus"])
def test_single_precision_of_song_follows_double(activation):
    data = drawn(song(activation=activation), [0, 3], SEED)
    single, double = (
        simulate(song(dtype=dtype, activation=activation), data, [0, 3], seed=SEED)
        for dtype in ("float32", "float64")
    )
    for metric, expected in double.values.items():
        np.testing.assert_allclose(single.values[metric], expected, rtol=2e-3, atol=2e-4)
    assert not np.array_equal(single.values["loss", ""], double.values["loss", ""])


def test_minibatches_of_song_with_several_outputs_go_through_the_same_entry():
    case = deep(parametrisation="song", loss_function="half_sum", bias=False, batch_size=5)
    assert engines.choose(changed(fitting(case, TRAINING), engine="auto")) == "minibatch"
