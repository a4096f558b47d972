"""Conditions of deep networks: equal runs are equal conditions, contradictions are named."""

import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from feedback_alignment.conditions import MLP_ONLY, TWO_LAYER_ONLY
from feedback_alignment.config import ConfigError, default_settings, parse_config
from feedback_alignment.intervention_steps import COMPANIONS
from feedback_alignment.simulate.mlp_settings import MLPSettings
from feedback_alignment.store import COLUMNS

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((ROOT / "workflow/schemas/config.schema.json").read_text())
DEEP = {"parametrisation": "standard", "loss_function": "half_mean"}
MLP = DEEP | {"data": "digits", "width": 8, "steps": 100}


def parsed(settings, **top):
    experiment = {"settings": settings, "include": [{}]}
    return parse_config({"name": "t", "experiments": {"e": experiment}, **top}, SCHEMA, {})


def condition(settings, **top):
    return parsed(settings, **top).experiments[0].conditions[0]


@pytest.fixture
def own_file(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "mine.npz"
    labels = np.arange(12) % 3
    inputs = rng.standard_normal((12, 5))
    np.savez(path, inputs_train=inputs, labels_train=labels, inputs_test=inputs, labels_test=labels)
    return path


def test_settings_of_one_kind_of_network_have_the_schemas_defaults():
    defaults = default_settings(SCHEMA)
    brought = {name: value for each in COMPANIONS.values() for name, value in each.items()}
    for name, plain in {**MLP_ONLY, **TWO_LAYER_ONLY, **brought}.items():
        assert defaults[name] == plain, name


def test_every_setting_of_the_simulation_comes_from_the_condition():
    found = condition(MLP | {"rule": "dfa", "loss_function": "cross_entropy"}).mlp_settings()
    assert (found.rule, found.loss, found.width) == ("dfa", "cross_entropy", 8)
    names = {field.name for field in fields(MLPSettings)} - {"loss"}
    assert names <= {*default_settings(SCHEMA), "device"}


def test_every_setting_that_tells_conditions_apart_is_a_column():
    recorded = {
        "points_per_decade", "linear_points", "null_alignment", "descent", "spectrum",
        "eigenvalues", "kernels", "settle_tolerance", "settle_window", "settle_floor",
    }  # fmt: skip
    assert default_settings(SCHEMA).keys() - recorded <= COLUMNS.keys()


def test_data_sets_tell_how_many_samples_and_inputs_there_are():
    sizes = [(c.samples, c.dimension) for c in map(condition, [
        MLP,
        MLP | {"samples": 30, "dimension": 4},
        MLP | {"validation_samples": 100},
        MLP | {"data": "mnist"},
        MLP | {"data": "teacher_student"},
        {},
    ])]  # fmt: skip
    assert sizes == [(1437, 64), (30, 4), (1337, 64), (60000, 784), (50, 150), (50, 150)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"batch_size": 1437}, {"batch_size": 0}),
        ({"metric_samples": 1437}, {}),
        ({"samples": 1437}, {}),
        ({"decay_layers": "all"}, {}),
        ({"engine": "minibatch"}, {"engine": "auto"}),
    ],
)
def test_equal_runs_are_equal_conditions(one, other):
    assert condition(MLP | one) == condition(MLP | other)


def test_an_axis_may_have_a_step_and_never():
    sizes = {"perturb_size": 0.5, "tie_angle": 30, "redraw_every": 3, "switch_rule": "bp"}
    steps = ("perturb_step", "tie_step", "redraw_step", "switch_step")
    content = {"settings": MLP | sizes, "grid": {step: [None, 5] for step in steps}}
    config = parse_config({"name": "t", "experiments": {"e": content}}, SCHEMA, {})
    plain, *others = config.experiments[0].conditions
    assert plain == condition(MLP)
    assert len(others) == 15


def test_device_is_that_of_the_config_for_deep_networks_alone():
    assert condition(MLP, device="cuda").device == "cuda"
    assert condition(MLP).device == "cpu"
    assert condition({}, device="cuda").device == "cpu"


