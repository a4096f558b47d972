"""Interventions do what they say, when they say, and compose."""

from itertools import pairwise

import numpy as np
import pytest
from small_runs import changed, deep, engine_on, setup_on, simulate_on

from feedback_alignment.networks.passes import replaced_weights
from feedback_alignment.rules.dfa import DFA
from feedback_alignment.rules.fa import FA
from feedback_alignment.training.batches import Samples

SEED = 7
X = np.random.default_rng(0).standard_normal((20, 8))
SAMPLES = Samples(X, np.eye(4)[X[:, :4].argmax(axis=1)])
EVERY_STEP = {"linear_points": 40, "steps": 40}
SETTINGS = deep(rule="fa", width=9, depth=2, batch_size=5, dtype="float64", **EVERY_STEP)


def networks_by_step(**changes):
    """The network of one lane at each step, interventions of that step included."""
    settings = changed(SETTINGS, **changes)
    engine = engine_on(settings, SAMPLES, None, SEED, [2])
    networks = engine.networks()
    for step in range(settings.steps):
        engine.advance(1, setup_on(settings, SAMPLES).decay.decay_at(step))
        networks += engine.networks()
    return networks


def equal(networks, others, part):
    """At which steps two runs have the same weights, biases or feedback."""
    return [
        all(np.array_equal(x, y) for x, y in zip(getattr(a, part), getattr(b, part), strict=True))
        for a, b in zip(networks, others, strict=True)
    ]


def recorded(**changes):
    """Metrics of two lanes at every step."""
    return simulate_on(changed(SETTINGS, **changes), SAMPLES, SAMPLES, SEED, [2, 5]).values


@pytest.mark.parametrize(("first", "then"), [("bp", "fa"), ("fa", "dfa"), ("dfa", "bp")])
def test_switch_trains_by_the_other_rule_from_its_step_on(first, then):
    switched = networks_by_step(rule=first, switch_step=15, switch_rule=then)
    stayed = networks_by_step(rule=first)
    assert equal(switched, stayed, "weights") == [step <= 15 for step in range(41)]


@pytest.mark.parametrize("rule", ["fa", "dfa", "usf", "kp", "drtp", "bp"])
def test_switch_at_the_start_is_the_other_rule(rule):
    other = "dfa" if rule in ("bp", "fa") else "fa"
    by_rule = networks_by_step(rule=rule)
    switched = networks_by_step(rule=other, switch_step=0, switch_rule=rule)
    assert all(equal(switched, by_rule, "weights"))
    if rule != "bp":
        assert all(equal(switched, by_rule, "feedback"))


def test_switched_run_goes_on_as_one_started_there():
    # From step 15 on: BP's weights there, the feedback that FA has from the start.
    switched = networks_by_step(rule="bp", switch_step=15, switch_rule="fa", batch_size=0)
    engine = engine_on(changed(SETTINGS, batch_size=0), SAMPLES, None, SEED, [2])
    (group,) = engine._groups
    at_switch = switched[15]
    for layer, (W, c) in enumerate(zip(at_switch.weights, at_switch.biases, strict=True)):
        group._W[layer][0] = np.vstack([W.T, c])
    engine.advance(25, 0.0)
    (expected,) = engine.networks()
    for x, y in zip(switched[40].weights, expected.weights, strict=True):
        assert np.array_equal(x, y)


def test_feedback_drawn_after_a_switch_repeats_nothing():
    # So narrow that DFA draws more weights than FA did.
    changes = {"switch_step": 10, "switch_rule": "dfa", "redraw_step": 20, "redraw_every": 10}
    run = networks_by_step(width=2, depth=3, **changes)
    drawn = np.concatenate([B.ravel() for step in (10, 20, 30, 40) for B in run[step].feedback])
    assert len(np.unique(drawn)) == drawn.size == 4 * 3 * 2 * 4


def test_the_end_of_the_decay_is_on_the_grid():
    settings = changed(
        SETTINGS, steps=200, linear_points=10, schedule="cutoff", l2=0.1, cutoff_step=37
    )
    assert 37 in setup_on(settings, SAMPLES).grid
    constant = changed(settings, schedule="constant")
    assert 37 not in setup_on(constant, SAMPLES).grid


def test_perturbation_has_its_relative_norm_in_each_layer():
    run = networks_by_step(perturb_step=15, perturb_size=1e-3)
    alone = networks_by_step()
    assert equal(run, alone, "weights") == [step < 15 for step in range(41)]
    for part in ("weights", "biases"):
        for new, old in zip(getattr(run[15], part), getattr(alone[15], part), strict=True):
            relative = np.linalg.norm(new - old) / np.linalg.norm(old)
            assert relative == pytest.approx(1e-3, rel=1e-9)


def test_biases_of_zero_are_not_perturbed():
    start = networks_by_step(perturb_step=0, perturb_size=0.1, steps=0)[0]
    assert not any(c.any() for c in start.biases)


def test_what_is_recorded_at_a_step_is_after_its_intervention():
    size = {"perturb_step": 15, "perturb_size": 0.5}
    perturbed, alone = recorded(**size), recorded()
    same = (perturbed["loss", ""] == alone["loss", ""]).all(axis=0)
    assert same.tolist() == [step < 15 for step in range(41)]


