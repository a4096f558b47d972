"""An experiment expands to the conditions that it names; the small configs of .test/ show how."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from feedback_alignment.config import load_config, parse_config, replicate_blocks

ROOT = Path(__file__).parents[2]
FIGURES = {"curves": True, "widths": True, "drawing": False}


def minimal(**experiment):
    """A config with one experiment; keyword arguments replace the experiment's keys."""
    entry = {
        "figures": ["curves"],
        "settings": {"steps": 100},
        "grid": {"rule": ["bp", "fa"], "width": [10, 20]},
    }
    return {"name": "tiny", "experiments": {"first": entry | experiment}}


def parse(content):
    return parse_config(content, FIGURES)


def conditions(content):
    return parse(content).experiments[0].conditions


def example(name):
    """The conditions of a config of .test/, by experiment."""
    config = load_config([ROOT / f".test/{name}.yaml"], known_figures={})
    return {experiment.name: experiment.conditions for experiment in config.experiments}


def test_grid_is_every_combination_in_order():
    found = [(c.rule, c.width) for c in conditions(minimal())]
    assert found == [("bp", 10), ("bp", 20), ("fa", 10), ("fa", 20)]


def test_defaults_come_from_the_schema():
    config = parse(minimal())
    assert (config.seed, config.block, config.experiments[0].replicates) == (2021, 4, 8)
    assert config.experiments[0].conditions[0].samples == 50
    assert config.figures == ("curves", "drawing")


def test_when_matches_a_preset_by_its_name():
    content = minimal(
        grid={"rule": ["fa", "fa_reg"]}, when=[{"match": {"rule": "fa_reg"}, "set": {"width": 7}}]
    )
    assert [c.width for c in conditions(content)] == [200, 7]


@given(st.integers(1, 200), st.integers(1, 50))
def test_blocks_cover_each_replicate_once_and_grow_by_whole_blocks(replicates, block):
    blocks = list(replicate_blocks(replicates, block))
    assert [r for b in blocks for r in b] == list(range(replicates))
    more = list(replicate_blocks(replicates + block, block))
    assert more[: replicates // block] == blocks[: replicates // block]


def test_when_include_and_exclude():
    found = [(c.activation, c.width, c.eta, c.l2) for c in example("exceptions")["only"]]
    assert found == [
        ("relu", 10, 0.001, 0),
        ("tanh", 10, 0.5, 0),
        ("tanh", 20, 0.25, 0),
        ("relu", 30, 0.001, 1),
    ]


def test_a_preset_is_a_rule_with_settings():
    found = [(c.rule, c.l2, c.schedule, c.cutoff_step) for c in example("presets")["as_a_rule"]]
    assert found == [("fa", 0, "none", None), ("bp", 1, "cutoff", 50)]


def test_presets_are_settings_and_the_last_wins():
    found = [(c.samples, c.dimension, c.width) for c in example("presets")["as_settings"]]
    assert found == [(5, 3, 8), (5, 4, 6)]


def test_a_case_comes_from_settings_when_and_include():
    assert [c.case for c in example("cases")["only"]] == ["trained", "wide", "wider", ""]


def test_an_axis_may_have_a_step_and_never():
    plain, *others = example("interventions")["only"]
    settings = {"parametrisation": "standard", "loss_function": "half_mean", "steps": 100}
    (alone,) = conditions(minimal(settings=settings, grid={"rule": ["fa"]}))
    assert plain == alone
    assert len(others) == 15


def test_what_matches_nothing_is_noted_and_allowed():
    content = minimal(
        when=[{"match": {"width": 10}, "set": {"eta": 1}}, {"match": {"l2": 1}, "set": {"eta": 1}}],
        exclude=[{"width": 20}, {"rule": "bp", "width": [20]}, {"rule": "dfa"}],
    )
    config = parse(content)
    assert len(config.experiments[0].conditions) == 2
    assert config.notes == (
        "experiments.first.when[1].match: it fits no condition",
        "experiments.first.exclude[2]: it fits no condition",
    )
