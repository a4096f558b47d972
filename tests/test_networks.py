"""Initial weights and the forward pass of two-layer networks."""

import numpy as np

from feedback_alignment.networks.activations import ACTIVATIONS
from feedback_alignment.networks import draw_two_layer, predict


def test_a_narrow_network_is_the_start_of_a_wide_one():
    narrow, wide = (draw_two_layer(1, 2, width, 9) for width in (20, 50))
    assert np.array_equal(narrow.hidden, wide.hidden[:20])
    assert np.array_equal(narrow.output, wide.output[:20])
    assert np.array_equal(narrow.feedback, wide.feedback[:20])


def test_weights_are_standard_normal_and_unrelated():
    network = draw_two_layer(0, 0, 20_000, 3)
    columns = np.column_stack([network.hidden, network.output, network.feedback])
    np.testing.assert_allclose(columns.mean(axis=0), 0.0, atol=0.04)
    np.testing.assert_allclose(np.cov(columns.T), np.eye(5), atol=0.05)


def test_predict_sums_over_units():
    network = draw_two_layer(0, 0, 6, 4)
    X = np.random.default_rng(0).standard_normal((5, 4))
    expected = [
        sum(b * np.tanh(w @ x) for w, b in zip(network.hidden, network.output, strict=True))
        / np.sqrt(6)
        for x in X
    ]
    outputs = predict(network.hidden, network.output, X, ACTIVATIONS["tanh"])
    np.testing.assert_allclose(outputs, expected, rtol=1e-13)
