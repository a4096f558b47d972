"""The workflow as its users run it: what is made, and what is made again."""

import hashlib
import json
import os
import re
import shutil

import pandas as pd
import pytest
from project import ROOT, TINY, Project

AFTER = {"tables": 1, "figure": 2, "claims": 1, "record": 1, "page": 1}


def digests(project, *folders):
    return {
        path.relative_to(project.results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted((project.results / folder).glob("*"))
    }


def state(folder):
    """Content and time of every file."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_bare_command_makes_every_output(built):
    made = {path.relative_to(built.results).as_posix() for path in built.results.rglob("*")}
    for figure in ("song_alignment_width", "song_loss", "song_feedback_paths"):
        assert {f"figures/{figure}{end}" for end in (".svg", ".pdf", ".png")} <= made
        assert {f"notebooks/{figure}{end}" for end in (".ipynb", ".html")} <= made
    assert {"metrics/widths.csv", "metrics/widths.parquet", "index.html"} <= made
    assert {"claims.csv", "claims.json", "claims.md", "manifest.json"} <= made


def test_manifest_has_the_digest_of_every_file(built):
    files = json.loads((built.results / "manifest.json").read_text())["files"]
    assert digests(built, "metrics", "figures", "notebooks").items() <= files.items()
    assert {"claims.csv", "claims.json", "claims.md"} <= files.keys()


def test_second_call_makes_nothing(copy):
    assert copy.pending() == {}


def test_one_figure_alone(tmp_path):
    project = Project.create(tmp_path / "project")
    assert project.pending("song_loss") == {
        "data": 4, "train": 8, "tables": 1, "figure": 1, "song_loss": 1
    }  # fmt: skip


def test_dry_run_leaves_no_trace(tmp_path):
    project = Project.create(tmp_path / "project")
    project.pending()
    assert not (project.folder / "results").exists()


def test_dry_run_of_a_change_leaves_the_results_alone(copy):
    before = state(copy.results)
    copy.configure(TINY.replace("steps: 60", "steps: 70"))
    assert copy.pending()["train"] == 8
    assert state(copy.results) == before
    copy.configure(TINY)
    assert copy.pending() == {}


def test_help_names_every_target(copy):
    text = copy.run("help")
    assert "song_alignment_width: this figure alone" in text
    assert "results of this config: results/tiny" in text


CHANGES = {
    "one more width": ("width: [20, 40]", "width: [20, 40, 30]", {"data": 2, "train": 4}),
    "one more l2": ("l2: [0, 0.5]", "l2: [0, 0.5, 1]", {"train": 4}),
    "one more activation": ("[linear, relu]", "[linear, relu, tanh]", {"data": 2, "train": 4}),
    "one included": (
        "    grid:",
        "    include: [{activation: erf, width: 30, l2: 1}]\n    grid:",
        {"data": 1, "train": 1},
    ),
    "one width fewer": ("width: [20, 40]", "width: [20]", {}),
    "one excluded": ("    grid:", "    exclude: [{l2: 0.5, width: 20}]\n    grid:", {}),
    "other step size": ("eta: 1e-2", "eta: 2e-2", {"train": 8}),
    "other seed": ("name: tiny", "name: tiny\nseed: 1", {"data": 4, "train": 8}),
    "more replicates": ("replicates: 2", "replicates: 6", {"data": 8, "train": 16}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_runs_exactly_what_depends_on_it(change, copy):
    old, new, expected = CHANGES[change]
    copy.configure(TINY.replace(old, new))
    assert copy.pending() == expected | AFTER


def test_another_spelling_of_numbers_changes_nothing(copy):
    copy.configure(TINY.replace("eta: 1e-2", "eta: 0.01").replace("width: [20,", "width: [2e1,"))
    assert copy.pending() == {}


def test_nothing_is_stale_after_losing_snakemakes_state(copy):
    shutil.rmtree(copy.folder / ".snakemake")
    assert copy.pending() == {}


def test_nothing_is_stale_after_touching_everything(copy):
    for index, path in enumerate(sorted(copy.folder.rglob("*"))):
        os.utime(path, (1_700_000_000 - index, 1_700_000_000 - index))
    for path in (copy.folder / "src").rglob("*.py"):
        path.touch()
    assert copy.pending() == {}


def test_old_results_in_a_fresh_clone_are_used_where_valid(built, tmp_path):
    project = Project.create(tmp_path / "project")
    # Without times, as from an archive or a plain cp -r.
    shutil.copytree(
        built.folder / "results", project.folder / "results", copy_function=shutil.copyfile
    )
    assert project.pending() == {}


def test_old_results_in_a_fresh_clone_are_not_used_where_stale(built, tmp_path):
    project = Project.create(tmp_path / "project", TINY.replace("eta: 1e-2", "eta: 2e-2"))
    shutil.copytree(built.folder / "results", project.folder / "results")
    assert project.pending() == {"train": 8} | AFTER


def test_results_swapped_under_a_kept_state_are_noticed(copy, built):
    copy.configure(TINY.replace("0.5", "0.7"))
    copy.run("results/tiny/metrics/widths.csv")
    shutil.rmtree(copy.results)
    shutil.copytree(built.results, copy.results)
    assert copy.pending() == {"train": 4} | AFTER


CODE = {
    "engine": ("src/feedback_alignment/training/loop.py", {"train": 8} | AFTER),
    "data": ("src/feedback_alignment/data/synthetic.py", {"data": 4, "train": 8} | AFTER),
    "tables": ("src/feedback_alignment/tables.py", AFTER | {"figure": 3}),
    "style": (
        "src/feedback_alignment/figures/style.py",
        {"figure": 3, "record": 1, "page": 1},
    ),
    "claims": ("src/feedback_alignment/claims/__init__.py", {"claims": 1, "record": 1, "page": 1}),
    "page": ("src/feedback_alignment/page/__init__.py", {"page": 1}),
    "caption": ("workflow/report/song_loss.rst", {"page": 1}),
}


@pytest.mark.parametrize("part", CODE)
def test_changed_code_runs_the_steps_it_decides(part, copy):
    path, expected = CODE[part]
    with (copy.folder / path).open("a") as file:
        file.write("\nEXTRA = 1\n")
    assert copy.pending() == expected


def test_a_comment_in_the_code_changes_nothing(copy):
    for path in (path for path, _ in CODE.values() if path.endswith(".py")):
        with (copy.folder / path).open("a") as file:
            file.write("\n# a comment\n")
    assert copy.pending() == {}


def test_changed_lock_file_makes_everything_again(copy):
    with (copy.folder / "requirements.lock").open("a") as file:
        file.write("another==1.0\n")
    assert copy.pending() == {"data": 4, "train": 8} | AFTER | {"figure": 3}


def test_deleted_intermediate_files_are_not_missed(copy):
    shutil.rmtree(copy.results / "runs")
    shutil.rmtree(copy.results / "data")
    assert copy.pending() == {}


def test_a_deleted_figure_is_made_again_alone(copy):
    before = digests(copy, "figures")
    (copy.results / "figures/song_loss.pdf").unlink()
    assert copy.pending() == {"figure": 1, "record": 1, "page": 1}
    copy.run()
    assert digests(copy, "figures") == before


def test_bytes_do_not_depend_on_cores_or_on_what_else_runs(built, tmp_path):
    other = """\
  aside:
    replicates: 3
    settings: {samples: 6, dimension: 9, steps: 60, eta: 1e-2, l2: 0.5}
    grid: {rule: [bp, fa], activation: [relu], width: [20, 30]}
"""
    project = Project.create(tmp_path / "project", TINY + other)
    tables = [f"results/tiny/metrics/{name}.csv" for name in ("widths", "aside")]
    project.run(*tables, "song_loss", cores=1)
    ours = digests(built, "metrics", "figures", "notebooks")
    theirs = digests(project, "metrics", "figures", "notebooks")
    shared = {name: digest for name, digest in theirs.items() if "aside" not in name}
    assert len(shared) == 7
    assert shared.items() <= ours.items()


def test_more_replicates_leave_old_rows_as_they_are(copy):
    before = pd.read_parquet(copy.results / "metrics/widths.parquet")
    copy.configure(TINY.replace("replicates: 2", "replicates: 5"))
    copy.run(str(copy.results.relative_to(copy.folder) / "metrics/widths.csv"))
    after = pd.read_parquet(copy.results / "metrics/widths.parquet")
    assert sorted(after["replicate"].unique()) == [0, 1, 2, 3, 4]
    old = after[after["replicate"] < 2].reset_index(drop=True)
    keys = ["condition", "replicate", "metric", "step"]
    pd.testing.assert_frame_equal(
        old.sort_values(keys, ignore_index=True),
        before.sort_values(keys, ignore_index=True),
        check_exact=True,
    )


BAD_CALLS = {
    "unknown key": (TINY + "replicats: 2\n", "error: config/config.yaml: replicats: unknown key"),
    "duplicate key": (TINY + "name: other\n", 'key "name" stands twice'),
    "empty": ("", "config/config.yaml: the file is empty"),
    "broken": (TINY + "  broken: [\n", "not valid YAML"),
    "missing figure": (
        TINY.replace("song_loss", "song_lss"),
        'unknown figure "song_lss"; did you mean "song_loss"?',
    ),
    "other folder": (TINY.replace("name: tiny", "name: ../tiny"), 'name: "../tiny"'),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_config_stops_with_one_line_and_loses_nothing(case, copy):
    text, message = BAD_CALLS[case]
    before = state(copy.results)
    copy.configure(text)
    done = copy.snakemake("--cores", "1")
    assert done.returncode == 1
    assert message in done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("Using ")]
    assert len(said) == 1
    assert said[0].startswith("error: config/config.yaml: ")
    assert "Traceback" not in done.stdout + done.stderr
    assert state(copy.results) == before


@pytest.mark.parametrize(
    ("file", "good", "bad", "at"),
    [
        ("src/feedback_alignment/claims/song.py", " slope(", " slop(", "song.py:"),
        ("config/sources.yaml", " source:", " - [", "sources.yaml: "),
        ("resources/seeds.csv", "verdict_1", "verdict", "seeds.csv: "),
    ],
)
def test_a_broken_file_beside_the_config_stops_before_anything_is_lost(file, good, bad, at, copy):
    before = state(copy.results)
    path = copy.folder / file
    path.write_text(path.read_text().replace(good, bad))
    done = copy.snakemake("--cores", "1")
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if not line.startswith("Using ")]
    assert len(said) == 1
    assert said[0].startswith("error: ")
    assert f"{file.removesuffix(path.name)}{at}" in said[0]
    assert state(copy.results) == before


def test_diverged_runs_are_results(copy):
    copy.configure(TINY.replace("l2: [0, 0.5]", "l2: [0, 0.5, 1000]"))
    copy.run()
    table = pd.read_parquet(copy.results / "metrics/widths.parquet")
    blown = table[table["l2"] == 1000]
    assert set(blown["status"]) == {"diverged"}
    assert set(table[table["l2"] < 1000]["status"]) == {"ok"}
    assert blown[blown["step"] == blown["end_step"]]["value"].isna().all()
    assert "diverged" in (copy.results / "index.html").read_text()


def test_a_failing_job_shows_its_log_and_keeps_the_rest(copy):
    before = digests(copy, "metrics")
    script = copy.folder / "scripts/figure.py"
    script.write_text("raise SystemExit('error: the pen broke')\n" + script.read_text())
    done = copy.snakemake("--cores", "2")
    assert done.returncode == 1
    assert "error: the pen broke" in done.stdout + done.stderr
    assert digests(copy, "metrics") == before


def test_the_readme_shows_the_steps_as_they_are(copy):
    def edges(text):
        names = dict(re.findall(r"(id\d+)\[(\w+)\]", text))
        return {(names[a], names[b]) for a, b in re.findall(r"(id\d+) --> (id\d+)", text)}

    graph = copy.snakemake("--rulegraph", "mermaid-js").stdout
    assert edges((ROOT / "README.md").read_text()) == edges(graph) != set()
