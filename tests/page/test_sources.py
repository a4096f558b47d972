"""The sources of the settings: read whole, or refused in one line."""

from pathlib import Path

import pytest

from feedback_alignment.config import ConfigError, load_config
from feedback_alignment.jobs import known_figures
from feedback_alignment.page.settings import rows
from feedback_alignment.page.sources import SOURCES, load_sources
from feedback_alignment.provenance import summarise_settings

ROOT = Path(__file__).parents[2]
ENTRY = "{setting: eta, value_in_paper: a, source: paper, note: b}"


def test_the_shipped_file_is_right():
    entries = load_sources(ROOT / "config/sources.yaml")
    assert {entry["source"] for entry in entries} == set(SOURCES)


BAD = {
    "broken": ("sources: [", "not valid YAML"),
    "other key": ("origins: []", "it must have the one key sources, a list"),
    "no list": ("sources: eta", "it must have the one key sources, a list"),
    "missing key": (
        "sources: [{setting: eta}]",
        "sources[0]: it must have exactly the keys setting, value_in_paper, source, note",
    ),
    "no text": (
        f"sources: [{ENTRY.replace('value_in_paper: a', 'value_in_paper: 3')}]",
        "sources[0].value_in_paper: it must be text; put it in quotes",
    ),
    "unknown source": (
        f"sources: [{ENTRY}, {ENTRY.replace('paper,', 'papr,')}]",
        'sources[1].source: unknown source "papr"; allowed: paper, recalled, ours',
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_one_line(case, tmp_path):
    text, message = BAD[case]
    path = tmp_path / "sources.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_sources(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["config", "mnist", "paper"])
def test_every_setting_that_the_page_shows_has_a_source(name):
    config = load_config(
        [ROOT / f"config/{name}.yaml"],
        schema=ROOT / "workflow/schemas/config.schema.json",
        known_figures=known_figures(ROOT),
    )
    sources = load_sources(ROOT / "config/sources.yaml")
    for experiment in config.experiments:
        settings = summarise_settings([c.settings() for c in experiment.conditions])
        shown = {"figures": [], "replicates": experiment.replicates, **settings}
        found = rows(experiment.name, shown, sources)
        assert [row.setting for row in found if not row.source] == [], experiment.name
