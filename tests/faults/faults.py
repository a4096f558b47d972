"""Calls that are disturbed, and what counts as recovered: the manifest of an undisturbed run."""

import base64
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from project import Project

TINY = """\
name: tiny
figures: [song_alignment_width]
experiments:
  widths:
    figures: [song_alignment_width]
    replicates: 2
    settings: {rule: fa, samples: 6, dimension: 9, steps: 60, eta: 1e-2}
    grid: {activation: [linear, relu], width: [20, 40], l2: [0, 0.5]}
"""
# Jobs of a whole run, the last of which makes nothing.
JOBS = 18
STEPS = {"data": "data", "runs": "train", "metrics": "tables", "figures": "figure"}
STEPS |= {"notebooks": "figure", "receipts": "receipts", "index": "page", "claims": "claims"}
# Folders of what a job wrote about its course.
TOLD = ("logs", "benchmarks")


def trials(count: int, short: int = 0) -> list:
    """Numbers of trials, of which only the first few belong to the short suite."""
    return [pytest.param(i, marks=[pytest.mark.long] if i >= short else []) for i in range(count)]


def start(project: Project, *arguments: str, **environ: str) -> subprocess.Popen:
    """Start a call in a session of its own, as a terminal would."""
    with (project.folder / "call.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
            cwd=project.folder,
            env=project.environment | environ,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def reach(running: subprocess.Popen, project: Project, *seed: object) -> None:
    """Wait for a random moment of a call: some jobs are done, and a part of a second has passed."""
    draw = random.Random(repr(seed))
    jobs = draw.randint(0, JOBS - 2)
    while running.poll() is None and call_log(project).count("Finished jobid") < jobs:
        time.sleep(0.02)
    time.sleep(draw.uniform(0, 1 if jobs else 4))


def a_job(running: subprocess.Popen) -> psutil.Process | None:
    """A job of a call, as soon as there is one; None if the call ends before."""
    while running.poll() is None:
        try:
            for process in psutil.Process(running.pid).children(recursive=True):
                if ".snakemake/code/" in " ".join(process.cmdline()[1:2]):
                    return process
        except psutil.Error:
            continue
    return None


def step_of(project: Project, path: Path) -> str:
    """The rule that makes a file."""
    return STEPS.get(path.relative_to(project.results).parts[0].partition(".")[0], "record")


def outputs(project: Project) -> list[Path]:
    """Every file of the results but those that tell how a job went."""
    files = [path for path in sorted(project.results.rglob("*")) if path.is_file()]
    return [path for path in files if path.relative_to(project.results).parts[0] not in TOLD]


def finished(project: Project) -> dict[Path, tuple[int, int]]:
    """What is made, and not marked by snakemake as incomplete: inode and time."""
    kept = project.folder / ".snakemake/incomplete"
    marks = {base64.urlsafe_b64decode(path.name).decode() for path in kept.glob("*=*")}
    marks |= {base64.b64decode(path.name).decode() for path in kept.glob("*") if path.is_file()}
    return {
        path: (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in outputs(project)
        if path.relative_to(project.folder).as_posix() not in marks and path.name[0] != "."
    }


def recover(project: Project, undisturbed: Project, record, before=None, calls: int = 1) -> None:
    """The next call (or calls) must end as an undisturbed run, and make nothing twice.

    Args:
        project: what was disturbed.
        undisturbed: what was not.
        record: takes what goes into the table of faults.
        before: what was finished; None for what is now.
        calls: how many calls it may take.
    """
    before = finished(project) if before is None else before
    project.snakemake("--unlock")
    for _ in range(calls):
        done = project.snakemake("--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    after = finished(project)
    remade = [str(path) for path, state in before.items() if after.get(path) != state]
    record("remade", len(remade))
    assert manifest(project) == manifest(undisturbed)
    assert remade == []
    assert project.pending() == {}
    assert not [path for path in project.results.rglob(".*") if path.is_file()]


def manifest(project: Project) -> bytes:
    return (project.results / "manifest.json").read_bytes()


def call_log(project: Project) -> str:
    return (project.folder / "call.log").read_text()
