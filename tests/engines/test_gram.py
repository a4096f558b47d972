"""Wishart draws of a linear network's Gram matrix have the distribution of explicit weights."""

import numpy as np
import pytest
from scipy import stats
from small_runs import drawn, song

from feedback_alignment.engines.gram import explicit_gram, wishart_gram
from feedback_alignment.networks.parameters import draw_shallow
from feedback_alignment.simulate import simulate
from feedback_alignment.streams import Streams

SAMPLES, DIMENSION, DRAWS = 4, 7, 600
INPUTS = np.random.default_rng(0).standard_normal((SAMPLES, DIMENSION))
POWERS, MODES = np.linalg.eigh(INPUTS @ INPUTS.T)


def wishart_draws(width: int) -> np.ndarray:
    return np.array([wishart_gram(POWERS, Streams(1), r, width) for r in range(DRAWS)])


def explicit_draws(width: int) -> np.ndarray:
    return np.array([explicit_gram(MODES, INPUTS, Streams(2), r, width) for r in range(DRAWS)])


def whitened(grams: np.ndarray, width: int) -> np.ndarray:
    """The draws as Wishart matrices of unit scale."""
    deviations = np.sqrt(np.concatenate([POWERS, [1.0, 1.0]]))
    return width * grams / np.outer(deviations, deviations)


def test_the_explicit_gram_is_that_of_the_weights():
    network = draw_shallow(Streams(3), 5, 11, DIMENSION)
    columns = network.hidden @ INPUTS.T @ MODES, network.output, network.feedback
    basis = np.column_stack(columns)
    expected = basis.T @ basis / 11
    np.testing.assert_allclose(explicit_gram(MODES, INPUTS, Streams(3), 5, 11), expected)


@pytest.mark.parametrize("width", [6, 12, 60])
def test_diagonals_have_as_many_degrees_of_freedom_as_units(width):
    # Under W(p, I) the diagonal entries are independent chi-square variables.
    entries = np.diagonal(whitened(wishart_draws(width), width), axis1=1, axis2=2).ravel()
    assert stats.kstest(entries, stats.chi2(width).cdf).pvalue > 1e-3
    for wrong in (width - 2, width + 2):
        assert stats.kstest(entries, stats.chi2(wrong).cdf).pvalue < 1e-6


@pytest.mark.parametrize("width", [6, 12, 60])
def test_determinants_have_the_distribution_of_bartlett(width):
    # log det is a sum of logarithms of chi-square variables of p, p - 1, ... degrees of freedom.
    logs = np.linalg.slogdet(whitened(wishart_draws(width), width))[1]
    freedom = width - np.arange(SAMPLES + 2)
    right, wrong = (
        np.log(np.random.default_rng(4).chisquare(degrees, (20_000, degrees.size))).sum(axis=1)
        for degrees in (freedom, freedom + 1)
    )
    assert stats.ks_2samp(logs, right).pvalue > 1e-3
    assert stats.ks_2samp(logs, wrong).pvalue < 1e-3


@pytest.mark.parametrize("width", [3, 6, 25])
def test_joint_statistics_match_explicit_weights(width):
    drawn, explicit = wishart_draws(width), explicit_draws(width)
    statistics = {
        "beta on b": lambda M: M[:, -1, -2],
        "H on beta": lambda M: M[:, 0, -2],
        "H on H": lambda M: M[:, 0, 1],
        "least eigenvalue": lambda M: np.linalg.eigvalsh(M)[:, -min(width, SAMPLES + 2)],
        "greatest eigenvalue": lambda M: np.linalg.eigvalsh(M)[:, -1],
        "beta through H": lambda M: np.vecdot(M[:, :4, -2], np.matvec(M[:, :4, :4], M[:, :4, -1])),
    }
    for name, statistic in statistics.items():
        assert stats.ks_2samp(statistic(drawn), statistic(explicit)).pvalue > 1e-3, name


@pytest.mark.parametrize("width", [1, 3, 5, 6])
def test_narrow_networks_have_a_gram_of_their_rank(width):
    eigenvalues = np.linalg.eigvalsh(wishart_draws(width))
    assert (np.abs(eigenvalues[:, :-width]) < 1e-12).all()
    assert (eigenvalues[:, -width:] > 1e-12).all()


def test_wide_networks_stay_well_conditioned():
    gram = wishart_gram(POWERS, Streams(0), 0, 10**8)
    np.testing.assert_allclose(gram, np.diag([*POWERS, 1.0, 1.0]), atol=1e-2)
    assert 0 < abs(gram[-1, -2]) < 1e-3


def test_trained_networks_have_the_distribution_of_explicit_weights():
    settings = {"activation": "linear", "engine": "linear", "width": 12, "l2": 1.0}
    settings |= {"schedule": "constant", "steps": 200, "eta": 2e-3}
    replicates = range(400)
    wishart, explicit = (
        simulate(case, drawn(case, replicates, 11), replicates, seed=11)
        for case in (song(weights=weights, **settings) for weights in ("wishart", "explicit"))
    )
    for metric in (
        ("weight_alignment", "output"),
        ("loss", ""),
        ("beta_norm", "output"),
        ("hidden_norm", "hidden"),
    ):
        ends = wishart.values[metric][:, -1], explicit.values[metric][:, -1]
        assert stats.ks_2samp(*ends).pvalue > 1e-3, metric
