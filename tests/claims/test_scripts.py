import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from feedback_alignment.specification import digest_of, write_specification

ROOT = Path(__file__).parents[2]
CLAIMS = """\
claims:
  - id: one.floor
    paper: P
    statement: The loss stays.
    figure: one
    checks:
      - {statistic: lowest_mean, label: floor, args: {metric: loss}, at_least: 1}
  - id: two.floor
    paper: P
    statement: The loss stays there too.
    figure: two
    checks:
      - {statistic: lowest_mean, label: floor, args: {metric: loss}, at_least: 1}
"""


def call(script, *arguments):
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "error"},
    )


@pytest.fixture
def project(tmp_path, sweep):
    """A claims file, the job of a config with one of two figures, and their options."""
    results = tmp_path / "results"
    (results / "metrics").mkdir(parents=True)
    for width in (100, 200):
        table = sweep("loss", lambda replicate, width: 2.0 + replicate, [{"width": width}])
        table.to_parquet(results / "metrics" / f"width_{width}.parquet")
    feeding = {"one": ["width_100", "width_200"], "drawing": []}
    (tmp_path / "claims.yaml").write_text(CLAIMS)
    specification = {"step": "claims", "figures": feeding}
    write_specification(tmp_path, specification)
    return {
        "--claims": tmp_path / "claims.yaml",
        "--spec": tmp_path / f"{digest_of(specification)}.json",
        "--results": results,
        "--receipt": results / "receipts/claims/claims.json",
    }


def judged(project):
    return call("claims.py", *(part for option in project.items() for part in option))


def test_judges_and_shows(project):
    done = judged(project)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    out = project["--results"]
    rows = list(csv.DictReader((out / "claims.csv").read_text().splitlines()))
    assert [row["verdict"] for row in rows] == ["replicated", "not run"]
    assert (rows[0]["estimate"], rows[0]["n"]) == ("5.5", "8")
    first = {path.name: path.read_bytes() for path in out.glob("claims.*")}
    assert sorted(first) == ["claims.csv", "claims.json", "claims.md"]
    assert judged(project).returncode == 0
    assert {path.name: path.read_bytes() for path in out.glob("claims.*")} == first
    shown = call("show_verdicts.py", "--claims-json", out / "claims.json")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "two.floor" in shown.stdout
    assert "because the config has no figure two" in shown.stdout


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        (
            "statistic: lowest_mean",
            "statistic: lowestmean",
            'claims[0].checks[0].statistic: unknown statistic "lowestmean"; allowed: '
            "share_of_replicates, lowest_mean, highest_mean, grand_mean, slope, lowest_gain, "
            "lowest_margin, highest_ratio, lowest_ratio, lowest_step_ratio, rank_correlation, "
            "correlation, auc, widest_spread; "
            'did you mean "lowest_mean"?',
        ),
    ],
)
def test_mistake_in_the_claims_is_one_line(project, good, bad, message):
    path = project["--claims"]
    path.write_text(CLAIMS.replace(good, bad))
    done = judged(project)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"error: {path}: {message}\n"
    assert not list(project["--results"].glob("claims.*"))


def test_nothing_to_show_is_one_line(tmp_path):
    done = call("show_verdicts.py", "--claims-json", tmp_path / "claims.json")
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path / 'claims.json'}: cannot be read: No such file or directory\n"


def test_importing_the_claims_is_cheap():
    code = (
        "import sys, feedback_alignment.claims\n"
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
