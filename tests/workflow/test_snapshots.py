"""Results verified and published: every altered byte is found, and what has not run says so."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from unittest.mock import patch

import pytest
from project import TINY

from feedback_alignment import __main__
from feedback_alignment.snapshots.manifest import damages, write_sealed

RESULTS, SNAPSHOT = "results/tiny", "docs/results/tiny"


def command(project, *arguments):
    """Exit status and lines of a command of the library, called in the project."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with (
        chdir(project.folder),
        patch("sys.argv", ["feedback_alignment", *arguments]),
        patch.object(__main__, "ROOT", project.folder),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            __main__.main()
        except SystemExit as end:
            # Python prints a message, and gives 1.
            err.write(f"{end.code}\n")
            status = 1
    return status, (out.getvalue() + err.getvalue()).splitlines()


@pytest.fixture(scope="session")
def published(built, tmp_path_factory):
    """The small project with a snapshot of it, made as a user makes it; to be read only."""
    project = built.copy(tmp_path_factory.mktemp("published") / "project")
    done = subprocess.run(
        [sys.executable, "-m", "feedback_alignment", "snapshot", "config/config.yaml"],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, f"{project.folder / SNAPSHOT}\n"), done.stderr
    return project


@pytest.fixture
def project(published, tmp_path):
    """A copy of it that a test may change."""
    return published.copy(tmp_path / "project")


