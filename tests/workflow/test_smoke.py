"""The smoke config, whole: every figure, and no verdict from two replicates."""

import json
import shutil

import pandas as pd
from project import ROOT, Project


def test_smoke_run(tmp_path):
    """One test, since with several each worker would make the run of minutes for itself."""
    project = Project.create(tmp_path / "project")
    for name in ("config", "smoke"):
        shutil.copy(ROOT / f"config/{name}.yaml", project.folder / "config")
    project.run("--configfile", "config/smoke.yaml")
    smoke = project.folder / "results/smoke"

    # MNIST would be downloaded.
    figures = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} - {"song_mnist"}
    for end in ("svg", "pdf", "png"):
        assert {path.stem for path in (smoke / "figures").glob(f"*.{end}")} == figures
    page = (smoke / "index.html").read_text()
    assert all(figure in page for figure in figures)

    claims = json.loads((smoke / "claims.json").read_text())["claims"]
    assert {claim["verdict"] for claim in claims} <= {"inconclusive", "not run"}
    rows = pd.read_csv(smoke / "claims.csv")
    assert {claim["id"] for claim in claims} == set(rows["claim"])
    assert (rows.loc[rows["verdict"] == "inconclusive", "n"] <= 2).all()

    # No folder of this machine in any output.
    ends = ("csv", "json", "md", "html", "ipynb", "svg")
    texts = [path for end in ends for path in smoke.rglob(f"*.{end}")]
    assert len(texts) > 30
    for path in texts:
        assert str(project.folder) not in path.read_text(), path
