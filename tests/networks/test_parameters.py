"""Initial weights and feedback weights, in each parametrisation."""

import numpy as np
import pytest

from feedback_alignment.networks.parameters import (
    draw_feedback,
    draw_network,
    draw_shallow,
    draw_units,
    step_rates,
)
from feedback_alignment.rules.dfa import DFA
from feedback_alignment.rules.fa import FA
from feedback_alignment.rules.sign_symmetry import USF
from feedback_alignment.streams import Streams


@pytest.mark.parametrize("other", [Streams(1, 50, 8), Streams(1, 20, 9)], ids=["width", "samples"])
def test_networks_of_another_size_are_unrelated(other):
    first, second = (
        draw_shallow(streams, 2, streams.width, 900) for streams in (Streams(1, 20, 8), other)
    )
    rows = first.hidden.ravel(), second.hidden[:20].ravel()
    assert abs(np.corrcoef(*rows)[0, 1]) < 5 / np.sqrt(rows[0].size)


def test_weights_are_standard_normal_and_unrelated():
    network = draw_shallow(Streams(0), 0, 20_000, 3)
    columns = np.column_stack([network.hidden, network.output, network.feedback])
    np.testing.assert_allclose(columns.mean(axis=0), 0.0, atol=0.04)
    np.testing.assert_allclose(np.cov(columns.T), np.eye(5), atol=0.05)


def test_initial_weights_have_their_scale_and_nest_in_depth():
    shallow, deep = (draw_network(Streams(7), 0, (50, *[400] * d, 30), 0.3, True) for d in (1, 3))
    assert np.array_equal(shallow.weights[0], deep.weights[0])
    assert np.array_equal(shallow.weights[-1], deep.weights[-1])
    for W in deep.weights:
        assert W.std() * np.sqrt(W.shape[1]) == pytest.approx(0.3, rel=0.03)
    assert not any(c.any() for c in deep.biases)
    assert draw_network(Streams(7), 0, (5, 4, 3), 1.0, False).biases == ()


@pytest.mark.parametrize("distribution", ["gaussian", "uniform", "sign"])
@pytest.mark.parametrize("rule", [FA, DFA, USF], ids=lambda rule: rule.name)
def test_feedback_has_its_shape_scale_and_distribution(rule, distribution):
    sizes = (50, 400, 300, 200)
    drawn = draw_feedback(Streams(7).generator(0, "feedback"), sizes, rule, 2.0, distribution)
    above = (200, 200) if rule is DFA else (300, 200)
    assert [B.shape for B in drawn] == [(above[0], 400), (above[1], 300)]
    for B in drawn:
        unit = B * np.sqrt(B.shape[1]) / 2.0
        assert unit.std() == pytest.approx(1.0, rel=0.02)
        if distribution == "sign" or rule is USF:
            np.testing.assert_allclose(np.abs(unit), 1.0, rtol=1e-12)
        elif distribution == "uniform":
            assert np.abs(unit).max() == pytest.approx(np.sqrt(3), rel=1e-3)
        else:
            assert np.abs(unit).max() > 3.5


def test_last_hidden_layer_hears_the_same_at_every_depth():
    shallow, deep = (
        draw_feedback(Streams(7).generator(0, "feedback"), (5, *[4] * d, 3), rule, 1.0, "gaussian")
        for d, rule in ((1, FA), (3, DFA))
    )
    assert np.array_equal(shallow[0], deep[-1])


def test_the_network_of_song_is_that_of_the_others_in_its_own_scales():
    sizes, scaled = (9, 40, 3), {}
    for name in ("standard", "ntk", "song"):
        scaled[name] = draw_network(Streams(1), 2, sizes, 0.5, False, name).weights
    hidden, output = draw_units(Streams(1), 2, sizes)
    np.testing.assert_array_equal(scaled["song"][0], 0.5 * hidden)
    np.testing.assert_array_equal(scaled["standard"][0], hidden * (0.5 / 3.0))
    for weights in scaled.values():
        np.testing.assert_array_equal(weights[1], output * (0.5 / np.sqrt(40)))
    assert step_rates("song", sizes) == (1.0, 1 / 40)


def test_in_mean_field_outputs_are_over_p_and_steps_times_p():
    sizes = (9, 40, 3)
    hidden, output = draw_units(Streams(1), 2, sizes)
    W, beta = draw_network(Streams(1), 2, sizes, 0.5, False, "mean_field").weights
    np.testing.assert_array_equal(W, 0.5 * hidden)
    np.testing.assert_allclose(beta, output * (0.5 / 40), rtol=1e-15)
    assert step_rates("mean_field", sizes) == (40.0, 40.0 / 40**2)
    for rule in (FA, DFA, USF):
        ours, theirs = (
            draw_feedback(Streams(1).generator(2, "feedback"), sizes, rule, 2.0, "gaussian", name)
            for name in ("mean_field", "song")
        )
        np.testing.assert_allclose(ours[0], theirs[0] / np.sqrt(40), rtol=1e-15)
    assert step_rates("ntk", sizes) == (1 / 9, 1 / 40)
    assert step_rates("standard", sizes) == (1.0, 1.0)


def test_unscaled_draws_are_those_of_the_network_with_one_output():
    shallow, sizes = draw_shallow(Streams(1), 2, 40, 9), (9, 40, 1)
    network = draw_network(Streams(1), 2, sizes, 1.0, False, "song")
    feedback = draw_feedback(Streams(1).generator(2, "feedback"), sizes, FA, 1.0, "gaussian")
    np.testing.assert_array_equal(network.weights[0], shallow.hidden)
    np.testing.assert_array_equal(network.weights[1][0], shallow.output * (1 / np.sqrt(40)))
    np.testing.assert_array_equal(feedback[0][0], shallow.feedback * (1 / np.sqrt(40)))
