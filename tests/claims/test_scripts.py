import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    """A claims file, a plan for one of two figures, and the options that name them."""
    for width in (100, 200):
        table = sweep("loss", lambda seed, width: 2.0 + seed, [{"width": width}])
        table.to_parquet(tmp_path / f"{width}.parquet")
    tables = [str(tmp_path / f"{width}.parquet") for width in (100, 200)]
    (tmp_path / "plan.json").write_text(json.dumps({"one": tables}))
    (tmp_path / "claims.yaml").write_text(CLAIMS)
    (tmp_path / "notebooks").mkdir()
    for figure in ("one", "two"):
        (tmp_path / "notebooks" / f"{figure}.ipynb").touch()
    return {
        "--claims": tmp_path / "claims.yaml",
        "--plan": tmp_path / "plan.json",
        "--out-dir": tmp_path / "results",
        "--notebooks": tmp_path / "notebooks",
    }


def judged(project):
    return call("claims.py", *(part for option in project.items() for part in option))


def test_judges_and_shows(project):
    done = judged(project)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    out = project["--out-dir"]
    rows = list(csv.DictReader((out / "claims.csv").read_text().splitlines()))
    assert [row["verdict"] for row in rows] == ["replicated", "not run"]
    assert (rows[0]["estimate"], rows[0]["n"]) == ("5.5", "8")
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    assert judged(project).returncode == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first
    shown = call("show_verdicts.py", "--claims-json", out / "claims.json")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "two.floor" in shown.stdout
    assert "because the config has no figure two" in shown.stdout


def test_mistake_in_the_claims_is_one_line(project):
    path = project["--claims"]
    path.write_text(CLAIMS.replace("figure: two", "figure: tow"))
    done = judged(project)
    assert done.returncode == 1
    assert done.stderr == (
        f'{path}: claims[1].figure: unknown figure "tow"; allowed: one, two; did you mean "two"?\n'
    )
    assert not project["--out-dir"].exists()


@pytest.mark.parametrize("text", ["{", '{"one": ["absent.parquet"]}', '{"one": 3}', "[]"])
def test_broken_plan_is_one_line(project, text):
    project["--plan"].write_text(text)
    done = judged(project)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{project['--plan']}: ")
    assert done.stderr.count("\n") == 1


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
