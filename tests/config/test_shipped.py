"""The configs that come with the project say what they promise."""

from pathlib import Path

import pytest

from feedback_alignment.config import load_config
from feedback_alignment.jobs import known_figures

ROOT = Path(__file__).parents[2]


def shipped(name):
    return load_config([ROOT / f"config/{name}.yaml"], known_figures=known_figures(ROOT))


@pytest.mark.parametrize("name", ["config", "smoke", "paper"])
def test_shipped_configs_feed_every_figure(name):
    config = shipped(name)
    assert config.name == {"config": "laptop"}.get(name, name)
    assert set(config.figures) == known_figures(ROOT).keys()


@pytest.mark.parametrize("name", ["config", "smoke"])
def test_shipped_configs_need_no_network(name):
    sources = {c.data for e in shipped(name).experiments for c in e.conditions}
    assert sources == {"teacher_student", "digits", "digits_in_order"}


@pytest.mark.parametrize("name", ["mnist", "paper"])
def test_song_2021_is_run_on_mnist_where_the_config_says_so(name):
    experiment = next(e for e in shipped(name).experiments if e.name == "song_mnist")
    assert {c.data for c in experiment.conditions} == {"mnist"}
    assert {(c.samples, c.dimension, c.width) for c in experiment.conditions} == {
        (60_000, 784, 1000)
    }


def test_paper_config_has_the_papers_step_sizes_and_widths():
    width = next(e for e in shipped("paper").experiments if e.name == "song_width")
    eta = {(c.activation, c.eta) for c in width.conditions}
    assert eta == {("linear", 1e-4), ("relu", 1e-3), ("tanh", 1e-2)}
    assert sorted({c.width for c in width.conditions}) == [100 * 2**k for k in range(1, 8)]
    assert {(c.samples, c.dimension) for c in width.conditions} == {(50, 150)}
    assert width.replicates == 50


CASES = {
    "chu_alignment": {"trained", "fresh_feedback", "frozen_hidden", "tied"},
    "chu_fixed_points": {"interpolating", "narrow", "wide", "then_bp"},
    "chu_stability": {"bp_tied", "bp_random", "bp_alone", "fa_own", "fa_fresh", "bp_random_wide"},
    "chu_alignment_performance": {"trained", "frozen_hidden", "random_features"},
    "chu_search": {"search"},
    "chu_descent": {"trained", "frozen_hidden"},
}


@pytest.mark.parametrize("name", ["config", "smoke", "mnist", "paper"])
def test_every_role_has_its_case(name):
    for experiment in shipped(name).experiments:
        cases = {condition.case for condition in experiment.conditions}
        assert cases == CASES.get(experiment.name, {""}), experiment.name
