"""Equal runs are equal conditions, and every setting that can change a number is in the id."""

from typing import get_args

import numpy as np
import pytest

from feedback_alignment.config import parse_config
from feedback_alignment.settings import DEFAULTS, Settings, needs_of

DEEP = {"parametrisation": "standard", "loss_function": "half_mean"}
MLP = DEEP | {"data": "digits", "width": 8, "steps": 100}


def parsed(settings, **top):
    experiment = {"settings": settings, "include": [{}]}
    return parse_config({"name": "t", "experiments": {"e": experiment}, **top}, {})


def condition(settings, **top):
    return parsed(settings, **top).experiments[0].conditions[0]


def conditions(**experiment):
    content = {"name": "t", "experiments": {"e": {"settings": {"steps": 100}} | experiment}}
    return parse_config(content, {}).experiments[0].conditions


NAMED = {"rule": "bp", "activation": "tanh", "data": "digits_in_order", "switch_rule": "dfa"}


def another(name, value):
    """Another value of a setting than the given one."""
    annotation = Settings.model_fields[name].annotation
    if name in NAMED:
        return NAMED[name]
    if isinstance(value, str):
        return next(choice for choice in reversed(get_args(annotation)) if choice != value)
    if isinstance(value, bool):
        return not value
    return (value or 5) + 3


@pytest.mark.parametrize("name", sorted(DEFAULTS.keys() - {"case"}))
def test_every_setting_is_in_the_identifier(name):
    base = {"l2": 0.5, "schedule": "cutoff", "cutoff_step": 50, "steps": 100}
    need = needs_of(name)
    deep = name not in ("weights", "kernels", "law")
    if deep:
        base |= DEEP | {"data": "digits", "samples": 20, "switch_rule": "kp"}
        base |= dict.fromkeys(("switch_step", "redraw_step", "tie_step", "perturb_step"), 7)
        base["perturb_size"] = 0.5
        base["spectrum"] = name == "eigenvalues"
    if need and need.setting == "settle_window":
        base["settle_window"] = 9
    if name in ("weights", "law"):
        base["activation"] = "linear"
    other = base | {name: another(name, base.get(name, DEFAULTS[name]))}
    one, two = condition(base), condition(other)
    assert one.identifier(1) != two.identifier(1)
    assert one.identifier(1) != one.identifier(2)


def test_equal_conditions_are_one():
    found = conditions(grid={"schedule": ["none", "constant"], "l2": [0, 0.5]})
    assert [(c.schedule, c.l2) for c in found] == [("none", 0), ("constant", 0.5)]


def test_numbers_of_either_spelling_are_the_same_condition():
    by_float, by_int = (
        conditions(grid={"width": [width], "l2": [l2]})[0] for width, l2 in ((1e2, 1), (100, 1.0))
    )
    assert by_float.identifier(1) == by_int.identifier(1)


def test_linear_networks_get_the_fastest_engine_that_serves_them():
    def engine(**settings):
        return conditions(settings={"activation": "linear"} | settings, grid={"width": [9]})

    assert engine()[0].engine == "linear"
    assert engine(dtype="float32")[0].engine == "preactivation"


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


def test_device_is_that_of_the_config_where_the_engine_is_on_one():
    assert condition(MLP, device="cuda").device == "cuda"
    assert condition(MLP).device == "cpu"
    assert condition({"activation": "relu"}, device="cuda").device == "cuda"
    assert condition({"activation": "linear"}, device="cuda").device == "cpu"


@pytest.fixture
def own_file(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "mine.npz"
    labels = np.arange(12) % 3
    inputs = rng.standard_normal((12, 5))
    np.savez(path, inputs_train=inputs, labels_train=labels, inputs_test=inputs, labels_test=labels)
    return path


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


def test_a_case_changes_no_id_and_no_settings():
    plain, named = condition({}), condition({"case": "control"})
    assert (plain.case, named.case) == ("", "control")
    assert plain == named
    assert plain.identifier(1) == named.identifier(1)
    assert "case" not in named.settings()
