"""The smoke config through SLURM: the same bytes as a local run."""

import shutil

import pytest
import slurm
from project import ROOT, Project

from feedback_alignment.snapshots.manifest import damages

# How many jobs a group has, so that two cores share them evenly, and the files that tell how many
# there are.
GROUPS = {"data": 9, "train": 16, "tables": 10, "figure": 8}
MADE = {
    "data": "data/*/*",
    "train": "runs/*/*",
    "tables": "metrics/*.csv",
    "figure": "figures/*.svg",
}
# There is no database of finished jobs to ask.
SLURM = (
    *("--workflow-profile", "profiles/slurm", "--configfile", "config/smoke.yaml"),
    *("--group-components", *(f"{step}={size}" for step, size in GROUPS.items())),
    *("--slurm-no-account", "--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "5", "--seconds-between-status-checks", "5"),
)


@pytest.mark.cluster
@pytest.mark.skipif(bool(slurm.missing()), reason=slurm.missing())
def test_slurm_makes_the_bytes_of_a_local_run(tmp_path):
    local, sent = (Project.create(tmp_path / name) for name in ("local", "sent"))
    for project in (local, sent):
        for name in ("config", "smoke"):
            shutil.copy(ROOT / f"config/{name}.yaml", project.folder / "config")
    done = local.snakemake("--cores", "2", "--configfile", "config/smoke.yaml", timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    with slurm.running():
        done = sent.snakemake(*SLURM, timeout=1800)
        jobs = slurm.jobs()
    assert done.returncode == 0, done.stdout + done.stderr

    for job in jobs:
        print(*(job[key] for key in ("JobId", "JobState", "RunTime", "NumCPUs", "Comment")))
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    assert {job["NumCPUs"] for job in jobs} == {"1"}

    one, other = (project.folder / "results/smoke" for project in (local, sent))
    # Groups, not a job each; claims, record and page are alone.
    sizes = (-(-len([*one.glob(MADE[step])]) // size) for step, size in GROUPS.items())
    assert len(jobs) == sum(sizes) + 3
    # It lists every table, figure, notebook and verdict.
    assert (one / "manifest.json").read_bytes() == (other / "manifest.json").read_bytes()
    assert (one / "index.html").read_bytes() == (other / "index.html").read_bytes()
    assert damages(one) == damages(other) == []