def test_an_own_file_is_a_data_source(own_file):
    found = parsed(MLP | {"data": "mine"}, data_sources={"mine": {"file": str(own_file)}})
    (only,) = found.experiments[0].conditions
    assert (only.samples, only.dimension) == (12, 5)
    assert found.sources["mine"].classes == 3
    assert found.places == {"mine": own_file}


def test_another_content_of_an_own_file_is_another_source(own_file):
    def digest():
        top = {"data_sources": {"mine": {"file": str(own_file)}}}
        return parsed(MLP | {"data": "mine"}, **top).sources["mine"].digest

    before = digest()
    with np.load(own_file) as archive:
        arrays = dict(archive)
    np.savez(own_file, **arrays | {"inputs_train": arrays["inputs_train"] + 1})
    assert digest() != before


BAD = {
    "bias of a two-layer network": (
        {"bias": True},
        "settings.bias: true needs parametrisation standard or ntk; "
        "allowed: only false with parametrisation song",
    ),
    "images for a two-layer network": (
        {"data": "digits"},
        "settings.data: digits needs parametrisation standard or ntk; "
        "allowed: only teacher_student with parametrisation song",
    ),
    "rule of a two-layer network": (
        {"rule": "dfa"},
        "settings.rule: dfa needs parametrisation standard or ntk; "
        "allowed with parametrisation song: bp, fa",
    ),
    "kernels of an MLP": (
        MLP | {"kernels": True},
        "settings.kernels: true needs parametrisation song; "
        "allowed: only false with parametrisation standard",
    ),
    "engine of an MLP": (
        MLP | {"engine": "linear"},
        "settings.engine: linear does not serve parametrisation standard; "
        "allowed: auto, minibatch, autograd",
    ),
    "engine of a two-layer network": (
        {"engine": "minibatch"},
        "settings.engine: minibatch does not serve parametrisation song; "
        "allowed: auto, linear, preactivation, autograd",
    ),
    "unknown rule": (
        MLP | {"rule": "dfaa"},
        'settings.rule: unknown rule "dfaa"; did you mean "dfa"?; '
        "allowed: bp, fa, dfa, usf, kp, drtp, fa_reg",
    ),
    "unknown data": (
        MLP | {"data": "mnits"},
        'settings.data: unknown data "mnits"; did you mean "mnist"?; '
        "allowed: teacher_student, digits, digits_in_order, mnist",
    ),
    "unknown rule to switch to": (
        MLP | {"switch_step": 3, "switch_rule": "dfaa"},
        'settings.switch_rule: unknown switch_rule "dfaa"; did you mean "dfa"?',
    ),
    "no rule to switch to": (
        MLP | {"switch_step": 3},
        "settings.switch_rule: missing; switch_step needs the rule to switch to",
    ),
    "a size without its step": (
        MLP | {"perturb_size": 0.1},
        "settings.perturb_size: has no effect without perturb_step; give it too",
    ),
    "fresh feedback without its step": (
        MLP | {"redraw_every": 1},
        "settings.redraw_every: has no effect without redraw_step; give it too",
    ),
    "a perturbation without its size": (
        MLP | {"perturb_step": 5},
        "settings.perturb_size: missing; perturb_step needs a size above 0",
    ),
    "a tolerance that is never checked": (
        MLP | {"settle_tolerance": 0.1},
        "settings.settle_tolerance: has no effect without settle_window; give it too",
    ),
    "an operator of another loss": (
        MLP | {"samples": 5, "spectrum": True, "loss_function": "cross_entropy"},
        "settings.spectrum: K_FA tells stability for half_mean alone; "
        "allowed: only false with loss_function cross_entropy",
    ),
    "an intervention after the end": (
        MLP | {"freeze_step": 101},
        "settings.freeze_step: 101; allowed: 0 to 100 (steps is 100)",
    ),
    "too many samples": (
        MLP | {"samples": 1438},
        "settings.samples: 1438 is more than digits has; allowed: 1 to 1437, or null for all",
    ),
    "too many held out": (
        MLP | {"validation_samples": 1437},
        "settings.validation_samples: 1437 leaves none of the 1437 training samples of digits; "
        "allowed: 0 to 1436",
    ),
    "too many components": (
        MLP | {"samples": 15, "dimension": 16},
        "settings.dimension: 16 is not possible with 15 samples of digits; "
        "allowed: 1 to 15 principal components, or null for all 64 inputs",
    ),
    "too large a batch": (
        MLP | {"samples": 15, "batch_size": 16},
        "settings.batch_size: 16 is more than the 15 training samples; allowed: 0 (all) to 15",
    ),
    "scaled regression": (
        MLP | {"data": "teacher_student", "scaling": "centred"},
        "settings.scaling: allowed: only none with data teacher_student",
    ),
    "classes of a regression": (
        MLP | {"data": "teacher_student", "loss_function": "cross_entropy"},
        "settings.loss_function: cross_entropy needs classes; "
        "allowed: half_mean with data teacher_student",
    ),
    "a spectrum too large": (
        MLP | {"spectrum": True},
        "settings.spectrum: 14370 errors (samples times outputs) are too many; allowed: 4000",
    ),
    "a spectrum without an operator": (
        MLP | {"samples": 5, "spectrum": True, "rule": "drtp"},
        "settings.spectrum: rule 'drtp' has no operator K, its signals ignore the errors",
    ),
    "eigenvalues without a spectrum": (
        MLP | {"eigenvalues": True},
        "settings.eigenvalues: true needs spectrum: true",
    ),
    "the mean over samples with the summed network": (
        {"loss_function": "half_mean"},
        "settings.loss_function: half_mean needs parametrisation standard or ntk; "
        "allowed: only half_sum with parametrisation song",
    ),
    "the sum over samples of an MLP": (
        {"parametrisation": "ntk"},
        "settings.loss_function: half_sum needs parametrisation song; "
        "allowed: half_mean, cross_entropy with parametrisation ntk",
    ),
    "autograd on a GPU": (
        MLP | {"engine": "autograd"},
        "settings.device: the autograd engine computes on cpu only",
    ),
    "too large a network": (
        MLP | {"width": 30_000},
        "settings.width: 30000 with depth 2 is too large; allowed: 500000000 weights in all",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_contradiction_gets_one_line(case):
    settings, message = BAD[case]
    if case == "too large a network":
        settings = settings | {"depth": 2}
    top = {"device": "cuda"} if case == "autograd on a GPU" else {}
    with pytest.raises(ConfigError, match="^experiments.e." + re.escape(message)) as caught:
        condition(settings, **top)
    assert "\n" not in str(caught.value)


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


def test_a_size_without_its_step_is_named_where_it_stands():
    experiment = {"settings": MLP, "include": [{"perturb_step": 5, "perturb_size": 1}]}
    experiment["include"].append({"tie_angle": 30})
    message = r"^experiments\.e\.include\[1\]\.tie_angle: has no effect without tie_step"
    with pytest.raises(ConfigError, match=message):
        parse_config({"name": "t", "experiments": {"e": experiment}}, SCHEMA, {})


def test_a_case_changes_no_id_and_no_settings():
    plain, named = condition({}), condition({"case": "control"})
    assert (plain.case, named.case) == ("", "control")
    assert plain == named
    assert plain.identifier(1) == named.identifier(1)
    assert "case" not in named.settings()


def test_a_case_comes_from_settings_when_and_include():
    experiment = {
        "settings": {"case": "trained", "steps": 10},
        "grid": {"width": [5, 6]},
        "when": [{"match": {"width": 6}, "set": {"case": "wide"}}],
        "include": [{"width": 7, "case": "wider"}, {"width": 8, "case": ""}],
    }
    config = parse_config({"name": "t", "experiments": {"e": experiment}}, SCHEMA, {})
    assert [c.case for c in config.experiments[0].conditions] == ["trained", "wide", "wider", ""]


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
        parse_config(content, SCHEMA, {})
