"""The sources of the settings: read whole, or refused in one line."""

from pathlib import Path
from typing import get_args

import pytest

from feedback_alignment.config import ConfigError, load_config
from feedback_alignment.jobs import known_figures
from feedback_alignment.page.settings import rows
from feedback_alignment.provenance import summarise_settings
from feedback_alignment.sources import SettingsSource, load_sources, source_of

ROOT = Path(__file__).parents[1]
ENTRY = "{settings: [eta], value: a, source: paper, note: b}"


def shipped(name):
    return load_config([ROOT / f"config/{name}.yaml"], known_figures=known_figures(ROOT))


def test_the_shipped_file_names_what_there_is():
    names = {
        e.name for name in ("config", "full", "mnist", "paper") for e in shipped(name).experiments
    }
    entries = load_sources(ROOT / "config/sources.yaml")
    assert {name for entry in entries for name in entry.experiments} <= names
    kinds = get_args(SettingsSource.model_fields["source"].annotation)
    assert {entry.source for entry in entries} <= set(kinds)


def test_an_entry_for_the_experiment_goes_before_a_general_one(tmp_path):
    path = tmp_path / "sources.yaml"
    own = "{settings: [l2, eta], experiments: [mine], value: c, source: ours, note: d}"
    path.write_text(f"sources: [{ENTRY}, {own}]")
    entries = load_sources(path)
    assert source_of("eta", "mine", entries).value == "c"
    assert source_of("eta", "other", entries).value == "a"
    assert source_of("l2", "other", entries) is None


BAD = {
    "broken": ("sources: [", "line 1: not valid YAML"),
    "other key": ("origins: []", "origins: unknown key; allowed: sources"),
    "no list": ("sources: eta", 'sources: "eta" is not allowed; allowed: a list'),
    "missing key": (
        "sources: [{settings: [eta]}]",
        "sources[0].note: missing; this key is required",
    ),
    "no text": (
        f"sources: [{ENTRY.replace('value: a', 'value: 3')}]",
        "sources[0].value: 3 is not allowed; allowed: text",
    ),
    "unknown source": (
        f"sources: [{ENTRY}, {ENTRY.replace('paper,', 'papr,')}]",
        'sources[1].source: "papr" is not allowed; did you mean "paper"?; allowed: authors, ',
    ),
    "unknown setting": (
        f"sources: [{ENTRY.replace('[eta]', '[eta, widht]')}]",
        'sources[0].settings[1]: unknown setting "widht"; did you mean "width"?; allowed: case, ',
    ),
    "no setting": (
        f"sources: [{ENTRY.replace('[eta]', '[]')}]",
        "sources[0].settings: [] is not allowed; allowed: at least one value",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_one_line(case, tmp_path):
    text, message = BAD[case]
    path = tmp_path / "sources.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_sources(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["config", "mnist", "paper"])
def test_every_setting_that_the_page_shows_has_a_source(name):
    sources = load_sources(ROOT / "config/sources.yaml")
    for experiment in shipped(name).experiments:
        settings = summarise_settings([c.settings() for c in experiment.conditions])
        shown = {"figures": [], "replicates": experiment.replicates, **settings}
        found = rows(experiment.name, shown, sources)
        assert [row.setting for row in found if not row.source] == [], experiment.name
