"""What defines each rule of deep networks, and that a rule of one's own is one small file."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_runs import changed, deep, engine_on, setup_on, simulate_on

import feedback_alignment.rules
from feedback_alignment.engines.arrays import NumpyArrays
from feedback_alignment.networks.activations import ACTIVATIONS
from feedback_alignment.networks.passes import backward, forward
from feedback_alignment.rules import RULES, find_rules
from feedback_alignment.rules.bp import BP
from feedback_alignment.rules.dfa import DFA
from feedback_alignment.rules.drtp import DRTP
from feedback_alignment.rules.fa import FA
from feedback_alignment.rules.kolen_pollack import KP
from feedback_alignment.rules.rule import Rule
from feedback_alignment.rules.sign_symmetry import USF
from feedback_alignment.training.batches import Samples

SEED = 7
X = np.random.default_rng(0).standard_normal((20, 8))
SAMPLES = Samples(X, np.eye(4)[X[:, :4].argmax(axis=1)])
SETTINGS = deep(rule="fa", width=9, depth=2, steps=30, batch_size=5, dtype="float64")
GUIDE = Path(__file__).parents[2] / "docs/adding_a_rule.md"


def trained(settings, replicates=(0, 1)):
    """Networks before and after training."""
    engine = engine_on(settings, SAMPLES, None, SEED, replicates)
    before = engine.networks()
    for step in range(settings.steps):
        engine.advance(1, setup_on(settings, SAMPLES).decay.decay_at(step))
    return before, engine.networks()


def hidden_signals(rule, network, errors):
    """delta_1 ... delta_L of a linear network, whose slopes are one."""
    slopes = [np.ones((len(errors), len(W))) for W in network.weights[:-1]]
    return backward(network, rule, slopes, errors, SAMPLES.targets)


def test_dfa_is_fa_with_one_hidden_layer():
    settings = changed(SETTINGS, depth=1)
    by_fa, by_dfa = (
        simulate_on(changed(settings, rule=rule), SAMPLES, SAMPLES, SEED, [0, 1])
        for rule in ("fa", "dfa")
    )
    for metric, values in by_fa.values.items():
        assert np.array_equal(values, by_dfa.values[metric])


def test_dfa_sends_the_output_error_to_every_layer():
    (network, _), _ = trained(changed(SETTINGS, rule="dfa", depth=3, steps=0))
    errors = np.random.default_rng(1).standard_normal((20, 4))
    *hidden, output = hidden_signals(DFA, network, errors)
    for signal, B in zip(hidden, network.feedback, strict=True):
        assert B.shape == (4, 9)
        np.testing.assert_allclose(signal, errors @ B, rtol=1e-14)
    assert np.array_equal(output, errors)


def test_fa_replaces_each_layer_above_by_its_feedback():
    (network, _), _ = trained(changed(SETTINGS, depth=3, steps=0))
    assert [B.shape for B in network.feedback] == [(9, 9), (9, 9), (4, 9)]
    errors = np.random.default_rng(1).standard_normal((20, 4))
    first = hidden_signals(FA, network, errors)[0]
    B2, B3, B4 = network.feedback
    np.testing.assert_allclose(first, errors @ B4 @ B3 @ B2, rtol=1e-10)
    mirrored = replace(network, feedback=network.weights[1:])
    signals = [hidden_signals(*case, errors) for case in ((FA, mirrored), (BP, network))]
    assert all(np.array_equal(x, y) for x, y in zip(*signals, strict=True))


def test_bp_follows_the_gradient_of_autograd():
    settings = changed(SETTINGS, rule="bp", steps=1, batch_size=0, depth=3)
    (before, _), (after, _) = trained(settings)
    weights = [torch.tensor(W, requires_grad=True) for W in before.weights]
    biases = [torch.tensor(c, requires_grad=True) for c in before.biases]
    a = torch.tensor(SAMPLES.inputs)
    for W, c in zip(weights[:-1], biases[:-1], strict=True):
        a = torch.tanh(a @ W.T + c)
    errors = a @ weights[-1].T + biases[-1] - torch.tensor(SAMPLES.targets)
    (0.5 * errors.square().sum(1).mean()).backward()
    for old, new in zip([*weights, *biases], [*after.weights, *after.biases], strict=True):
        expected = (old - settings.eta * old.grad).detach().numpy()
        np.testing.assert_allclose(new, expected, rtol=1e-12, atol=1e-15)


def test_usf_sends_back_the_signs_of_the_weights_in_one_magnitude():
    (network, _), _ = trained(changed(SETTINGS, rule="usf", steps=0, feedback_scale=2.0))
    for W, B in zip(network.weights[1:], network.feedback, strict=True):
        V = USF.backward_weights(W, B)
        assert np.array_equal(np.sign(V), np.sign(W))
        np.testing.assert_allclose(np.abs(V), 2.0 / np.sqrt(9), rtol=1e-15)
        as_tensors = USF.backward_weights(torch.tensor(W), torch.tensor(B))
        assert np.array_equal(as_tensors.numpy(), V)


def test_kolen_pollack_weights_meet_when_all_decay():
    decay = {"l2": 0.05, "schedule": "constant", "decay_layers": "all"}
    settings = changed(SETTINGS, rule="kp", depth=1, steps=2000, eta=0.2, batch_size=10, **decay)
    before, after = trained(settings)
    for old, new in zip(before, after, strict=True):
        gap, start = (net.feedback[0] - net.weights[1] for net in (new, old))
        # The gap shrinks by (1 - eta lambda) a step, whatever the data are.
        np.testing.assert_allclose(gap, (1 - 0.2 * 0.05) ** 2000 * start, rtol=0, atol=1e-12)
        assert np.linalg.norm(new.weights[1]) > 0.1
    recording = simulate_on(settings, SAMPLES, None, SEED, [0, 1])
    np.testing.assert_allclose(recording.values["weight_alignment", "all"][:, -1], 1, rtol=1e-9)


def test_kolen_pollack_keeps_the_gap_without_decay():
    before, after = trained(changed(SETTINGS, rule="kp"))
    for old, new in zip(before, after, strict=True):
        for layer in range(2):
            gaps = [net.feedback[layer] - net.weights[layer + 1] for net in (old, new)]
            np.testing.assert_allclose(*gaps, rtol=0, atol=1e-14)
            assert np.abs(new.feedback[layer] - old.feedback[layer]).max() > 1e-3


def test_drtp_hears_targets_and_not_errors():
    (network, _), _ = trained(changed(SETTINGS, rule="drtp", steps=0))
    rng = np.random.default_rng(1)
    for errors in rng.standard_normal((2, 20, 4)):
        first, second, output = hidden_signals(DRTP, network, errors)
        np.testing.assert_allclose(first, -SAMPLES.targets @ network.feedback[0], rtol=1e-14)
        np.testing.assert_allclose(second, -SAMPLES.targets @ network.feedback[1], rtol=1e-14)
        assert np.array_equal(output, errors)


def test_all_rules_train_the_output_layer_alike():
    settings = changed(SETTINGS, steps=1)
    outputs = [trained(changed(settings, rule=rule))[1][0].weights[-1] for rule in RULES]
    for output in outputs[1:]:
        assert np.array_equal(output, outputs[0])


def test_fixed_feedback_stays_and_learned_feedback_moves():
    for name in RULES:
        before, after = trained(changed(SETTINGS, rule=name))
        same = [
            np.array_equal(x, y) for x, y in zip(before[0].feedback, after[0].feedback, strict=True)
        ]
        assert same == [name != "kp"] * 2


def test_a_rule_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"x: unknown path 'side'.*layers.*direct"):
        replace(FA, name="x", path="side")
    with pytest.raises(ValueError, match="x: feedback on path direct cannot learn"):
        replace(KP, name="x", path="direct")


def test_two_rules_of_one_name_are_refused(tmp_path, monkeypatch):
    write_rule(tmp_path, monkeypatch, "name_taken", EXAMPLE.replace('"frsf"', '"fa"'))
    with pytest.raises(ValueError, match=r"'fa' names two rules, one in name_taken\.py"):
        find_rules([str(tmp_path)])


# The guide's first block of code: a whole file.
EXAMPLE = re.search(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL).group(1)


def write_rule(folder, monkeypatch, module, text):
    """Make a file a module of the rules, as if it lay among them."""
    (folder / f"{module}.py").write_text(text)
    monkeypatch.setattr(
        feedback_alignment.rules, "__path__", [*feedback_alignment.rules.__path__, str(folder)]
    )
    monkeypatch.delitem(sys.modules, f"feedback_alignment.rules.{module}", raising=False)


def test_the_guides_file_is_a_rule_without_another_change(tmp_path, monkeypatch):
    write_rule(tmp_path, monkeypatch, "random_sign_symmetry", EXAMPLE)
    found, module = find_rules([str(tmp_path)])["frsf"]
    assert module == "feedback_alignment.rules.random_sign_symmetry"
    assert isinstance(found, Rule)
    monkeypatch.setitem(RULES, "frsf", found)
    settings = changed(SETTINGS, rule="frsf", steps=100)
    fast, slow = (
        simulate_on(changed(settings, engine=engine), SAMPLES, SAMPLES, SEED, [0, 1])
        for engine in ("minibatch", "autograd")
    )
    for metric, values in slow.values.items():
        np.testing.assert_allclose(fast.values[metric], values, rtol=1e-10, atol=1e-12)
    before, _ = trained(changed(settings, steps=0))
    W, B = before[0].weights[1], before[0].feedback[0]
    V = found.backward_weights(W, B)
    assert np.array_equal(np.sign(V), np.sign(W))
    assert np.array_equal(np.abs(V), np.abs(B))


def test_outputs_are_those_of_the_equations():
    (network, _), _ = trained(changed(SETTINGS, steps=20))
    a = SAMPLES.inputs
    for W, c in zip(network.weights[:-1], network.biases[:-1], strict=True):
        a = np.tanh(a @ W.T + c)
    expected = a @ network.weights[-1].T + network.biases[-1]
    outputs = forward(NumpyArrays("float64"), network, SAMPLES.inputs, ACTIVATIONS["tanh"])[0][-1]
    np.testing.assert_allclose(outputs, expected, rtol=1e-13)
