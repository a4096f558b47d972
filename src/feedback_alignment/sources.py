"""Where the settings come from: config/sources.yaml, checked against the settings there are."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from feedback_alignment.checked import Checked, Names
from feedback_alignment.errors import ConfigError, check_choice, described, nearest
from feedback_alignment.settings import DEFAULTS
from feedback_alignment.yaml_files import read_yaml


class SettingsSource(Checked):
    """Where some settings come from."""

    settings: Names = Field(description="Names of settings, or `replicates`.", min_length=1)
    experiments: Names = Field([], description="Experiments that it holds for; all if left out.")
    source: Literal["authors", "paper", "recalled", "ours"] = Field(
        description="Whether the authors' code has it, the paper states it, is believed to, or the "
        "choice is ours."
    )
    value: str = Field(description="The paper's value.")
    note: str = Field(description="The reason, or what else there is to know.")


class _File(Checked):
    sources: list[SettingsSource]


def load_sources(path: Path) -> list[SettingsSource]:
    """Read the sources of the settings: a YAML file with the key `sources`, a list.

    Raises:
        ConfigError: one line that names the file, the entry, and what is allowed.
    """
    content, known = read_yaml(path), [*DEFAULTS, "replicates"]
    try:
        entries = _File.model_validate(content).sources
        for i, entry in enumerate(entries):
            for j, name in enumerate(entry.settings):
                check_choice(f"sources[{i}].settings[{j}]", name, known, "setting")
    except ValidationError as error:
        raise ConfigError(f"{path}: {described(error, _File)}") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return entries


def misspelt(sources: Sequence[SettingsSource], experiments: Collection[str]) -> list[str]:
    """What is named like an experiment there is, and may yet be another config's; a line each."""
    return [
        f'sources[{i}].experiments[{j}]: unknown experiment "{name}"{close}'
        for i, entry in enumerate(sources)
        for j, name in enumerate(entry.experiments)
        if name not in experiments and (close := nearest(name, experiments))
    ]


def source_of(
    setting: str, experiment: str, sources: Sequence[SettingsSource]
) -> SettingsSource | None:
    """Where a setting of an experiment comes from: an entry for it goes before a general one."""
    fitting = [entry for entry in sources if setting in entry.settings]
    own = [entry for entry in fitting if experiment in entry.experiments]
    general = [entry for entry in fitting if not entry.experiments]
    return next(iter(own + general), None)
