"""How long the jobs of a results folder took, and on what, from the records that they left."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from feedback_alignment.snapshots.pieces import runs_of

COLUMNS = ("step", "name", "jobs", "recorded", "hours", "cpu_hours", "peak_mb", "on")


def took(results: Path, tables: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What each table's training took, each step, and all of it.

    A run that several tables share counts for the first of them.

    Args:
        results: the results folder.
        tables: specification of each table that is there, by experiment.

    Returns:
        rows: `recorded` says of how many jobs the times are known, `hours` sums the time from
        start to end, `cpu_hours` the processor's, `peak_mb` is the most memory of one job, `on`
        what training ran on.
    """
    rows, seen = [], set()
    for experiment, specification in tables.items():
        runs = [run for run in runs_of(results, specification) if run not in seen]
        seen.update(runs)
        names = [run.relative_to(results / "runs").with_suffix("").as_posix() for run in runs]
        rows.append(_row(results, "train", experiment, names))
    for step in ("data", "tables", "figure", "claims", "record", "page"):
        folder = results / "benchmarks" / step
        paths = sorted(folder.rglob("*.tsv"))
        names = [path.relative_to(folder).with_suffix("").as_posix() for path in paths]
        rows += [_row(results, step, "", names)] if names else []
    known = [row for row in rows if row["recorded"]]
    whole = {
        "step": "all",
        "name": "",
        **{column: sum(row[column] for row in rows) for column in ("jobs", "recorded")},
        **{column: sum(row[column] for row in known) for column in ("hours", "cpu_hours")},
        "peak_mb": max((row["peak_mb"] for row in known), default=0.0),
        "on": _joined(on for row in rows for on in row["on"].split("; ")),
    }
    return [*rows, whole]


def _row(results: Path, step: str, name: str, jobs: Sequence[str]) -> dict[str, Any]:
    found = [_record(results / f"benchmarks/{step}/{job}.tsv") for job in jobs]
    known = [record for record in found if record]
    row: dict[str, Any] = {"step": step, "name": name, "jobs": len(jobs), "recorded": len(known)}
    if known:
        row["hours"] = sum(record["s"] for record in known) / 3600
        row["cpu_hours"] = sum(record["cpu_time"] for record in known) / 3600
        row["peak_mb"] = max(record["max_rss"] for record in known)
    on = _joined(_trainer(results / f"logs/train/{job}.log") for job in jobs if step == "train")
    return row | {"on": on}


def _record(path: Path) -> dict[str, float] | None:
    """What Snakemake measured of a job; None where it has not, 0 where it was too short to tell."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            (row,) = csv.DictReader(file, delimiter="\t")
        return {name: _number(row[name]) for name in ("s", "cpu_time", "max_rss")}
    except (OSError, ValueError, KeyError):
        return None


def _number(text: str) -> float:
    return 0.0 if text in ("NA", "-") else float(text)


def _trainer(log: Path) -> str:
    """What a run was trained on, as its log says first; empty where it does not."""
    try:
        found = re.match(r"on: (.+)\n", log.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        found = None
    return found[1] if found else ""


def _joined(names: Iterable[str]) -> str:
    return "; ".join(sorted({name for name in names if name}))