def flip(path):
    """Alter one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def read_csv(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def reseal(folder, **changes):
    """Make the manifest of a changed snapshot fit again."""
    path = folder / "manifest.json"
    content = json.loads(path.read_text()) | changes
    path.unlink()
    write_sealed(folder, {k: v for k, v in content.items() if k not in ("files", "seal")})


def test_fresh_results_are_as_they_were_made_and_as_published(published):
    status, lines = command(published, "verify", RESULTS, "--snapshot", SNAPSHOT)
    assert status == 0
    assert lines == [
        f"{RESULTS}: every file is as it was made",
        f"{RESULTS}: found what {SNAPSHOT} says",
    ]


def test_each_altered_byte_of_a_snapshot_is_found_and_named(project):
    folder = project.folder / SNAPSHOT
    assert damages(folder) == []
    paths = [path for path in folder.rglob("*") if path.is_file()]
    assert len(paths) > 10
    for path in paths:
        before = path.read_bytes()
        flip(path)
        try:
            (line,) = damages(folder)
        except ValueError as error:
            line = str(error)
        assert line.startswith(f"{path}: "), line
        path.write_bytes(before)


ALTERED = "altered; its SHA-256 is not that of the manifest"


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("metrics/*.csv", ALTERED),
        ("metrics/*.parquet", ALTERED),
        ("figures/*.svg", ALTERED),
        ("notebooks/*.ipynb", ALTERED),
        ("claims.json", ALTERED),
        ("index.html", ALTERED),
        ("settings.json", ALTERED),
        ("runs/*/*.npz", "the file is damaged"),
        ("data/*/*.npz", "the file is damaged"),
    ],
)
def test_an_altered_byte_of_results_is_found_and_named(project, pattern, said):
    path = next(project.results.glob(pattern))
    flip(path)
    status, lines = command(project, "verify", RESULTS, "--snapshot", SNAPSHOT)
    assert status == 1
    assert lines == [f"error: {path.relative_to(project.folder)}: {said}"]


def directory(path):
    path.unlink()
    path.mkdir()


TABLE, MANIFEST = "metrics/widths.csv", "manifest.json"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (TABLE, lambda path: path.unlink(), "missing; the manifest lists it"),
        (TABLE, directory, "cannot be read: Is a directory"),
        ("metrics/old.csv", lambda path: path.write_text("a\n1\n"), "not in the manifest"),
        (MANIFEST, lambda path: path.unlink(), "cannot be read: No such file or directory"),
        (MANIFEST, lambda path: path.write_text("{"), "damaged; it is no JSON"),
        (MANIFEST, lambda path: path.write_text("[]"), 'damaged; it has no "files"'),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_line(project, name, change, said):
    change(project.results / name)
    status, lines = command(project, "verify", RESULTS)
    assert status == 1
    assert lines == [f"error: {RESULTS}/{name}: {said}"]


def test_other_bytes_from_the_same_environment_are_named(project):
    folder = project.folder / SNAPSHOT
    pieces = json.loads((folder / "manifest.json").read_text())["pieces"]
    pieces["tables/widths"]["made"][TABLE] = "0" * 64
    reseal(folder, pieces=pieces)
    status, lines = command(project, "verify", RESULTS, "--snapshot", SNAPSHOT)
    assert status == 1
    said = "other bytes than in the snapshot, from the same environment"
    assert lines == [f"error: {RESULTS}/{TABLE}: {said}"]


def elsewhere(folder):
    """Say that a snapshot was made on another processor."""
    path = folder / "environment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"processor": "another"}))


# By chance the means of two replicates may differ much, yet not so much.
@pytest.mark.parametrize(("factor", "status"), [(1 + 5e-4, 0), (1 - 5e-4, 0), (1e9, 1)])
def test_elsewhere_means_may_differ_by_rounding_and_chance(project, factor, status):
    folder = project.folder / SNAPSHOT
    elsewhere(folder)
    path = folder / "summaries/widths.csv"
    rows = read_csv(path)
    row = next(row for row in rows if row["metric"] == "loss")
    mean = row["mean"]
    row["mean"] = f"{float(mean) * factor:.9g}"
    own = json.loads((folder / "manifest.json").read_text())["pieces"]
    own["tables/widths"]["specification"] = "0" * 64
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    reseal(folder, pieces=own)
    found, lines = command(project, "verify", RESULTS, "--snapshot", SNAPSHOT)
    assert found == status
    if status:
        both = f"mean {mean}, in the snapshot {float(row['mean']):.6g}"
        assert lines == [f"error: widths {row['condition']} loss: {both}"]


def test_another_verdict_is_named(project):
    folder = project.folder / SNAPSHOT
    elsewhere(folder)
    path = folder / "claims.json"
    content = json.loads(path.read_text())
    claim = content["claims"][0]
    verdict, claim["verdict"] = claim["verdict"], "not replicated"
    path.write_text(json.dumps(content))
    reseal(folder)
    status, lines = command(project, "verify", RESULTS, "--snapshot", SNAPSHOT)
    assert status == 1
    assert lines == [f"error: {claim['id']}: {verdict}, in the snapshot not replicated"]


def test_a_snapshot_has_what_it_promises(published):
    folder = published.folder / SNAPSHOT
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["configs"] == ["config/config.yaml"]
    table = manifest["pieces"]["tables/widths"]
    assert {len(digest) for digest in table["code"]["train"]} == {64}
    assert sum(path.stat().st_size for path in folder.rglob("*.*")) < 15e6

    summary = read_csv(folder / "summaries/widths.csv")
    rows = read_csv(published.results / "metrics/widths.csv")
    row = next(row for row in summary if row["metric"] == "weight_alignment")
    last = max(int(row["step"]) for row in rows)
    values = [
        float(r["value"])
        for r in rows
        if (r["condition"], r["metric"], r["layer"], int(r["step"]))
        == (row["condition"], "weight_alignment", row["layer"], last)
    ]
    assert int(row["n"]) == len(values) == 2
    assert float(row["mean"]) == pytest.approx(sum(values) / 2, rel=1e-5)
    assert float(row["sd"]) == pytest.approx(abs(values[0] - values[1]) / 2**0.5, rel=1e-4)

    points = read_csv(folder / "published.csv")
    of = [p for p in points if p["claim"] == "song.published_alignment"]
    assert {p["verdict"] for p in of} == {"not run"}
    # Once each: the check of all points together has no verdict of one.
    assert len({p["point"] for p in of}) == len(of) == 84

    took = read_csv(folder / "took.csv")
    train = next(row for row in took if row["name"] == "widths")
    assert train["jobs"] == train["recorded"] == "8"
    assert float(train["hours"]) > 0
    assert train["on"] == json.loads((folder / "environment.json").read_text())["processor"]


def test_what_has_not_run_says_so(project):
    config = TINY + (
        "  later:\n    figures: [song_cutoff]\n    replicates: 2\n"
        "    settings: {rule: fa, samples: 6, dimension: 9, steps: 60, eta: 1e-2}\n"
        "    grid: {width: [20]}\n"
    )
    project.configure(config)
    status, lines = command(project, "snapshot", "config/config.yaml")
    assert status == 0, lines
    assert lines[1:] == ["not run: tables/later", "not run: figure/song_cutoff"]
    folder = project.folder / SNAPSHOT
    page = (folder / "index.html").read_text()
    assert "<p>Not run: <code>song_cutoff</code>.</p>" in page
    assert "data:image" not in page
    shown = re.findall(r'<img[^>]* src="([^"]+)"', page)
    assert shown
    assert all((folder / address).is_file() for address in shown)
    assert json.loads((folder / "status.json").read_text())["later"] == {}
    verdicts = {row["claim"]: row["verdict"] for row in read_csv(folder / "claims.csv")}
    assert verdicts["song.cutoff"] == "not run"
    assert "no experiment of the figure song_cutoff has run" in page
    assert "the config has no figure song_mnist" in page
    assert damages(folder) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda p: shutil.rmtree(p.results),
            f"{RESULTS}: nothing of the config tiny has run",
        ),
        (
            lambda p: p.configure(TINY.replace("eta: 1e-2", "eta: 2e-2")),
            f"{RESULTS}/receipts/tables/widths.json: made with other settings than the config's; "
            "run it again",
        ),
        (
            lambda p: flip(p.results / TABLE),
            f"{RESULTS}/{TABLE}: missing or altered; run the config again",
        ),
        (
            lambda p: (p.folder / "resources/seeds.csv").unlink(),
            "resources/seeds.csv: there is no such file",
        ),
        (
            lambda p: (p.results / "receipts/tables/widths.json").write_text("{"),
            f"{RESULTS}/receipts/tables/widths.json: damaged; run the config again",
        ),
    ],
)
def test_a_snapshot_is_made_of_whole_results_of_the_tree(project, spoil, said):
    before = sorted((project.folder / "docs/results").rglob("*"))
    spoil(project)
    assert command(project, "snapshot", "config/config.yaml") == (1, [f"error: {said}"])
    assert sorted((project.folder / "docs/results").rglob("*")) == before


def test_a_snapshot_takes_the_place_of_none_but_a_snapshot(project):
    status, lines = command(project, "snapshot", "config/config.yaml", "--into", "docs/results")
    said = "is no snapshot; name one, or a folder that is not there yet"
    assert (status, lines) == (1, [f"error: docs/results: {said}"])
