"""The configs that come with the project say what they promise."""

from pathlib import Path

import pytest

from feedback_alignment.config import load_config
from feedback_alignment.jobs import known_figures

ROOT = Path(__file__).parents[2]


def shipped(name):
    return load_config([ROOT / f"config/{name}.yaml"], known_figures=known_figures(ROOT))


@pytest.mark.parametrize("name", ["config", "smoke", "full", "seeds", "paper", "paper_gpu"])
def test_shipped_configs_feed_every_figure(name):
    config = shipped(name)
    assert config.name == {"config": "laptop", "paper_gpu": "paper-gpu"}.get(name, name)
    # MNIST must be downloaded, and takes hours.
    assert known_figures(ROOT).keys() - set(config.figures) == (
        set() if name.startswith("paper") else {"song_mnist"}
    )


@pytest.mark.parametrize("name", ["config", "smoke", "full", "seeds"])
def test_shipped_configs_need_no_network(name):
    sources = {c.data for e in shipped(name).experiments for c in e.conditions}
    assert sources == {"teacher_student", "linear_teacher", "noise", "digits", "digits_in_order"}


@pytest.mark.parametrize("name", ["mnist", "paper", "paper_gpu"])
def test_song_2021_is_run_on_mnist_where_the_config_says_so(name):
    experiment = next(e for e in shipped(name).experiments if e.name == "song_mnist")
    assert {c.data for c in experiment.conditions} == {"mnist"}
    assert {(c.samples, c.dimension, c.width) for c in experiment.conditions} == {
        (60_000, 784, 1000)
    }


@pytest.mark.parametrize(
    ("name", "replicates", "widths"),
    [("config", 10, 4), ("full", 30, 4), ("paper", 50, 7), ("paper_gpu", 50, 7)],
)
@pytest.mark.parametrize(
    ("activation", "eta", "decays"),
    [
        ("linear", 1e-3, {0, 0.2, 0.3, 0.5}),
        ("relu", 1e-2, {0, 0.02, 0.05, 0.2}),
        ("tanh", 1e-1, {0, 0.001, 0.002, 0.005}),
        ("sigmoid", 1e-1, {0, 0.001, 0.003, 0.01}),
    ],
)
def test_song_2021_is_run_as_its_authors_ran_it(name, replicates, widths, activation, eta, decays):
    names = [f"song_alignment_{activation}{end}" for end in ("", "_wide")]
    found = [e for e in shipped(name).experiments if e.name in names]
    if activation == "sigmoid" and not name.startswith("paper"):
        assert not found
        return
    # The widest of the paper config, where they have an experiment of their own, have fewer.
    assert [e.replicates for e in found] == [replicates, 20][: len(found)]
    least = [5050, 7142, 10101, 14285, 20203, 28571, 40406][:widths]
    conditions = [c for experiment in found for c in experiment.conditions]
    assert {(c.width, c.settle_after) for c in conditions} == {
        (200 * 2**k, steps) for k, steps in enumerate(least)
    }
    assert {c.l2 for c in conditions} == decays
    assert len(conditions) == 4 * widths
    shared = {
        (c.activation, c.eta, c.loss_function, c.samples, c.dimension, c.rule, c.parametrisation)
        for c in conditions
    }
    assert shared == {(activation, eta, "mse", 50, 150, "fa", "song")}
    assert {(c.settle_window, c.settle_loss_change) for c in conditions} == {(1000, 1e-3)}
    data, dtype = (
        ("linear_teacher", "float64") if activation == "linear" else ("teacher_student", "float32")
    )
    assert {(c.data, c.dtype) for c in conditions} == {(data, dtype)}


AUTHORS = [
    *(f"song_alignment_{activation}" for activation in ("linear", "relu", "tanh", "sigmoid")),
    *(f"song_loss_{activation}" for activation in ("linear", "relu", "tanh")),
    *("song_mnist", "song_digits", "song_alignment_relu_wide", "song_alignment_tanh_wide"),
]
CASES = {
    **{name: {"authors"} for name in AUTHORS},
    "song_printed_steps": {"printed"},
    "chu_alignment": {"trained", "fresh_feedback", "frozen_hidden", "tied"},
    "chu_feedback_scale": {"trained"},
    "chu_fixed_points": {"interpolating", "narrow", "wide", "then_bp"},
    "chu_stability": {"bp_tied", "bp_random", "bp_alone", "fa_own", "fa_fresh", "bp_random_wide"},
    "chu_alignment_performance": {
        *("trained", "frozen_hidden", "random_features", "fresh_feedback"),
    },
    "chu_search": {"search"},
    "chu_search_direct": {"search_direct"},
    "chu_descent": {"trained", "frozen_hidden"},
}


@pytest.mark.parametrize("name", ["config", "smoke", "full", "mnist", "paper"])
def test_every_role_has_its_case(name):
    for experiment in shipped(name).experiments:
        cases = {condition.case for condition in experiment.conditions}
        assert cases == CASES.get(experiment.name, {""}), experiment.name
