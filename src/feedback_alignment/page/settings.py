"""The settings of an experiment beside where each comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feedback_alignment.data.sources import SYNTHETIC
from feedback_alignment.settings import COLUMN_TYPES, DEFAULTS, needs_of
from feedback_alignment.sources import SettingsSource, source_of


@dataclass(frozen=True)
class Row:
    """A setting as the page shows it.

    Attributes:
        setting: its name in the config.
        here: its value or values in this experiment.
        varied: whether it has several.
        paper: the paper's value.
        source: `authors`, `paper`, `recalled`, `ours`, or empty if nothing is said about it.
        note: the reason, or what else there is to know.
    """

    setting: str
    here: str
    varied: bool
    paper: str = ""
    source: str = ""
    note: str = ""


def rows(name: str, experiment: Mapping[str, Any], sources: Sequence[SettingsSource]) -> list[Row]:
    """The settings of an experiment, those that vary first; without those that mean nothing in it.

    Of its entry in settings.json it takes `replicates`, `varied` and `fixed`.
    """
    varied, fixed = experiment["varied"], experiment["fixed"]
    values = {**varied, "replicates": experiment["replicates"]}
    values |= {setting: fixed[setting] for setting in fixed if setting not in _idle(fixed)}
    found = []
    for setting, value in values.items():
        entry = source_of(setting, name, sources)
        told = (entry.value, entry.source, entry.note) if entry else ()
        found.append(Row(setting, text(value), setting in varied, *told))
    return found


def _idle(fixed: Mapping[str, Any]) -> set[str]:
    """Fixed settings without effect: of no decay, intervention or record."""
    idle = {
        name
        for name, value in fixed.items()
        # What never comes, what is not recorded, and what needs another one that is off.
        if value is None
        or (name not in COLUMN_TYPES and not value and value == DEFAULTS[name])
        or ((need := needs_of(name)) and need.setting in fixed and not need.met(fixed))
    }
    if fixed.get("schedule") == "none":
        idle.add("l2")
    if fixed.get("data") in SYNTHETIC:
        idle |= {"scaling", "validation_samples"}
    return idle


def text(value: Any) -> str:
    """A setting's value for people: `0.1, 0.3`, `yes`, or a dash for none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(text, value))
    return str(value)
