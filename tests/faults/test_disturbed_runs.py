"""Runs that are killed, run out of disk, or whose files are edited: the next one mends it."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
from faults import TINY, a_job, call_log, finished, manifest, reach, recover, start, trials


@pytest.mark.parametrize("trial", trials(10))
def test_a_killed_job(trial, fresh, undisturbed, record_property):
    running = start(fresh)
    reach(running, fresh, "job", trial)
    job = a_job(running)
    if job:
        job.kill()
    running.wait()
    recover(fresh, undisturbed, record_property)


@pytest.mark.parametrize("trial", trials(10, short=1))
def test_a_killed_snakemake(trial, fresh, undisturbed, record_property):
    running = start(fresh)
    reach(running, fresh, "snakemake", trial)
    # Alternately all at once, as when the machine goes down, and alone, so that its jobs go on.
    orphans = []
    if running.poll() is None:
        orphans = psutil.Process(running.pid).children(recursive=True)
        (os.kill if trial % 2 else os.killpg)(running.pid, signal.SIGKILL)
    running.wait()
    psutil.wait_procs(orphans, timeout=60)
    # What an orphan has written is not finished.
    recover(fresh, undisturbed, record_property, finished(fresh))


@pytest.mark.parametrize("trial", trials(3))
def test_control_c(trial, fresh, undisturbed, record_property):
    running = start(fresh)
    reach(running, fresh, "interrupt", trial)
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGINT)
    running.wait()
    recover(fresh, undisturbed, record_property)


# The results on a disk of their own, which is enlarged once it was full.
SMALL_DISK = """\
mkdir -p results && mount -t tmpfs -o size="$1" tmpfs results || exit 77
"$2" -m snakemake --cores 2 > full.log 2>&1 && exit 78
mount -o remount,size=100m results
"$2" -m snakemake --cores 2 > call.log 2>&1 || exit 79
cp -r results copied
"""


@pytest.mark.long
@pytest.mark.parametrize("size", ["16k", "150k", "600k", "2000k"])
def test_a_full_disk(size, fresh, undisturbed):
    alone = ["unshare", "--mount", "--map-root-user"]
    done = subprocess.run(
        [*alone, "bash", "-c", SMALL_DISK, "-", size, sys.executable],
        cwd=fresh.folder,
        env=fresh.environment,
        check=False,
    )
    if done.returncode in (1, 77):
        pytest.skip("no disk can be mounted here")
    assert done.returncode == 0, call_log(fresh)
    # Which job fails is chance, and its log may find no place either.
    text = (fresh.folder / "full.log").read_text()
    assert "Traceback" not in text
    assert "At least one job did not complete successfully" in text
    (fresh.folder / "results").rmdir()
    (fresh.folder / "copied").rename(fresh.folder / "results")
    assert manifest(fresh) == manifest(undisturbed)
    assert fresh.pending() == {}


EDITS = {
    "config/config.yaml": lambda text: text.replace("eta: 1e-2", "eta: 2e-2"),
    "scripts/train.py": lambda text: text + "\nraise SystemExit('error: edited')\n",
    "src/feedback_alignment/tables.py": lambda text: text + "\nthis is no Python\n",
    "notebooks/song_alignment_width.ipynb": lambda text: text[: len(text) // 2],
}


@pytest.mark.long
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_during_a_run(name, fresh, undisturbed, record_property):
    running = start(fresh)
    # Before it has read the project there is no run that an edit could disturb.
    a_job(running)
    reach(running, fresh, "edit", name)
    path = fresh.folder / name
    text = path.read_text()
    path.write_text(EDITS[name](text))
    fresh.snakemake("-n")
    assert running.wait() == 0, call_log(fresh)
    assert manifest(fresh) == manifest(undisturbed)
    path.write_text(text)
    recover(fresh, undisturbed, record_property)


@pytest.mark.long
def test_two_runs_at_once(fresh, undisturbed, record_property):
    one = start(fresh)
    a_job(one)
    fresh.configure(TINY.replace("[20, 40]", "[20, 40, 30]"))
    other = fresh.snakemake("--cores", "2")
    assert other.returncode == 1
    assert "cannot be locked" in (other.stdout + other.stderr).replace("\n", " ")
    assert one.wait() == 0
    fresh.configure(TINY)
    recover(fresh, undisturbed, record_property)
