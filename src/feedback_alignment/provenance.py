"""What was run and with what: settings, environment, and how the runs ended."""

import platform
import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from feedback_alignment.machine import processor
from feedback_alignment.tables import STATUSES

if TYPE_CHECKING:
    import pandas as pd


def environment(lock: str) -> dict[str, str]:
    """Python, system, processor, and the installed version of every locked package.

    The text of the lock file has one `name==version` a line. A locked package that is not installed
    says so in place of its version.
    """
    versions = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
    }
    for name in re.findall(r"^([A-Za-z0-9_.-]+)==", lock, flags=re.MULTILINE):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def summarise_settings(conditions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The settings of an experiment's conditions: one value where all agree, else all values.

    Returns:
        `fixed`, a value by setting; `varied`, a list by setting; and `conditions`, their number.
    """
    values: dict[str, list[Any]] = {}
    for condition in conditions:
        for name, value in condition.items():
            seen = values.setdefault(name, [])
            if value not in seen:
                seen.append(value)
    return {
        "conditions": len(conditions),
        "fixed": {name: seen[0] for name, seen in values.items() if len(seen) == 1},
        "varied": {name: seen for name, seen in values.items() if len(seen) > 1},
    }


def describe(record: Mapping[str, Any]) -> dict[str, Any]:
    """Content of settings.json: what a config runs, by the specification of the job `record`."""
    experiments = {}
    for name, entry in record["experiments"].items():
        own = {"figures": entry["figures"], "replicates": entry["replicates"]}
        experiments[name] = own | summarise_settings(entry["conditions"])
    return {"name": record["name"], "seed": record["seed"], "experiments": experiments}


def count_statuses(table: "pd.DataFrame") -> dict[str, int]:
    """Number of a tidy table's runs (a condition with a replicate) by status."""
    ends = table.drop_duplicates(["condition", "replicate"])["status"]
    return {status: int((ends == status).sum()) for status in STATUSES}
