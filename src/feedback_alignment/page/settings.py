"""The settings of an experiment beside where each comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feedback_alignment.conditions import MLP_ONLY, TWO_LAYER_ONLY
from feedback_alignment.data.sources import TEACHER_STUDENT
from feedback_alignment.intervention_steps import COMPANIONS


@dataclass(frozen=True)
class Row:
    """A setting as the page shows it.

    Attributes:
        setting: its name in the config.
        here: its value or values in this experiment.
        varied: whether it has several.
        paper: the paper's value.
        source: `paper`, `recalled`, `ours`, or empty if nothing is said about it.
        note: the reason, or what else there is to know.
    """

    setting: str
    here: str
    varied: bool
    paper: str = ""
    source: str = ""
    note: str = ""


def rows(
    name: str, experiment: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]
) -> list[Row]:
    """The settings of an experiment, those that vary first; without those that mean nothing in it.

    Args:
        name: the experiment.
        experiment: its entry in settings.json: `replicates`, `varied` and `fixed`.
        sources: the entries of sources.yaml. The `setting` of an entry names one or more settings;
            if it also names experiments, it holds for these only, and goes before a general one.
    """
    values = {**experiment.get("varied", {})}
    varied = set(values)
    if "replicates" in experiment:
        values["replicates"] = experiment["replicates"]
    fixed = experiment.get("fixed", {})
    values |= {setting: fixed[setting] for setting in fixed if setting not in _idle(fixed)}
    return [
        Row(setting, text(value), setting in varied, **_source(setting, name, sources))
        for setting, value in values.items()
    ]


def _idle(fixed: Mapping[str, Any]) -> set[str]:
    """Fixed settings without effect: of another parametrisation, of no decay or intervention."""
    idle: set[str] = {
        "song": {*MLP_ONLY, "device"} - {"data", "depth"},
        "standard": {*TWO_LAYER_ONLY},
        "ntk": {*TWO_LAYER_ONLY},
    }.get(str(fixed.get("parametrisation")), set())
    for step, companions in COMPANIONS.items():
        if step in fixed and fixed[step] is None:
            idle |= {step, *companions}
    if fixed.get("schedule") == "none":
        idle |= {"l2", "cutoff_step", "decay_layers"}
    if "cutoff_step" in fixed and fixed["cutoff_step"] is None:
        idle.add("cutoff_step")
    if "data" in fixed and fixed["data"] == TEACHER_STUDENT:
        idle |= {"scaling", "validation_samples"}
    return idle


def _source(setting: str, experiment: str, sources: Sequence[Mapping[str, str]]) -> dict[str, str]:
    general = None
    for entry in sources:
        words = re.findall(r"\w+", entry["setting"])
        if setting not in words:
            continue
        if experiment in words:
            return _columns(entry)
        if "in" not in words and "experiment" not in words:
            general = general or entry
    return _columns(general) if general else {}


def _columns(entry: Mapping[str, str]) -> dict[str, str]:
    return {
        "paper": entry["value_in_paper"],
        "source": entry["source"],
        "note": entry["note"],
    }


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
