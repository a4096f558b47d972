"""What goes wrong around a run: edits meanwhile, damaged and deleted files, odd folders."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest
from project import TINY, Project


def manifest(project):
    return (project.results / "manifest.json").read_bytes()


def state(folder):
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("arguments", [("-n",), ("--lint",), ("help",)])
def test_reading_the_workflow_changes_no_result(arguments, copy):
    before = state(copy.results)
    copy.configure(TINY.replace("eta: 1e-2", "eta: 2e-2"))
    with (copy.folder / "scripts/train.py").open("a") as file:
        file.write("EXTRA = 1\n")
    copy.snakemake(*arguments, "--cores", "1")
    assert state(copy.results) == before


def test_a_running_job_keeps_its_code_whatever_happens_to_the_tree(tmp_path):
    project = Project.create(tmp_path / "project")
    table = "results/tiny/metrics/widths.parquet"
    script = project.folder / "scripts/train.py"
    text = script.read_text()
    with project.start("--cores", "1", table) as running:
        logs = project.results / "logs/train"
        while not list(logs.rglob("*.log")) and running.poll() is None:
            time.sleep(0.02)
        # Jobs of before the edit and of after it: all run what was planned.
        script.write_text(text + "\nraise SystemExit('error: edited')\n")
        pending = project.pending(table)
        assert pending.get("train") == 8, pending
        assert running.wait() == 0, running.stdout.read()
    assert project.pending(table)["train"] == 8
    script.write_text(text)
    assert project.pending(table) == {}


@pytest.mark.parametrize(
    ("kind", "gone", "expected"),
    [
        ("data", ["runs", "metrics"], {"data": 1, "train": 8}),
        ("runs", ["metrics"], {"train": 1}),
    ],
)
def test_what_a_killed_call_left_incomplete_holds_nothing_up(kind, gone, expected, copy):
    for folder in gone:
        shutil.rmtree(copy.results / folder)
    (left, *_) = sorted((copy.results / kind).rglob("*.npz"))
    name = base64.b64encode(left.relative_to(copy.folder).as_posix().encode()).decode()
    (copy.folder / ".snakemake/incomplete").mkdir(exist_ok=True)
    (copy.folder / ".snakemake/incomplete" / name).touch()
    after = {"tables": 1, "figure": 2, "claims": 1, "record": 1, "page": 1}
    assert copy.pending() == expected | after


@pytest.mark.long
def test_a_config_edited_during_a_run_leaves_the_run_alone(tmp_path):
    project = Project.create(tmp_path / "project")
    table = "results/tiny/metrics/widths.parquet"
    with project.start("--cores", "1", table) as running:
        while not list(project.results.rglob("*.npz")) and running.poll() is None:
            time.sleep(0.02)
        project.configure(TINY.replace("width: [20, 40]", "width: [20, 40, 30]"))
        project.snakemake("--cores", "1", table)
        assert running.wait() == 0, running.stdout.read()
    assert project.pending(table) == {"data": 2, "train": 4, "tables": 1}


DAMAGES = {
    "cut off": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "noise": lambda content: bytes(255 - byte for byte in content),
    "one byte": lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:],
}


@pytest.mark.parametrize(
    "damage",
    [
        each if each == "one byte" else pytest.param(each, marks=pytest.mark.long)
        for each in DAMAGES
    ],
)
def test_a_damaged_run_is_named_and_made_again(damage, copy):
    table = "results/tiny/metrics/widths.csv"
    before = (copy.folder / table).read_bytes()
    run = sorted((copy.results / "runs").rglob("*.npz"))[3]
    run.write_bytes(DAMAGES[damage](run.read_bytes()))
    (copy.folder / table).unlink()
    done = copy.snakemake("--cores", "2")
    place = run.relative_to(copy.folder).as_posix()
    said = [line for line in done.stdout.splitlines() + done.stderr.splitlines() if place in line]
    assert done.returncode == 1
    assert f"error: {place}: the file is damaged; the next run makes it again" in said
    assert "Traceback" not in done.stdout + done.stderr
    assert copy.pending()["train"] == 1
    copy.run(table)
    assert (copy.folder / table).read_bytes() == before


DELIVERABLES = {
    "metrics/widths.csv": "tables",
    "metrics/widths.parquet": "tables",
    "figures/song_loss.png": "figure",
    "notebooks/song_loss.html": "figure",
    "claims.csv": "claims",
    "claims.json": "claims",
    "claims.md": "claims",
    "manifest.json": "record",
    "settings.json": "record",
    "environment.json": "record",
    "status.json": "record",
    "index.html": "page",
}


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["metrics/widths.csv", "claims.md", "status.json"], id="some"),
        pytest.param(list(DELIVERABLES), marks=pytest.mark.long, id="all"),
    ],
)
def test_deleted_and_damaged_deliverables_come_back(names, copy):
    before = manifest(copy)
    for name in names:
        rule = DELIVERABLES[name]
        path = copy.results / name
        content = path.read_bytes()
        path.unlink()
        assert copy.pending()[rule] == 1, name
        path.write_bytes(bytes(255 - byte for byte in content))
        assert copy.pending()[rule] == 1, name
        path.write_bytes(content)
    assert copy.pending() == {}
    (copy.results / "receipts/claims/claims.json").write_text("{")
    assert copy.pending() == {"claims": 1, "record": 1, "page": 1}
    for name in DELIVERABLES:
        (copy.results / name).unlink()
    copy.run()
    assert manifest(copy) == before
    assert all((copy.results / name).is_file() for name in DELIVERABLES)
    assert copy.pending() == {}


def test_an_edit_that_is_taken_back_after_a_run_is_noticed(copy):
    table = "results/tiny/metrics/widths.csv"
    before = (copy.folder / table).read_bytes()
    copy.configure(TINY.replace("0.5", "0.7"))
    copy.run(table)
    copy.configure(TINY)
    # The runs are there still; what was made from them is not.
    after = {"tables": 1, "figure": 2, "claims": 1, "record": 1, "page": 1}
    assert copy.pending() == after
    copy.run(table)
    assert (copy.folder / table).read_bytes() == before


def test_a_notebook_that_was_run_and_saved_is_the_same_notebook(copy):
    path = copy.folder / "notebooks/song_loss.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            cell["execution_count"] = number
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["x"]}]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert copy.pending() == {}


def test_line_ends_of_the_checkout_change_nothing(copy):
    for pattern in ("requirements.lock", "src/**/*.py", "scripts/*.py", "notebooks/*.ipynb"):
        for path in copy.folder.glob(pattern):
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert copy.pending() == {}


def test_without_the_profile_and_with_default_triggers_nothing_is_stale(copy):
    assert copy.pending("--workflow-profile", "none") == {}
    copy.configure(TINY.replace("width: [20, 40]", "width: [20, 40, 30]"))
    assert copy.pending("--workflow-profile", "none")["train"] == 4


def test_folders_and_configs_may_have_any_name(tmp_path):
    project = Project.create(tmp_path / 'it\'s {here} & $there; "ö"')
    config = project.folder / "config/my conf's.yaml"
    config.write_text(TINY.replace("[linear, relu]", "[linear]"))
    files = ("metrics/widths.csv", "figures/song_loss.png")
    targets = [f"results/tiny/{file}" for file in files]
    project.run(*targets, "--configfile", "config/my conf's.yaml")
    assert all((project.folder / target).is_file() for target in targets)


def test_an_exception_that_fits_nothing_is_noted_and_stops_nothing(copy):
    copy.configure(TINY.replace("    grid:", "    exclude: [{l2: 0.7}]\n    grid:"))
    done = copy.snakemake("-n")
    assert done.returncode == 0
    assert "note: experiments.widths.exclude[0]: it fits no condition\n" in done.stderr
    assert "Nothing to be done" in done.stdout + done.stderr


def test_the_report_shows_the_figures_with_their_captions(copy):
    done = copy.snakemake("--report", "report.html")
    assert done.returncode == 0, done.stderr
    text = (copy.folder / "report.html").read_text(encoding="utf-8")
    assert "song_loss.svg" in text
    caption = (copy.folder / "workflow/report/song_loss.rst").read_text(encoding="utf-8")
    word = max(re.findall(r"[a-z]+", caption), key=len)
    assert word in text


def test_prune_lists_what_no_config_asks_for_and_removes_it_after_a_yes(copy):
    def prune(answer):
        return subprocess.run(
            [sys.executable, "-m", "feedback_alignment", "prune"],
            cwd=copy.folder,
            env=os.environ | {"PYTHONPATH": str(copy.folder / "src")},
            input=answer,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def copies():
        kept = copy.folder / ".snakemake"
        return {path for name in ("code", "specifications") for path in (kept / name).iterdir()}

    def files():
        return set((copy.results).rglob("*.npz"))

    before, needed = files(), copies()
    assert "nothing to remove" in prune("y\n")
    copy.configure(TINY.replace("width: [20, 40]", "width: [20]"))
    copy.pending()
    (copy.results / "runs/.000.4711.npz").write_bytes(b"a killed write")
    listed = prune("\n")
    assert "7 files" in listed
    assert files() == before | {copy.results / "runs/.000.4711.npz"}
    prune("yes\n")
    gone = before - files()
    assert len(gone) == 6
    assert all(str(path.relative_to(copy.folder)) in listed for path in gone)
    assert all("p40" in str(path) for path in gone)
    assert not needed <= copies()
    assert copy.pending() == {"tables": 1, "figure": 2, "claims": 1, "record": 1, "page": 1}
    (copy.folder / ".snakemake/locks").mkdir(exist_ok=True)
    (copy.folder / ".snakemake/locks/0.input.lock").touch()
    with pytest.raises(subprocess.CalledProcessError) as caught:
        prune("yes\n")
    assert caught.value.stderr.startswith("error: .snakemake/locks: a run is under way; wait")
