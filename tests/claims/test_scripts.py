import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from feedback_alignment.specification import digest_of, write_specification

ROOT = Path(__file__).parents[2]


def call(script, *arguments, library=ROOT / "src"):
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(library), "PYTHONWARNINGS": "error"},
    )


@pytest.fixture
def project(tmp_path, sweep):
    """The options of the job of a config with one figure of claims, and a drawing."""
    results = tmp_path / "results"
    (results / "metrics").mkdir(parents=True)
    for width in (100, 400):
        final = sweep("weight_alignment", lambda replicate, width: width**-0.5, [{"width": width}])
        # What training adds to nothing.
        table = pd.concat([final.assign(step=0, value=0.0), final])
        table.to_parquet(results / "metrics" / f"width_{width}.parquet")
    feeding = {"song_alignment_width": ["width_100", "width_400"], "drawing": []}
    specification = {"step": "claims", "figures": feeding}
    write_specification(tmp_path, specification)
    return {
        "--spec": tmp_path / f"{digest_of(specification)}.json",
        "--results": results,
        "--published": ROOT / "resources/published/song2021_alignment.csv",
        "--receipt": results / "receipts/claims/claims.json",
    }


def judged(project):
    return call("claims.py", *(part for option in project.items() for part in option))


def test_judges_and_shows(project):
    done = judged(project)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    out = project["--results"]
    rows = list(csv.DictReader((out / "claims.csv").read_text().splitlines()))
    verdicts = {row["claim"]: row["verdict"] for row in rows}
    assert verdicts["song.no_reg_no_align"] == "replicated"
    assert verdicts["song.kernels"] == "not run"
    (row,) = (row for row in rows if row["claim"] == "song.no_reg_no_align")
    assert (row["estimate"], row["n"]) == ("-0.5", "8")
    first = {path.name: path.read_bytes() for path in out.glob("claims.*")}
    assert sorted(first) == ["claims.csv", "claims.json", "claims.md"]
    assert judged(project).returncode == 0
    assert {path.name: path.read_bytes() for path in out.glob("claims.*")} == first
    shown = call("show_verdicts.py", "--claims-json", out / "claims.json")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "song.kernels" in shown.stdout
    assert "because the config has no figure song_kernels" in shown.stdout


def test_mistake_in_a_claim_is_one_line(project, tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src")
    song = tmp_path / "src/feedback_alignment/claims/song.py"
    good, bad = (
        'final("weight_alignment"), along="l2", start=0',
        'final("weight_aligment"), along="l2", start=0',
    )
    text = song.read_text().replace(good, bad)
    song.write_text(text)
    line = next(i for i, code in enumerate(text.splitlines(), 1) if "weight_aligment" in code)
    options = (part for option in project.items() for part in option)
    done = call("claims.py", *options, library=tmp_path / "src")
    assert (done.returncode, done.stdout) == (1, "")
    message = 'unknown metric "weight_aligment"; did you mean "weight_alignment"?'
    assert done.stderr == f"error: {song}:{line}: {message}\n"
    assert not list(project["--results"].glob("claims.*"))


def test_nothing_to_show_is_one_line(tmp_path):
    done = call("show_verdicts.py", "--claims-json", tmp_path / "claims.json")
    assert done.returncode == 1
    path = tmp_path / "claims.json"
    assert done.stderr == f"error: {path}: cannot be read: No such file or directory\n"


def test_importing_the_claims_is_cheap():
    code = (
        "import sys\nfrom feedback_alignment.claims import load_claims\nload_claims()\n"
        "print([m for m in ('pandas', 'scipy', 'torch', 'ruamel.yaml') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    assert done.stdout == "[]\n"
