"""Who runs it, where, and with which settings of the machine changes no byte."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from faults import TINY, manifest
from project import Project

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
SETTINGS = {
    "locale": ASCII,
    "time zone": {"TZ": "Pacific/Kiritimati"},
    "hash seed": {"PYTHONHASHSEED": "4711"},
    "threads": {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"},
    "optimised": {"PYTHONOPTIMIZE": "2"},
}
ALL = {name: value for settings in SETTINGS.values() for name, value in settings.items()}


def run(project, *command, **environ):
    return subprocess.run(
        command, cwd=project.folder, env=project.environment | environ, capture_output=True
    )


@pytest.mark.parametrize(
    "name", ["all at once", *(pytest.param(name, marks=pytest.mark.long) for name in SETTINGS)]
)
def test_settings_of_the_machine(name, tmp_path, undisturbed):
    folder = 'my "project" & {more} ö' if name == "all at once" else "project"
    project = Project.create(tmp_path / folder, TINY)
    done = run(
        project, sys.executable, "-m", "snakemake", "--cores", "2", **SETTINGS.get(name, ALL)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert manifest(project) == manifest(undisturbed)


def python_for_others(folder: Path) -> str:
    """This interpreter, or else one of the same version with these packages, if all may run it."""
    for python in (sys.executable, f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"):
        real = Path(python).resolve()
        if real.exists() and all(parent.stat().st_mode & 1 for parent in real.parents):
            break
    else:
        pytest.skip("no other user may run this Python")
    if python != sys.executable:
        subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
        (packages,) = folder.glob("lib/*/site-packages")
        own = next(path for path in sys.path if path.endswith("site-packages"))
        (packages / "own.pth").write_text(own + "\n")
        (folder / "share").symlink_to(Path(sys.prefix) / "share")
        python = str(folder / "bin/python")
    return python


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root is others")
def test_another_user_of_the_group(copy, undisturbed):
    python = python_for_others(copy.folder.parent / "python")
    for parent in copy.folder.parents:
        if os.stat(parent).st_uid == os.geteuid() and "pytest-of" in str(parent):
            parent.chmod(0o755)
    (copy.folder.parent / "home").mkdir(mode=0o777)
    (copy.folder.parent / "home").chmod(0o777)
    shared = "chgrp -R 5555 . && chmod -R g+rwX . && find . -type d -exec chmod g+s {} +"
    subprocess.run(shared, shell=True, cwd=copy.folder, check=True)
    call = f"umask 002; exec setpriv --reuid 2 --regid 2 --groups 5555 {python} -m snakemake"
    home = {"HOME": str(copy.folder.parent / "home"), "TMPDIR": "/tmp"}
    done = run(copy, "sh", "-c", f"{call} -n", **home)
    assert b"Nothing to be done" in done.stdout + done.stderr
    for path in ("figures/song_alignment_width.svg", "metrics/widths.csv", "manifest.json"):
        (copy.results / path).unlink()
    done = run(copy, "sh", "-c", f"{call} --cores 2", **home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (copy.results / "manifest.json").stat().st_uid == 2
    # The Python for others may be another release, which the environment's digest tells.
    files, expected = (json.loads(manifest(project))["files"] for project in (copy, undisturbed))
    assert files == expected
    assert copy.pending() == {}
