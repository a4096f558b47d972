"""The Makefile takes a Python that fits, and says before installing if there is none."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def make(tmp_path):
    """Run make in a bare copy, with only the given commands beside it; each is a shell script."""

    def run(*arguments, **commands):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "make").symlink_to(shutil.which("make"))
        for name, script in commands.items():
            command = folder / name.replace("_", ".")
            command.write_text(f"#!/bin/sh\n{script}\n")
            command.chmod(0o755)
        for name in ("Makefile", "requirements.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, tmp_path)
        environ = {key: value for key, value in os.environ.items() if key != "PYTHON"}
        command = ["make", "--no-print-directory", *arguments, ".venv/installed"]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environ | {"PATH": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not (tmp_path / ".venv").exists()
        return done

    return run


def test_the_tested_python_that_runs_and_fits_makes_the_environment(make):
    done = make(
        "--dry-run",
        python3_11="exit 127",
        python3_12="exit 0",
        python3_13="exit 0",
        python3="exit 0",
    )
    assert done.returncode == 0, done.stderr
    assert "\npython3.12 -m venv .venv\n" in done.stdout


def test_a_plain_python3_does_if_it_fits(make):
    done = make("--dry-run", python3="exit 0")
    assert "\npython3 -m venv .venv\n" in done.stdout


ADVICE = (
    "Python 3.11, 3.12 or 3.13 is needed; install one, or name one: make PYTHON=/path/to/python3.12"
)


def test_without_any_python_nothing_is_installed(make):
    done = make(python3="exit 1")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == f"error: no python found: {ADVICE}"
    assert done.stdout == ""


def test_a_python_that_the_user_names_must_fit(make):
    done = make("PYTHON=python3.9", **{"python3_9": "exit 1", "python3_12": "exit 0"})
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == f"error: python3.9: {ADVICE}"
    assert done.stdout == ""
