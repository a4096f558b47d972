"""How long the jobs of a results folder took, and on what, from the records that they left."""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from feedback_alignment.snapshots.pieces import runs_of

# What Snakemake measured of a job, if it has, and what a run was trained on.
_Job = tuple[dict[str, float], str]
COLUMNS = ("step", "name", "jobs", "recorded", "hours", "cpu_hours", "peak_mb", "on")


def took(results: Path, tables: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What each table's training took, each step, and all of it.

    A run that several tables share counts for the first of them; `tables` are the specifications
    of those that are there, by experiment.

    Returns:
        rows: `recorded` says of how many jobs the times are known, `hours` sums the time from
        start to end, `cpu_hours` the processor's, `peak_mb` is the most memory of one job, `on`
        what training ran on.
    """
    groups: dict[tuple[str, str], list[_Job]] = {}
    seen: set[Path] = set()
    for experiment, specification in tables.items():
        runs = [run for run in runs_of(results, specification) if run not in seen]
        seen.update(runs)
        groups["train", experiment] = [_job(results, "train", results / "runs", r) for r in runs]
    for step in ("data", "tables", "figure", "claims", "record", "page"):
        folder = results / "benchmarks" / step
        if paths := sorted(folder.rglob("*.tsv")):
            groups[step, ""] = [_job(results, step, folder, path) for path in paths]
    rows = [_row(step, name, jobs) for (step, name), jobs in groups.items()]
    whole = _row("all", "", [job for jobs in groups.values() for job in jobs])
    return [*rows, {"hours": 0, "cpu_hours": 0, "peak_mb": 0} | whole]


def _job(results: Path, step: str, folder: Path, path: Path) -> _Job:
    """A job by the place of a file of it below a folder."""
    name = path.relative_to(folder).with_suffix("").as_posix()
    try:
        with (results / f"benchmarks/{step}/{name}.tsv").open(encoding="utf-8") as file:
            (row,) = csv.DictReader(file, delimiter="\t")
        texts = {column: row[column] for column in ("s", "cpu_time", "max_rss")}
        # Of a job that was too short to tell, there is no number.
        measured = {c: 0.0 if text in ("NA", "-") else float(text) for c, text in texts.items()}
    except (OSError, ValueError, KeyError):
        measured = {}
    try:
        log = (results / f"logs/{step}/{name}.log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        log = ""
    found = re.match(r"on: (.+)\n", log)
    return measured, found[1] if found and step == "train" else ""


def _row(step: str, name: str, jobs: Sequence[_Job]) -> dict[str, Any]:
    known = [measured for measured, _ in jobs if measured]
    row: dict[str, Any] = {"step": step, "name": name, "jobs": len(jobs), "recorded": len(known)}
    if known:
        row["hours"] = sum(measured["s"] for measured in known) / 3600
        row["cpu_hours"] = sum(measured["cpu_time"] for measured in known) / 3600
        row["peak_mb"] = max(measured["max_rss"] for measured in known)
    return row | {"on": "; ".join(sorted({on for _, on in jobs if on}))}
