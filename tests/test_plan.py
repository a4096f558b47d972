"""Specifications: what they hold, and how they mark stale outputs."""

import ast
import dataclasses
import json
import os
import shutil
from pathlib import Path

import pytest

from feedback_alignment.config import ConfigError, parse_config
from feedback_alignment.plan import CODE, known_figures, make_plan, spec_text, sync_specs
from feedback_alignment.rules import RULES

ROOT = Path(__file__).parents[1]


def plan_of(name="tiny", **experiment):
    entry = {"settings": {"steps": 10}, "grid": {"width": [10, 20], "l2": [0, 1]}, "replicates": 6}
    content = {"name": name, "experiments": {"first": entry | experiment}}
    return make_plan(parse_config(content, known_figures(ROOT)), ROOT)


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "wanted", tmp_path / "results"


def finish(results, step, job, spec):
    path = results / "specs" / step / f"{job}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(spec_text(spec))


def test_jobs_are_conditions_by_blocks_and_share_data():
    plan = plan_of()
    assert len(plan.specs["train"]) == 8
    assert len(plan.specs["data"]) == 4
    assert {run.rpartition("/")[2] for run in plan.specs["train"]} == {"000-003", "004-005"}


def test_a_specification_changes_with_everything_upstream():
    one, two = plan_of(), plan_of(settings={"steps": 10, "samples": 49})
    for step in ("metrics", "claims", "record", "page"):
        for job, spec in one.specs[step].items():
            assert spec != two.specs[step][job]


def test_an_untouched_condition_keeps_its_specification():
    one, two = plan_of(), plan_of(grid={"width": [10, 30], "l2": [0, 1]})
    shared = one.specs["train"].keys() & two.specs["train"].keys()
    assert len(shared) == 4
    assert all(one.specs["train"][job] == two.specs["train"][job] for job in shared)


def test_finished_jobs_are_dated_back_and_stale_ones_are_new(folders):
    wanted, results = folders
    plan = plan_of()
    first, second = list(plan.specs["train"])[:2]
    finish(results, "train", first, plan.specs["train"][first])
    finish(results, "train", second, {"of": "another time"})
    sync_specs(plan, wanted, results)
    times = {job: (wanted / f"train/{job}.json").stat().st_mtime for job in (first, second)}
    assert times[first] == 1
    assert times[second] > 1
    text = (wanted / f"train/{second}.json").read_text()
    assert json.loads(text) == plan.specs["train"][second]


def test_a_stale_specification_is_newer_than_any_old_output(folders):
    wanted, results = folders
    plan = plan_of()
    job = next(iter(plan.specs["train"]))
    sync_specs(plan, wanted, results)
    path = wanted / f"train/{job}.json"
    os.utime(path, (5, 5))
    sync_specs(plan, wanted, results)
    assert path.stat().st_mtime > 5


def test_syncing_twice_changes_no_finished_job(folders):
    wanted, results = folders
    plan = plan_of()
    for step, jobs in plan.specs.items():
        for job, spec in jobs.items():
            finish(results, step, job, spec)
    sync_specs(plan, wanted, results)
    before = {path: path.stat().st_ino for path in wanted.rglob("*.json")}
    sync_specs(plan, wanted, results)
    assert {path: path.stat().st_ino for path in wanted.rglob("*.json")} == before


def test_a_drawing_reads_no_table():
    figures = known_figures(ROOT)
    assert not figures["song_feedback_paths"]
    assert figures["song_convergence"]


BAD_NOTEBOOKS = {
    "foo": ("{", "notebooks/foo.ipynb: it is not a Jupyter notebook"),
    "bar": ("{}", "notebooks/bar.ipynb: it is not a Jupyter notebook"),
    "data": ('{"metadata": {}}', "notebooks/data.ipynb: data is the name of a step; rename the"),
    "my fig": ('{"metadata": {}}', 'notebooks/my fig.ipynb: "my fig" is not allowed as a name'),
}


@pytest.mark.parametrize("name", BAD_NOTEBOOKS)
def test_a_notebook_that_cannot_be_a_figure_is_named(name, tmp_path):
    text, message = BAD_NOTEBOOKS[name]
    (tmp_path / "notebooks").mkdir()
    (tmp_path / f"notebooks/{name}.ipynb").write_text(text)
    with pytest.raises(ConfigError) as caught:
        known_figures(tmp_path)
    assert str(caught.value).startswith(message)


def test_a_missing_file_of_the_project_is_named(tmp_path):
    config = parse_config({"name": "t", "experiments": {"e": {"include": [{}]}}}, {})
    with pytest.raises(ConfigError, match=r"requirements\.lock: cannot be read"):
        make_plan(config, tmp_path)


def test_a_rule_of_ones_own_changes_no_run_of_the_others(monkeypatch, tmp_path):
    for path in ("src", "scripts", "notebooks", "workflow", "config"):
        shutil.copytree(ROOT / path, tmp_path / path, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    mine = dataclasses.replace(RULES["dfa"], name="mine")
    monkeypatch.setitem(RULES, "mine", mine)
    settings = {"parametrisation": "standard", "loss_function": "half_mean", "steps": 5}
    entry = {"settings": settings, "grid": {"rule": ["fa", "mine"]}, "replicates": 1}
    content = {"name": "t", "experiments": {"e": entry}}

    def specs():
        return make_plan(parse_config(content, {}), tmp_path).specs["train"]

    before = specs()
    own = tmp_path / "src/feedback_alignment/rules/mine.py"
    own.write_text("x = 1\n")
    added = specs()
    own.write_text("x = 2\n")
    changed = specs()
    for run in before:
        by_mine = "mine" in run
        assert (before[run] != added[run]) == by_mine
        assert (added[run] != changed[run]) == by_mine


LIBRARY = ROOT / "src/feedback_alignment"


def imported(path):
    """The library's files that a file imports, at its top or within."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(LIBRARY.name):
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                base = LIBRARY.parent / name.replace(".", "/")
                for file in (base.with_suffix(".py"), base / "__init__.py"):
                    if file.exists():
                        yield file


@pytest.mark.parametrize("step", ["data", "train", "metrics", "record"])
def test_all_code_that_a_step_runs_is_in_its_digest(step):
    # What these two decide, settings and whole files, is in the specification or changes no byte.
    apart = {LIBRARY / "conditions.py", LIBRARY / "files.py"}
    found, left = set(), [ROOT / f"scripts/{step}.py"]
    while left:
        new = set(imported(left.pop())) - found - apart
        found |= new
        left += new
    counted = set()
    for entry in CODE[step]:
        path = LIBRARY / entry
        counted |= set(path.rglob("*.py")) if path.is_dir() else {path}
    assert found <= counted
