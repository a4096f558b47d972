"""Synthetic data: the right distributions, and streams that settings do not disturb."""

import numpy as np
import pytest
from scipy import special, stats

from feedback_alignment.data.draw import draw
from feedback_alignment.data.synthetic import linear_teacher, noise, teacher_student
from feedback_alignment.streams import Streams


def test_inputs_know_nothing_of_the_activation_and_the_teacher():
    streams = Streams(3, 30, 10)
    first, *others = (
        teacher_student(streams, 1, activation, 30, 10, 5)[0]
        for activation in ("linear", "relu", "tanh")
    )
    for other in (*others, linear_teacher(streams, 1, 10, 5)[0], noise(streams, 1, 10, 5)[0]):
        assert np.array_equal(first, other)


@pytest.mark.parametrize("data", ["teacher_student", "linear_teacher", "noise"])
@pytest.mark.parametrize("other", [{"width": 40}, {"samples": 60}], ids=str)
def test_each_size_has_data_of_its_own(data, other):
    sizes = {"width": 30, "samples": 50, "dimension": 90} | {"activation": "relu"}
    first, second = (
        draw({"data": data, **sizes, **change}, 0, [0])["inputs"][0, :50].ravel()
        for change in ({}, other)
    )
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(first.size)


def test_a_linear_teacher_is_a_normal_direction():
    inputs, targets = draw(
        {"data": "linear_teacher", "width": 7, "samples": 9, "dimension": 9}, 0, range(800)
    ).values()
    theta = np.linalg.solve(inputs, targets[..., None]).ravel()
    assert stats.kstest(theta, "norm").pvalue > 1e-3


def test_noise_is_normal_and_knows_nothing_of_the_inputs():
    settings = {"data": "noise", "width": 7, "samples": 9, "dimension": 4}
    inputs, targets = draw(settings, 0, range(800)).values()
    assert stats.kstest(targets.ravel(), "norm").pvalue > 1e-3
    cosines = np.vecdot(inputs, targets[..., None], axis=1).ravel()
    cosines /= np.linalg.norm(inputs, axis=1).ravel() * np.linalg.norm(targets, axis=1).repeat(4)
    # That of independent normal vectors of length 9 has variance 1/9.
    assert abs(cosines.mean()) < 4 / 3 / np.sqrt(cosines.size)
    assert np.square(cosines).mean() == pytest.approx(1 / 9, rel=0.1)


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
    "sigmoid": special.expit,
    "softplus": lambda h: np.logaddexp(0, h),
}


@pytest.mark.parametrize("activation", PSI)
def test_targets_come_from_a_network_of_the_same_kind(activation):
    inputs, targets = teacher_student(Streams(0), 0, activation, 40, 8, 5)
    teacher = Streams(0).generator(0, "teacher")
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
        pair = teacher_student(Streams(0), replicate, "linear", width, 4, 4)
        reduced[replicate] = np.linalg.solve(*pair)
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
    _, targets = teacher_student(Streams(0), 0, "linear", 10**8, 50, 150)
    assert 3 < targets.std() < 30
