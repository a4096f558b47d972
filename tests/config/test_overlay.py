"""Configs over configs: bases, later files, and what the command line gives."""

import json
from pathlib import Path

import pytest

from feedback_alignment.config import ConfigError, load_config
from feedback_alignment.jobs import known_figures

ROOT = Path(__file__).parents[2]
ONE = {"name": "tiny", "experiments": {"first": {"grid": {"rule": ["bp", "fa"], "width": [1, 2]}}}}


def load(*paths, **overrides):
    return load_config(paths, known_figures={}, overrides=overrides)


def test_an_overlay_says_only_what_it_changes():
    base, over = (
        load_config([ROOT / path], known_figures=known_figures(ROOT))
        for path in ("config/smoke.yaml", ".test/overlay.yaml")
    )
    assert (over.name, over.seed, over.block) == ("overlay", 7, base.block)
    names = [experiment.name for experiment in base.experiments]
    found = {experiment.name: experiment for experiment in over.experiments}
    assert [*found] == [*names[1:], "added"]
    width = found["song_alignment_relu"]
    assert (width.replicates, width.figures) == (2, ("song_alignment_width", "song_printed_steps"))
    assert [(c.activation, c.width, c.l2) for c in width.conditions] == [("relu", 40, 0)]
    assert [c.steps for c in found["added"].conditions] == [3]


def test_later_files_and_overrides_win(tmp_path):
    paths = [tmp_path / "one.yaml", tmp_path / "two.yaml"]
    paths[0].write_text(json.dumps(ONE))
    paths[1].write_text("seed: 5\nexperiments: {first: {replicates: 3}}\n")
    config = load(*paths, name="other")
    assert (config.name, config.seed, config.experiments[0].replicates) == ("other", 5, 3)
    assert len(config.experiments[0].conditions) == 4


def test_null_is_a_value_where_a_setting_may_have_it(tmp_path):
    (tmp_path / "one.yaml").write_text(json.dumps(ONE | {"figures": []}))
    (tmp_path / "two.yaml").write_text(
        "base: one.yaml\nfigures: null\nexperiments: {first: {settings: {samples: null}}}\n"
    )
    assert load(tmp_path / "two.yaml").experiments[0].conditions[0].samples == 50


BAD = {
    "absent": ("base: no.yaml", "base: {}/no.yaml: there is no such file"),
    "no text": ("base: 3", "base: 3 is not allowed; allowed: text"),
    "itself": ("base: mine.yaml", "base: mine.yaml is this file's own overlay; name another file"),
    "nothing to take away": (
        "name: a\nexperiments: {first: null}",
        "experiments.first: null takes away, and there is none of this name; allowed: nothing",
    ),
    "another name to take away": (
        "name: a\nbase: one.yaml\nexperiments: {frist: null}",
        "experiments.frist: null takes away, and there is none of this name"
        '; did you mean "first"?; allowed: first',
    ),
    "another axis to take away": (
        "name: a\nbase: one.yaml\nexperiments: {first: {grid: {rul: null}}}",
        "experiments.first.grid.rul: null takes away, and there is none of this name"
        '; did you mean "rule"?; allowed: rule, width',
    ),
    "null character": (
        'base: "/a\\0b.yaml"',
        "base: the text has a null character; allowed: any other",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_base_is_named(case, tmp_path):
    text, message = BAD[case]
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    (tmp_path / "one.yaml").write_text(json.dumps(ONE))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: {message.format(tmp_path)}"


def test_bases_that_go_in_circles_are_named(tmp_path):
    (tmp_path / "a.yaml").write_text("base: b.yaml\n")
    (tmp_path / "b.yaml").write_text("base: a.yaml\n")
    with pytest.raises(ConfigError, match=r"b\.yaml: base: a\.yaml is this file's own overlay"):
        load(tmp_path / "a.yaml")
