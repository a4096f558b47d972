"""The smoke config, whole: every figure, and no verdict from two seeds."""

import json
import shutil

import pandas as pd
import pytest
from project import ROOT, Project

# One worker for all: the run is made once.
pytestmark = pytest.mark.xdist_group("smoke")


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    project = Project.create(tmp_path_factory.mktemp("smoke") / "project")
    shutil.copy(ROOT / "config/smoke.yaml", project.folder / "config")
    project.run("--configfile", "config/smoke.yaml")
    return project.folder / "results/smoke"


def test_every_figure_is_made(smoke):
    figures = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    for end in ("svg", "pdf", "png"):
        assert {path.stem for path in (smoke / "figures").glob(f"*.{end}")} == figures
    page = (smoke / "index.html").read_text()
    assert all(figure in page for figure in figures)


def test_two_seeds_replicate_nothing(smoke):
    claims = json.loads((smoke / "claims.json").read_text())["claims"]
    assert {claim["verdict"] for claim in claims} <= {"inconclusive", "not run"}
    rows = pd.read_csv(smoke / "claims.csv")
    assert {claim["id"] for claim in claims} == set(rows["claim"])
    assert (rows.loc[rows["verdict"] == "inconclusive", "n"] <= 2).all()


def test_the_outputs_name_no_folder_of_this_machine(smoke):
    text_files = [
        path
        for end in ("csv", "json", "md", "html", "ipynb", "svg")
        for path in smoke.rglob(f"*.{end}")
    ]
    assert len(text_files) > 30
    for path in text_files:
        assert str(smoke.parents[1]) not in path.read_text(), path