def test_both_sides_of_an_intervention_are_recorded():
    settings = changed(SETTINGS, linear_points=0, perturb_step=15, freeze_step=30, tie_step=0)
    assert setup_on(settings, SAMPLES).grid.tolist() == [0, 14, 15, 29, 30, 40]
    dense = changed(settings, points_per_decade=1, freeze_step=None)
    assert setup_on(dense, SAMPLES).grid.tolist() == [0, 1, 10, 14, 15, 16, 25, 40]


@pytest.mark.parametrize("rule", ["fa", "dfa"])
@pytest.mark.parametrize("angle", [0.0, 30.0, 60.0, 90.0, 180.0])
def test_tied_feedback_has_its_angle_and_the_norm_of_the_weights(rule, angle):
    values = recorded(rule=rule, tie_step=15, tie_angle=angle, depth=3)
    cosine = np.cos(np.deg2rad(angle))
    for layer in ("2", "3", "output", "all"):
        alignment = values["weight_alignment", layer]
        np.testing.assert_allclose(alignment[:, 15], cosine, atol=1e-12)
        assert (np.abs(alignment[:, 14] - cosine) > 1e-4).all()
    tied = networks_by_step(rule=rule, tie_step=15, tie_angle=angle, depth=3)[15]
    pairs = zip(replaced_weights(tied, {"fa": FA, "dfa": DFA}[rule]), tied.feedback, strict=True)
    for W, B in pairs:
        assert np.linalg.norm(B) == pytest.approx(np.linalg.norm(W), rel=1e-12)


def test_feedback_tied_at_every_step_stays_at_its_angle():
    values = recorded(tie_step=0, tie_angle=50.0, tie_every=1)
    np.testing.assert_allclose(
        values["weight_alignment", "all"], np.cos(np.deg2rad(50)), atol=1e-12
    )


def test_feedback_tied_at_every_step_at_no_angle_is_bp():
    tied = networks_by_step(tie_step=0, tie_every=1)
    for network, by_bp in zip(tied, networks_by_step(rule="bp"), strict=True):
        for x, y in zip(network.weights, by_bp.weights, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-13)


def test_tied_feedback_keeps_its_own_part_from_the_drawn_feedback():
    alone = networks_by_step()[15]
    tied = networks_by_step(tie_step=15, tie_angle=90.0)[15]
    for W, drawn, B in zip(alone.weights[1:], alone.feedback, tied.feedback, strict=True):
        expected = drawn - np.sum(drawn * W) / np.sum(W * W) * W
        cosine = np.sum(B * expected) / np.linalg.norm(B) / np.linalg.norm(expected)
        assert cosine == pytest.approx(1.0, rel=1e-12)


def test_feedback_is_drawn_afresh_at_its_steps_alone():
    run = networks_by_step(redraw_step=10, redraw_every=15)
    changed = [not np.array_equal(a.feedback[0], b.feedback[0]) for a, b in pairwise(run)]
    assert np.flatnonzero(changed).tolist() == [9, 24, 39]
    once = networks_by_step(redraw_step=10)
    assert equal(run, once, "feedback") == [step < 25 for step in range(41)]


def test_training_with_feedback_drawn_at_every_step_does_not_align():
    course = {"steps": 400, "linear_points": 40, "eta": 0.1, "init_scale": 0.1, "depth": 1}
    runs = recorded(redraw_step=0, redraw_every=1, **course), recorded(**course)
    fresh, own = (run["gradient_alignment", "hidden"][:, 10:].mean() for run in runs)
    assert abs(fresh) < 0.15
    assert own > 0.5


def test_frozen_hidden_layers_stay_and_the_output_layer_learns():
    run = networks_by_step(freeze_step=15, l2=0.1, schedule="constant", decay_layers="all")
    for network in run[16:]:
        for layer in range(2):
            assert np.array_equal(network.weights[layer], run[15].weights[layer])
            assert np.array_equal(network.biases[layer], run[15].biases[layer])
        assert not np.array_equal(network.weights[2], run[15].weights[2])
    assert not np.array_equal(run[15].weights[0], run[14].weights[0])


def test_all_at_one_step_act_in_order():
    together = {"switch_step": 15, "switch_rule": "fa", "redraw_step": 15, "tie_step": 15}
    together |= {"tie_angle": 20.0, "perturb_step": 15, "perturb_size": 0.1, "freeze_step": 15}
    run, alone = networks_by_step(rule="bp", **together), networks_by_step(rule="bp")
    # Tied to the weights of before the perturbation.
    for W, B in zip(alone[15].weights[1:], run[15].feedback, strict=True):
        cosine = np.sum(W * B) / np.linalg.norm(W) / np.linalg.norm(B)
        assert cosine == pytest.approx(np.cos(np.deg2rad(20.0)), rel=1e-12)
    assert not np.array_equal(run[15].weights[0], alone[15].weights[0])
    assert np.array_equal(run[40].weights[0], run[15].weights[0])


def test_an_intervention_at_the_last_step_is_recorded():
    values = recorded(redraw_step=40)
    same = values["weight_alignment", "all"] == recorded()["weight_alignment", "all"]
    assert same.all(axis=0).tolist() == [step < 40 for step in range(41)]
