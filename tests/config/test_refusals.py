"""A bad config gets one line: where, what is wrong, and what is allowed."""

import copy
import re

import pytest

from feedback_alignment.config import ConfigError, parse_config

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


BAD = {
    "unknown key": (
        lambda c: c.update(replicats=3),
        "replicats: unknown key; allowed: base, name, seed, block, device, data_sources, figures, "
        "presets, experiments",
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
        "experiments.first.settings.activation: relu is not served by engine linear; allowed: ",
    ),
    "wishart for relu": (
        lambda c: c["experiments"]["first"]["settings"].update(weights="wishart"),
        "experiments.first.settings.weights: wishart needs engine linear, but activation: relu",
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
        "experiments.first.grid.width: 1e+11 is too wide for weights explicit; allowed: 3311258",
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
    "preset and axis": (
        lambda c: c["experiments"]["first"].update(grid={"rule": ["fa_reg"], "l2": [1]}),
        "experiments.first.grid: the preset fa_reg sets l2 already; use rule fa where l2 varies",
    ),
    "preset of an unknown rule": (
        lambda c: c.update(presets={"mine": {"rule": "fb"}}),
        'presets.mine.rule: unknown rule "fb"; ',
    ),
    "preset with the name of a rule": (
        lambda c: c.update(presets={"fa": {"rule": "bp"}}),
        'presets: "fa" is already the name of a rule',
    ),
    "a preset without a rule as a rule": (
        lambda c: c.update(
            presets={"mine": {"l2": 1}}, experiments={"e": {"include": [{"rule": "mine"}]}}
        ),
        'experiments.e.include[0].rule: unknown rule "mine"; allowed: bp, fa, dfa, usf, kp, drtp',
    ),
    "unknown preset": (
        lambda c: c["experiments"]["first"]["settings"].update(presets=["fa_rge"]),
        'experiments.first.settings.presets[0]: unknown preset "fa_rge"; did you mean "fa_reg"?',
    ),
    "misspelt setting of a preset": (
        lambda c: c.update(presets={"mine": {"stpes": 1}}),
        'presets.mine.stpes: unknown key; did you mean "steps"?; allowed: case, ',
    ),
    "too many combinations": (
        lambda c: c["experiments"]["first"]["grid"].update(
            width=[*range(1, 400)], steps=[*range(1, 400)]
        ),
        "experiments.first.grid: 318402 combinations are too many; allowed: 100000",
    ),
    "a base that is in no file": (
        lambda c: c.update(base="config.yaml"),
        "base: a config file has a base; give it there",
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


@pytest.mark.parametrize("place", ["block", "replicates"])
def test_whole_numbers_may_be_written_with_a_point(place):
    def content(value):
        keys = {"block": value} if place == "block" else {}
        return minimal(**({"replicates": value} if place == "replicates" else {})) | keys

    config = parse(content(2.0))
    found = config.block if place == "block" else config.experiments[0].replicates
    assert (found, type(found)) == (2, int)
    with pytest.raises(ConfigError, match=r"2\.5 is not allowed; allowed: a whole number, 1"):
        parse(content(2.5))


BAD_CASES = {
    "no name": ({"settings": {"case": "a b"}}, 'settings.case: "a b" is not allowed as a name'),
    "of an entry": ({"include": [{"case": "on"}]}, 'include[0].case: "on" is not allowed as a'),
    "axis": ({"grid": {"case": ["a"]}}, "grid.case: a case is given, and neither varied nor "),
    "match": ({"exclude": [{"case": "a"}]}, "exclude[0].case: a case is given, and neither"),
    "two": (
        {"include": [{"case": "a"}, {"case": "b"}]},
        "include[1]: it differs from another condition in its case alone, "
        '"a" and "b"; give it one case, or another setting',
    ),
}


@pytest.mark.parametrize("case", BAD_CASES)
def test_a_bad_case_is_named(case):
    spoilt, message = BAD_CASES[case]
    content = {"name": "t", "experiments": {"e": {"include": [{}]} | spoilt}}
    with pytest.raises(ConfigError, match="^experiments.e." + re.escape(message)):
        parse_config(content, {})


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"digits": {"file": "a.npz"}}, 'data_sources: "digits" is already the name of a data '),
        ({"on": {"file": "a.npz"}}, 'data_sources: "on" is not allowed as a name'),
        ({"mine": {"file": "no.npz"}}, "data_sources.mine.file: no.npz: there is no such file"),
        ({"mine": {}}, "data_sources.mine.file: missing; this key is required"),
        (
            {"mine": {"file": "~nobody_of_this_name/a.npz"}},
            "data_sources.mine.file: there is no such home folder; write the whole path",
        ),
        (
            {"mine": {"file": ""}},
            'data_sources.mine.file: "" is not allowed; allowed: text that is not empty',
        ),
        ({"mnist": {"file": "a"}}, "data_sources.mnist.file: unknown key; allowed: directory"),
    ],
)
def test_a_bad_data_source_is_named(sources, message):
    with pytest.raises(ConfigError, match="^" + re.escape(message)):
        parsed({}, data_sources=sources)


def parsed(settings, **top):
    experiment = {"settings": settings, "include": [{}]}
    return parse_config({"name": "t", "experiments": {"e": experiment}, **top}, {})


def condition(settings, **top):
    return parsed(settings, **top).experiments[0].conditions[0]
