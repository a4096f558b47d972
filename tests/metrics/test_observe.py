"""Metrics of MLPs: the operator K and its identity, descent by layer, alignments, accuracy."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_runs import changed, deep, engine_on, setup_on, simulate_on

from feedback_alignment.engines.arrays import NumpyArrays
from feedback_alignment.engines.minibatch import MinibatchEngine
from feedback_alignment.metrics import observe
from feedback_alignment.metrics.descent import descent
from feedback_alignment.metrics.layers import Products
from feedback_alignment.metrics.stability import feedback_operator, spectrum, stability_ratio
from feedback_alignment.networks.activations import ACTIVATIONS
from feedback_alignment.networks.losses import LOSSES, loss_named
from feedback_alignment.networks.parameters import draw_feedback, draw_network, step_rates
from feedback_alignment.networks.passes import forward
from feedback_alignment.rules.bp import BP
from feedback_alignment.rules.dfa import DFA
from feedback_alignment.rules.drtp import DRTP
from feedback_alignment.rules.fa import FA
from feedback_alignment.rules.kolen_pollack import KP
from feedback_alignment.rules.rule import Rule
from feedback_alignment.rules.sign_symmetry import USF
from feedback_alignment.streams import Streams
from feedback_alignment.training.batches import Samples

SEED, N, C = 7, 12, 4
STREAMS = Streams(SEED, 9, N)
X = np.random.default_rng(0).standard_normal((N, 8))
SAMPLES = Samples(X, np.eye(C)[X[:, :C].argmax(axis=1)])
SETTINGS = deep(rule="fa", width=9, depth=2, steps=0, dtype="float64", descent=True)
LINEAR_RULES = (BP, FA, DFA, USF, KP)


def draw(rule: Rule, depth: int, bias: bool, scale: float = 1.0):
    """A network with feedback for a rule."""
    sizes = (8, *[9] * depth, C)
    network = draw_network(STREAMS, 0, sizes, scale, bias)
    feedback = draw_feedback(STREAMS.generator(0, "feedback"), sizes, rule, 1.0, "gaussian")
    return replace(network, feedback=feedback)


def errors_of(network, activation="tanh"):
    outputs = forward(NumpyArrays("float64"), network, X, ACTIVATIONS[activation])[0][-1]
    return outputs - SAMPLES.targets


def values_at_start(**changes):
    return simulate_on(changed(SETTINGS, **changes), SAMPLES, SAMPLES, SEED, [0]).values


@pytest.mark.parametrize("parametrisation", ["standard", "ntk"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("activation", ["tanh", "relu", "erf", "linear"])
@pytest.mark.parametrize("rule", LINEAR_RULES, ids=lambda rule: rule.name)
def test_identity_of_the_operator(rule, activation, depth, bias, parametrisation):
    """`e^T K e = N <g_BP, g_rule>` over all layers, the latter from the recorded descent."""
    network = draw(rule if rule is not BP else FA, depth, bias)
    sizes = (8, *[9] * depth, C)
    settings = changed(
        SETTINGS,
        rule=rule.name,
        depth=depth,
        bias=bias,
        activation=activation,
        parametrisation=parametrisation,
    )
    rates = step_rates(parametrisation, sizes)
    K = feedback_operator(network, rule, ACTIVATIONS[activation], X, rates)
    e = errors_of(network, activation).ravel()
    names = [*(str(layer + 1) for layer in range(depth)), "output"]
    values = simulate_on(settings, SAMPLES, None, SEED, [0]).values
    products = sum(values["descent", name][0, 0] for name in names) / settings.eta
    assert e @ K @ e == pytest.approx(N * products, rel=1e-11)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("rule", LINEAR_RULES, ids=lambda rule: rule.name)
def test_operator_predicts_the_change_of_the_errors(rule, frozen):
    """A small step changes the errors by `-eta K e`."""
    eta = 1e-7
    settings = changed(SETTINGS, rule=rule.name, eta=eta, freeze_step=0 if frozen else None)
    engine = engine_on(settings, SAMPLES, None, SEED, [0])
    (before,) = engine.networks()
    engine.advance(1, 0.0)
    (after,) = engine.networks()
    K = feedback_operator(before, rule, ACTIVATIONS["tanh"], X, (1.0, 1.0, 1.0), frozen)
    change = (errors_of(after) - errors_of(before)).ravel() / eta
    np.testing.assert_allclose(change, -K @ errors_of(before).ravel(), rtol=1e-4, atol=1e-5)


def test_operator_of_bp_is_never_negative():
    K = feedback_operator(draw(FA, 2, True), BP, ACTIVATIONS["tanh"], X, (1.0, 1.0, 1.0))
    np.testing.assert_allclose(K, K.T, atol=1e-13)
    assert stability_ratio(spectrum(K)) > -1e-13


def test_rules_that_ignore_the_errors_have_no_operator():
    with pytest.raises(ValueError, match="rule 'drtp' has no operator K"):
        feedback_operator(draw(DRTP, 1, True), DRTP, ACTIVATIONS["tanh"], X, (1.0, 1.0))


def test_spectrum_is_ordered_and_knows_nan():
    found = spectrum(np.diag([1.0, 3.0, -2.0]))
    assert found.real.tolist() == [3.0, 1.0, -2.0]
    assert stability_ratio(found) == pytest.approx(-2.0 / 3.0)
    rotation = spectrum(np.array([[0.0, -1.0], [1.0, 0.0]]))
    np.testing.assert_allclose(np.sort(rotation.imag), [-1.0, 1.0], atol=1e-14)
    assert np.isnan(spectrum(np.array([[np.nan, 0.0], [0.0, 1.0]]))).all()


@pytest.mark.parametrize("frozen", [False, True])
def test_recorded_spectrum_is_that_of_the_operator(frozen):
    freeze_step = 0 if frozen else None
    values = values_at_start(spectrum=True, eigenvalues=True, freeze_step=freeze_step)
    network, rates = draw(FA, 2, True), (1.0, 1.0, 1.0)
    K = feedback_operator(network, FA, ACTIVATIONS["tanh"], X, rates, frozen)
    found = np.array([values["K_real", str(i)][0, 0] for i in range(N * C)])
    np.testing.assert_allclose(found, spectrum(K).real, atol=1e-12)
    ratio = values["stability_ratio", ""][0, 0]
    assert ratio == pytest.approx(found.min() / found.max(), abs=1e-12)
    assert values["K_min_real", ""][0, 0] == pytest.approx(found.min(), abs=1e-12)


@pytest.mark.parametrize(
    "changes",
    [{"rule": "fa"}, {"rule": "bp"}, {"rule": "fa", "switch_step": 100, "switch_rule": "bp"}],
)
def test_descent_adds_up_to_the_fall_of_the_loss(changes):
    settings = changed(SETTINGS, eta=1e-4, steps=200, linear_points=200, **changes)
    values = simulate_on(settings, SAMPLES, None, SEED, [0, 1]).values
    falls = sum(values["descent", name] for name in ("1", "2", "output"))[:, :-1].sum(axis=1)
    loss = values["loss", ""]
    np.testing.assert_allclose(falls, loss[:, 0] - loss[:, -1], rtol=1e-3)
    shares = sum(values["descent_share", name] for name in ("1", "2", "output"))
    np.testing.assert_allclose(shares, 1.0, rtol=1e-12)


def test_frozen_layers_take_no_part_in_the_descent():
    values = values_at_start(freeze_step=0)
    assert values["descent", "1"][0, 0] == values["descent", "2"][0, 0] == 0.0
    assert values["descent_share", "output"][0, 0] == 1.0
    assert values["gradient_alignment", "1"][0, 0] != 0.0


def test_no_descent_has_no_shares():
    zero = np.zeros(2)
    shares = descent(zero, 0.1, False)
    assert np.isnan(shares["descent_share", "output"])
    assert np.isnan(Products(zero, zero, zero).cosine(slice(None)))


def test_alignments_are_one_where_feedback_equals_the_weights():
    for rule in ("fa", "dfa"):
        settings = changed(
            SETTINGS, rule=rule, activation="linear", tie_step=0, null_alignment=True
        )
        values = simulate_on(settings, SAMPLES, SAMPLES, SEED, [0, 1]).values
        for (metric, layer), value in values.items():
            if metric in ("weight_alignment", "gradient_alignment", "signal_alignment"):
                np.testing.assert_allclose(value, 1.0, rtol=1e-12, err_msg=f"{metric} {layer}")
            if metric == "null_gradient_alignment":
                assert (np.abs(value) < 0.9).all()
        norms = (values[f"{which}_gradient_norm", ""] for which in ("bp", "rule"))
        np.testing.assert_allclose(*norms, rtol=1e-12)


def test_all_hidden_layers_together_weigh_each_by_its_size():
    values = values_at_start(depth=3)
    single = [values["gradient_alignment", str(layer)][0, 0] for layer in (1, 2, 3)]
    assert min(single) < values["gradient_alignment", "hidden"][0, 0] < max(single)
    one = values_at_start(depth=1)
    for metric in ("gradient_alignment", "signal_alignment"):
        assert one[metric, "1"] == one[metric, "hidden"]


def test_bp_is_measured_against_the_feedback_of_fa():
    by_bp, by_fa = values_at_start(rule="bp"), values_at_start(rule="fa")
    assert by_bp.keys() == by_fa.keys()
    for metric, value in by_bp.items():
        # The descent is that of the update that is made.
        assert metric[0].startswith("descent") or np.array_equal(value, by_fa[metric])


def test_metric_samples_narrow_gradients_but_not_the_loss():
    few, all_of_them = values_at_start(metric_samples=5), values_at_start()
    assert few["loss", ""] == pytest.approx(all_of_them["loss", ""], rel=1e-14)
    assert few["gradient_alignment", "hidden"] != all_of_them["gradient_alignment", "hidden"]
    first = Samples(SAMPLES.inputs[:5], SAMPLES.targets[:5])
    # The streams are those of all samples.
    engine = MinibatchEngine(setup_on(SETTINGS, first), first, None, STREAMS, [0])
    metrics = {"gradient_alignment", "signal_alignment"}
    alone = engine.observe(metrics)
    for metric in metrics:
        assert few[metric, "hidden"][0] == pytest.approx(alone[metric, "hidden"], rel=1e-12)


def test_chunks_of_samples_add_up(monkeypatch):
    def by_fives(samples, cut, network):
        return [slice(first, min(first + 5, samples)) for first in range(0, samples, 5)]

    whole = values_at_start(null_alignment=True)
    monkeypatch.setattr(observe, "_spans", by_fives)
    for metric, value in values_at_start(null_alignment=True).items():
        np.testing.assert_allclose(value, whole[metric], rtol=1e-11)


def test_accuracy_is_the_share_of_right_classes():
    (network,) = engine_on(SETTINGS, SAMPLES, None, SEED, [0]).networks()
    outputs = errors_of(network) + SAMPLES.targets
    right = outputs.argmax(axis=1) == SAMPLES.targets.argmax(axis=1)
    assert values_at_start()["accuracy", ""][0, 0] == right.mean()
    assert ("accuracy", "") not in simulate_on(SETTINGS, SAMPLES, None, SEED, [0]).values


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_match_torch(loss):
    arrays, rng = NumpyArrays("float64"), np.random.default_rng(3)
    outputs, targets = 30 * rng.standard_normal((9, 5)), np.eye(5)[rng.integers(0, 5, 9)]
    leaf, y = torch.tensor(outputs, requires_grad=True), torch.tensor(targets)
    if loss == "cross_entropy":
        expected = torch.nn.functional.cross_entropy(leaf, y, reduction="none")
    else:
        expected = 0.5 * torch.nn.functional.mse_loss(leaf, y, reduction="none").sum(1)
    values = loss_named(loss).values(arrays, outputs, targets)
    np.testing.assert_allclose(values, expected.detach(), rtol=1e-13, atol=1e-15)
    expected.sum().backward()
    errors = np.empty_like(outputs)
    loss_named(loss).errors(arrays, outputs, targets, errors)
    np.testing.assert_allclose(errors, leaf.grad, rtol=1e-12, atol=1e-15)


def test_unknown_loss_lists_the_allowed_ones():
    with pytest.raises(ValueError, match=r"'msle'.*half_sum, half_mean, mse, cross_entropy"):
        loss_named("msle")
