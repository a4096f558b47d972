"""Teacher-student data: the right distributions, and streams that settings do not disturb."""

import numpy as np
import pytest
from scipy import special, stats

from feedback_alignment.data.draw import draw
from feedback_alignment.data.teacher_student import draw_replicate
from feedback_alignment.streams import generator


def test_inputs_belong_to_the_replicate_alone():
    first, *others = (
        draw_replicate(3, 1, activation, width, 10, 5)[0]
        for activation, width in (("linear", 10), ("linear", 1000), ("relu", 10), ("tanh", 30))
    )
    for other in others:
        assert np.array_equal(first, other)


def test_a_block_is_its_replicates():
    sizes = {"activation": "relu", "width": 30, "samples": 6, "dimension": 4}
    settings = {"data": "teacher_student", **sizes}
    inputs, targets = draw(settings, 0, [4, 2, 9]).values()
    assert inputs.shape == (3, 6, 4)
    assert targets.shape == (3, 6)
    alone = draw(settings, 0, [2])
    assert np.array_equal(inputs[1], alone["inputs"][0])
    assert np.array_equal(targets[1], alone["targets"][0])


def test_unknown_activation():
    settings = {"data": "teacher_student", "width": 3, "samples": 2, "dimension": 2}
    with pytest.raises(ValueError, match="'rleu'"):
        draw(settings | {"activation": "rleu"}, 0, [0])


PSI = {
    "relu": lambda h: np.maximum(h, 0),
    "tanh": np.tanh,
    "erf": special.erf,
    "softplus": lambda h: np.logaddexp(0, h),
}


@pytest.mark.parametrize("activation", PSI)
def test_targets_come_from_a_network_of_the_same_kind(activation):
    inputs, targets = draw_replicate(0, 0, activation, 40, 8, 5)
    teacher = generator(0, 0, "teacher")
    W, beta = teacher.standard_normal((40, 5)), teacher.standard_normal(40)
    expected = PSI[activation](inputs @ W.T) @ beta / np.sqrt(40)
    np.testing.assert_allclose(targets, expected, rtol=1e-12)


DRAWS = 3000


def explicit_directions(width: int, dimension: int) -> np.ndarray:
    """Draws of W^T beta / sqrt(p) by its definition."""
    rng = np.random.default_rng(5)
    W, beta = rng.standard_normal((DRAWS, width, dimension)), rng.standard_normal((DRAWS, width))
    return np.vecmat(beta, W) / np.sqrt(width)


# At small widths the factor from |beta| spreads widely, so that a wrong one shows.
@pytest.mark.parametrize("width", [1, 2])
def test_a_linear_teacher_drawn_by_reduction_has_the_distribution_of_a_network(width):
    reduced = np.empty((DRAWS, 4))
    for replicate in range(DRAWS):
        reduced[replicate] = np.linalg.solve(*draw_replicate(0, replicate, "linear", width, 4, 4))
    explicit = explicit_directions(width, 4)
    statistics = {
        "length": lambda u: np.square(u).sum(axis=1),
        "entry": lambda u: u[:, 0],
        "sum": lambda u: u.sum(axis=1),
    }
    for name, statistic in statistics.items():
        p_value = stats.ks_2samp(statistic(reduced), statistic(explicit)).pvalue
        assert p_value > 1e-3, name
    # A degree of freedom too many, at the same mean, would be found.
    factor = np.random.default_rng(6).chisquare(width + 1, DRAWS) / (width + 1)
    wrong = np.random.default_rng(7).chisquare(4, DRAWS) * factor
    assert stats.ks_2samp(wrong, statistics["length"](explicit)).pvalue < 1e-3


def test_a_linear_teacher_may_have_any_width():
    _, targets = draw_replicate(0, 0, "linear", 10**8, 50, 150)
    assert 3 < targets.std() < 30
