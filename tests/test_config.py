"""Bad input gets one clear line; good input expands to the conditions it names."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import feedback_alignment.conditions as conditions_module
from feedback_alignment.conditions import LINEAR_ENGINE_SERVES
from feedback_alignment.config import (
    ConfigError,
    load_config,
    parse_config,
    read_yaml,
    replicate_blocks,
)
from feedback_alignment.intervention_steps import COMPANIONS
from feedback_alignment.jobs import known_figures
from feedback_alignment.simulate.linear import LINEAR_ENGINES

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((ROOT / "workflow/schemas/config.schema.json").read_text())
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
    return parse_config(content, SCHEMA, FIGURES)


def conditions(content):
    return parse(content).experiments[0].conditions


def test_grid_is_every_combination_in_order():
    found = [(c.rule, c.width) for c in conditions(minimal())]
    assert found == [("bp", 10), ("bp", 20), ("fa", 10), ("fa", 20)]


def test_defaults_come_from_the_schema():
    config = parse(minimal())
    assert (config.seed, config.block, config.experiments[0].replicates) == (2021, 4, 8)
    assert config.experiments[0].conditions[0].samples == 50
    assert config.figures == ("curves", "drawing")


def test_include_adds_single_conditions_and_exclude_takes_some_away():
    content = minimal(
        include=[{"rule": "fa", "width": 30, "l2": 1}], exclude=[{"rule": "bp", "width": [20]}]
    )
    found = [(c.rule, c.width, c.l2) for c in conditions(content)]
    assert found == [("bp", 10, 0), ("fa", 10, 0), ("fa", 20, 0), ("fa", 30, 1)]


def test_equal_conditions_are_one():
    content = minimal(grid={"rule": ["fa"], "schedule": ["none", "constant"], "l2": [0, 0.5]})
    assert [(c.schedule, c.l2) for c in conditions(content)] == [("none", 0), ("constant", 0.5)]


def test_when_sets_by_match_and_the_last_wins():
    content = minimal(
        grid={"activation": ["relu", "tanh"], "width": [10, 20]},
        when=[
            {"match": {"activation": "tanh"}, "set": {"eta": 0.5}},
            {"match": {"activation": ["tanh", "relu"], "width": 20}, "set": {"eta": 0.25}},
        ],
    )
    assert [c.eta for c in conditions(content)] == [0.001, 0.25, 0.5, 0.25]


def test_when_matches_a_shorthand_by_its_name():
    content = minimal(
        grid={"rule": ["fa", "fa_reg"]}, when=[{"match": {"rule": "fa_reg"}, "set": {"width": 7}}]
    )
    assert [c.width for c in conditions(content)] == [200, 7]


def test_a_shorthand_is_a_rule_with_settings():
    content = minimal(grid={"rule": ["fa", "fa_reg", "late"]})
    content["shorthands"] = {
        "fa_reg": {"rule": "fa", "l2": 0.3},
        "late": {"rule": "bp", "l2": 1, "schedule": "cutoff", "cutoff_step": 50},
    }
    found = [(c.rule, c.l2, c.schedule, c.cutoff_step) for c in conditions(content)]
    assert found == [
        ("fa", 0, "none", None),
        ("fa", 0.3, "constant", None),
        ("bp", 1, "cutoff", 50),
    ]


def test_numbers_of_either_spelling_are_the_same_condition():
    by_float, by_int = (
        conditions(minimal(grid={"width": [width], "l2": [l2]}))[0]
        for width, l2 in ((1e2, 1), (100, 1.0))
    )
    assert by_float.identifier(1) == by_int.identifier(1)


@pytest.mark.parametrize("setting", sorted({*SCHEMA["$defs"]["settings"]["properties"]} - {"case"}))
def test_every_setting_is_in_the_identifier(setting):
    other = {
        "rule": "bp", "l2": 0.7, "schedule": "none", "cutoff_step": 60,
        "activation": "tanh",
        "width": 11, "samples": 9, "dimension": 8, "eta": 0.5, "steps": 101,
        "engine": "autograd", "weights": "wishart", "dtype": "float32", "points_per_decade": 3,
        "linear_points": 4, "kernels": True, "settle_tolerance": 0.5, "settle_window": 5,
        "settle_floor": 0.5,
        # Of an MLP.
        "decay_layers": "all", "depth": 2, "bias": True, "parametrisation": "ntk",
        "loss_function": "cross_entropy", "init_scale": 2, "feedback_scale": 2,
        "feedback_distribution": "sign", "data": "digits_in_order", "scaling": "centred",
        "validation_samples": 5, "batch_size": 5, "switch_step": 3, "switch_rule": "dfa",
        "redraw_step": 3, "redraw_every": 2, "tie_step": 3, "tie_angle": 9, "tie_every": 2,
        "perturb_step": 3, "perturb_size": 0.1, "freeze_step": 3, "metric_samples": 4,
        "null_alignment": True, "descent": True, "spectrum": True, "eigenvalues": True,
    }  # fmt: skip
    base = {"l2": 0.5, "schedule": "cutoff", "cutoff_step": 50, "steps": 100}
    if setting in {*conditions_module.MLP_ONLY, "parametrisation", "loss_function"} or any(
        setting in companions for companions in COMPANIONS.values()
    ):
        base |= {
            "parametrisation": "standard",
            "loss_function": "half_mean",
            "data": "digits",
            "samples": 20,
            "switch_rule": "kp",
        }
        base |= dict.fromkeys(("switch_step", "redraw_step", "tie_step", "perturb_step"), 7)
        base["perturb_size"] = 0.5
        base["spectrum"] = setting == "eigenvalues"
    if setting.startswith("settle"):
        base["settle_window"] = 9
    if setting == "weights":
        base["activation"] = "linear"
    one, two = (
        conditions({"name": "t", "experiments": {"e": {"settings": s, "include": [{}]}}})[0]
        for s in (base, base | {setting: other[setting]})
    )
    assert one.identifier(1) != two.identifier(1)
    assert one.identifier(1) != one.identifier(2)


BAD = {
    "unknown key": (
        lambda c: c.update(replicats=3),
        "replicats: unknown key; allowed: name, seed, block, device, data_sources, figures, "
        "shorthands, experiments",
    ),
    "misspelt key": (
        lambda c: c["experiments"]["first"].update(replicats=3),
        'experiments.first.replicats: unknown key; did you mean "replicates"?; allowed: figures, ',
    ),
    "misspelt axis": (
        lambda c: c["experiments"]["first"]["grid"].update(widht=[3]),
        'experiments.first.grid.widht: unknown key; did you mean "width"?; allowed: case, ',
    ),
    "misspelt setting": (
        lambda c: c["experiments"]["first"]["settings"].update(stpes=3),
        'experiments.first.settings.stpes: unknown key; did you mean "steps"?',
    ),
    "misspelt match": (
        lambda c: c["experiments"]["first"].update(
            when=[{"match": {"activaton": "relu"}, "set": {"eta": 1}}]
        ),
        'experiments.first.when[0].match.activaton: unknown key; did you mean "activation"?',
    ),
    "missing name": (lambda c: c.pop("name"), "name: missing; this key is required"),
    "no experiments": (
        lambda c: c.update(experiments={}),
        "experiments: {} is not allowed; allowed: at least one entry",
    ),
    "text for a number": (
        lambda c: c["experiments"]["first"]["settings"].update(eta="fast"),
        'experiments.first.settings.eta: "fast" is not allowed; allowed: a number, more than 0',
    ),
    "number for a list": (
        lambda c: c["experiments"]["first"]["grid"].update(width=100),
        "experiments.first.grid.width: 100 is not allowed; allowed: a list",
    ),
    "true for a number": (
        lambda c: c["experiments"]["first"].update(replicates=True),
        "experiments.first.replicates: true is not allowed; allowed: a whole number, 1 or more",
    ),
    "fraction for a whole number": (
        lambda c: c["experiments"]["first"]["grid"].update(width=[10.5]),
        "experiments.first.grid.width[0]: 10.5 is not allowed; allowed: a whole number, 1 or more",
    ),
    "negative width": (
        lambda c: c["experiments"]["first"]["grid"].update(width=[10, -1]),
        "experiments.first.grid.width[1]: -1 is not allowed; allowed: 1 or more",
    ),
    "zero eta": (
        lambda c: c["experiments"]["first"]["settings"].update(eta=0),
        "experiments.first.settings.eta: 0 is not allowed; allowed: more than 0",
    ),
    "no replicates": (
        lambda c: c["experiments"]["first"].update(replicates=0),
        "experiments.first.replicates: 0 is not allowed; allowed: 1 or more",
    ),
    "infinite": (
        lambda c: c["experiments"]["first"]["settings"].update(eta=float("inf")),
        "experiments.first.settings.eta: inf is not allowed; allowed: a finite number",
    ),
    "value twice": (
        lambda c: c["experiments"]["first"]["grid"].update(width=[10, 10]),
        "experiments.first.grid.width: [10, 10] is not allowed; allowed: each value once",
    ),
    "empty axis": (
        lambda c: c["experiments"]["first"]["grid"].update(width=[]),
        "experiments.first.grid.width: [] is not allowed; allowed: at least one value",
    ),
    "cutoff after the last step": (
        lambda c: c["experiments"]["first"]["settings"].update(
            l2=1, schedule="cutoff", cutoff_step=100
        ),
        "experiments.first.settings.cutoff_step: 100 is not before the last step; "
        "allowed: 1 to 99 (steps is 100)",
    ),
    "cutoff without a step": (
        lambda c: c["experiments"]["first"]["settings"].update(l2=1, schedule="cutoff"),
        "experiments.first.settings.cutoff_step: missing; schedule cutoff needs",
    ),
    "unknown rule": (
        lambda c: c["experiments"]["first"]["grid"].update(rule=["fa_rge"]),
        'experiments.first.grid.rule[0]: unknown rule "fa_rge"; did you mean "fa_reg"?; ',
    ),
    "unknown activation": (
        lambda c: c["experiments"]["first"]["settings"].update(activation="rleu"),
        'experiments.first.settings.activation: unknown activation "rleu"; did you mean "relu"?',
    ),
    "unknown schedule": (
        lambda c: c["experiments"]["first"]["settings"].update(schedule="cutof"),
        'experiments.first.settings.schedule: "cutof" is not allowed; did you mean "cutoff"?; '
        "allowed: constant, cutoff, none",
    ),
    "engine that does not serve": (
        lambda c: c["experiments"]["first"]["settings"].update(engine="linear"),
        "experiments.first.settings.engine: linear does not serve activation relu; allowed: ",
    ),
    "wishart for relu": (
        lambda c: c["experiments"]["first"]["settings"].update(weights="wishart"),
        "experiments.first.settings.weights: wishart needs the linear engine",
    ),
    "name out of the results": (
        lambda c: c.update(name="../elsewhere"),
        'name: "../elsewhere" is not allowed as a name; allowed: letters, digits, _ and -',
    ),
    "experiment out of the results": (
        lambda c: c["experiments"].update({"../x": c["experiments"].pop("first")}),
        'experiments: "../x" is not allowed as a name; allowed: letters, digits, _ and -',
    ),
    "on as a name": (
        lambda c: c.update(name="on"),
        'name: "on" is not allowed as a name, since YAML may read it as true or false',
    ),
    "true as a name": (
        lambda c: c.update(name=True),
        "name: true is not allowed; allowed: text",
    ),
    "a key that is no text": (
        lambda c: c["experiments"].update({1: {}}),
        "experiments.1: the key is not text; put it in quotes",
    ),
    "experiment that feeds a missing figure": (
        lambda c: c["experiments"]["first"].update(figures=["curvs"]),
        'experiments.first.figures[0]: unknown figure "curvs"; did you mean "curves"?; allowed: ',
    ),
    "experiment that feeds a drawing": (
        lambda c: c["experiments"]["first"].update(figures=["drawing"]),
        "experiments.first.figures[0]: drawing is a drawing; it reads no table",
    ),
    "figure that is not drawn": (
        lambda c: c.update(figures=["drawing"]),
        "experiments.first.figures: curves is missing from `figures`; add it there",
    ),
    "figure without its experiment": (
        lambda c: c.update(figures=["curves", "widths"]),
        "figures[1]: no experiment feeds widths; name it under `figures` of an experiment",
    ),
    "no condition": (
        lambda c: c["experiments"]["first"].update(grid={}),
        "experiments.first: there is no condition; give it a grid or an include list",
    ),
    "everything excluded": (
        lambda c: c["experiments"]["first"].update(exclude=[{"rule": ["bp", "fa"]}]),
        "experiments.first.exclude: it leaves no condition",
    ),
    "a name of two lines": (
        lambda c: c.update(name="a\n"),
        'name: "a\\n" is not allowed as a name; allowed: letters',
    ),
    "a name too long for a file": (
        lambda c: c.update(name="a" * 300),
        'name: "aaaa',
    ),
    "steps beyond counting": (
        lambda c: c["experiments"]["first"]["settings"].update(steps=10**20),
        "experiments.first.settings.steps: 100000000000000000000 is not allowed; allowed: ",
    ),
    "a replicate too many": (
        lambda c: c["experiments"]["first"].update(replicates=10**12),
        "experiments.first.replicates: 1000000000000 is not allowed; allowed: 100000 or less",
    ),
    "weights beyond memory": (
        lambda c: c["experiments"]["first"]["grid"].update(width=[10, 1e11]),
        "experiments.first.grid.width: 1e+11 is too wide for weights explicit; allowed: 3333333",
    ),
    "misspelt value in a match": (
        lambda c: c["experiments"]["first"].update(
            when=[{"match": {"activation": "tahn"}, "set": {"eta": 1}}]
        ),
        'experiments.first.when[0].match.activation: unknown activation "tahn"; did you mean "tan',
    ),
    "misspelt value in exclude": (
        lambda c: c["experiments"]["first"].update(exclude=[{"rule": ["bpp"]}]),
        'experiments.first.exclude[0].rule[0]: unknown rule "bpp"; did you mean "bp"?',
    ),
    "unknown rule in include": (
        lambda c: c["experiments"]["first"].update(include=[{"rule": "xx"}]),
        'experiments.first.include[0].rule: unknown rule "xx"; allowed: ',
    ),
    "contradiction in include": (
        lambda c: c["experiments"]["first"].update(
            include=[{"l2": 1, "schedule": "cutoff", "cutoff_step": 20, "steps": 10}]
        ),
        "experiments.first.include[0].cutoff_step: 20 is not before the last step; allowed: 1 to 9",
    ),
    "when sets an axis": (
        lambda c: c["experiments"]["first"].update(
            when=[{"match": {"rule": "fa"}, "set": {"width": 5}}]
        ),
        "experiments.first.when[0].set.width: width is an axis of the grid",
    ),
    "shorthand and axis": (
        lambda c: c["experiments"]["first"].update(grid={"rule": ["fa_reg"], "l2": [1]}),
        "experiments.first.grid: the shorthand fa_reg sets l2 already; use rule fa where l2 varies",
    ),
    "shorthand of an unknown rule": (
        lambda c: c.update(shorthands={"mine": {"rule": "fb"}}),
        'shorthands.mine.rule: unknown value "fb"; ',
    ),
    "shorthand with the name of a rule": (
        lambda c: c.update(shorthands={"fa": {"rule": "bp"}}),
        'shorthands: "fa" is already the name of a rule',
    ),
    "shorthand without a rule": (
        lambda c: c.update(shorthands={"mine": {"l2": 1}}),
        "shorthands.mine.rule: missing; this key is required",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_config_gets_one_line_that_says_what_is_allowed(case):
    spoil, message = BAD[case]
    content = copy.deepcopy(minimal())
    spoil(content)
    with pytest.raises(ConfigError) as caught:
        parse(content)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


BAD_FILES = {
    "holds itself": ("experiments: &e {e: *e}\n", "nested too deeply, or contains itself"),
    "nested too deeply": ("a: " + "[" * 3000, "nested too deeply, or contains itself"),
    "number too long": ("seed: 1" + "0" * 5000, "a number cannot be read"),
    "key that is no text": ("experiments: {1: 2}\n", "experiments.1: the key is not text"),
    "infinite": ("seed: .inf\n", "seed: inf is not allowed; allowed: a finite number"),
    "empty": ("", "the file is empty"),
    "only a comment": ("# nothing\n", "the file is empty"),
    "broken": ("name: [1\nb: 2\n", "not valid YAML"),
    "tab": ("name: x\n\tb: 2\n", "not valid YAML"),
    "list": ("- a\n- b\n", "the top level must be keys with values, not a list"),
    "duplicate key": ("name: a\nseed: 1\nname: b\n", 'line 3: key "name" stands twice; keep one'),
    "nested duplicate": (
        "name: a\nexperiments:\n  e:\n    grid: {width: [1]}\n    grid: {width: [2]}\n",
        'key "grid" stands twice; keep one',
    ),
    "not text": (b"\xff\xfe\x00", "cannot be read"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_is_named_in_one_line(case, tmp_path):
    text, message = BAD_FILES[case]
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yaml: there is no such file"):
        read_yaml(tmp_path / "absent.yaml")


def test_yaml_numbers_and_words_are_read_as_people_mean_them(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("a: 1e-3\nb: 1e8\non: off\n")
    assert read_yaml(path) == {"a": 0.001, "b": 1e8, "on": "off"}


def test_later_files_and_overrides_win(tmp_path):
    paths = [tmp_path / "one.yaml", tmp_path / "two.yaml"]
    paths[0].write_text(json.dumps(minimal()))
    paths[1].write_text("seed: 5\nexperiments: {first: {replicates: 3}}\n")
    schema = ROOT / "workflow/schemas/config.schema.json"
    config = load_config(paths, schema=schema, known_figures=FIGURES, overrides={"name": "other"})
    assert (config.name, config.seed, config.experiments[0].replicates) == ("other", 5, 3)
    assert len(config.experiments[0].conditions) == 4


@given(st.integers(1, 200), st.integers(1, 50))
def test_blocks_cover_each_replicate_once_and_grow_by_whole_blocks(replicates, block):
    blocks = list(replicate_blocks(replicates, block))
    assert [r for b in blocks for r in b] == list(range(replicates))
    more = list(replicate_blocks(replicates + block, block))
    assert more[: replicates // block] == blocks[: replicates // block]


def shipped(name):
    return load_config(
        [ROOT / f"config/{name}.yaml"],
        schema=ROOT / "workflow/schemas/config.schema.json",
        known_figures=known_figures(ROOT),
    )


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


def test_linear_networks_get_the_fastest_engine_that_serves_them():
    def engine(**settings):
        return conditions(
            minimal(settings={"activation": "linear"} | settings, grid={"width": [9]})
        )

    assert engine()[0].engine == "linear"
    assert engine(dtype="float32")[0].engine == "preactivation"
    assert set(LINEAR_ENGINE_SERVES["rule"]) == LINEAR_ENGINES.keys()
