"""Learning rules against autograd, and against each other where they coincide."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from small_runs import song

import feedback_alignment.rules
from feedback_alignment.engines.preactivation import PreactivationEngine
from feedback_alignment.networks.activations import ACTIVATIONS
from feedback_alignment.networks.parameters import Shallow
from feedback_alignment.rules import RULES, module_of, rule_named
from feedback_alignment.rules.bp import BP
from feedback_alignment.rules.fa import FA
from feedback_alignment.training.setup import set_up

SAMPLES, WIDTH, ETA = 7, 23, 0.05


def draw(rng: np.random.Generator) -> tuple[np.ndarray, Shallow]:
    """Targets, and a network on unit inputs, whose pre-activations are its hidden weights."""
    shapes = (WIDTH, SAMPLES), WIDTH, WIDTH
    return rng.standard_normal(SAMPLES), Shallow(*(rng.standard_normal(s) for s in shapes))


def step(rule, activation, targets, network) -> Shallow:
    """The network after one step."""
    sizes = {"samples": SAMPLES, "width": WIDTH}
    case = song(rule=rule.name, activation=activation, eta=ETA, **sizes)
    setup = set_up(case, SAMPLES, 1)
    engine = PreactivationEngine(setup, np.eye(SAMPLES)[None], targets[None], [network])
    engine.advance(1, 0.0)
    beta, H = engine.state()
    return Shallow(H[0], beta[0], network.feedback)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bp_steps_along_the_gradient_of_autograd(activation):
    targets, network = draw(np.random.default_rng(0))
    W, beta = (torch.tensor(a, requires_grad=True) for a in (network.hidden, network.output))
    outputs = beta @ ACTIVATIONS[activation].tensor(W) / WIDTH**0.5
    (0.5 * (outputs - torch.tensor(targets)).square().sum()).backward()
    after = step(BP, activation, targets, network)
    expected = [(w - ETA * w.grad).detach().numpy() for w in (W, beta)]
    np.testing.assert_allclose(after.hidden, expected[0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(after.output, expected[1], rtol=0, atol=1e-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_fa_with_feedback_held_at_the_output_weights_is_bp(activation):
    targets, by_bp = draw(np.random.default_rng(1))
    by_fa = by_bp
    for _ in range(20):
        by_bp = step(BP, activation, targets, by_bp)
        mirrored = Shallow(by_fa.hidden, by_fa.output, by_fa.output)
        by_fa = step(FA, activation, targets, mirrored)
    assert np.array_equal(by_bp.hidden, by_fa.hidden)
    assert np.array_equal(by_bp.output, by_fa.output)


def test_fa_changes_the_hidden_layer_only():
    targets, network = draw(np.random.default_rng(2))
    by_bp, by_fa = (step(rule, "tanh", targets, network) for rule in (BP, FA))
    np.testing.assert_allclose(by_fa.output, by_bp.output, rtol=1e-14)
    # The hidden change of unit r is that of BP times b_r / beta_r.
    changes = [(after.hidden - network.hidden) for after in (by_bp, by_fa)]
    ratio = (network.feedback / network.output)[:, None]
    np.testing.assert_allclose(changes[1], ratio * changes[0], rtol=1e-10, atol=1e-14)


def test_every_rule_is_described():
    for name, rule in RULES.items():
        assert rule.name == name
        assert rule.label
        assert rule.equation
        assert rule.paper


def test_unknown_rule_lists_the_allowed_ones():
    with pytest.raises(ValueError, match=r"'afa'.*bp, fa"):
        rule_named("afa")


def test_every_rule_has_a_module_of_its_own():
    modules = {name: module_of(name) for name in RULES}
    assert modules["kp"] == "feedback_alignment.rules.kolen_pollack"
    assert len(set(modules.values())) == len(RULES)
    with pytest.raises(ValueError, match=r"'afa'.*bp, fa"):
        module_of("afa")


def test_the_package_names_no_module_of_a_rule():
    text = Path(feedback_alignment.rules.__file__).read_text()
    imported = {
        node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)
    }
    assert imported == {"collections.abc", "feedback_alignment.rules.rule"}
