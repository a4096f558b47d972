"""Jobs: what their specifications hold, and which named outputs are stale."""

import shutil
from pathlib import Path

import pytest

from feedback_alignment.config import ConfigError, parse_config
from feedback_alignment.files import sha256_of
from feedback_alignment.jobs import known_figures, make_plan, read_plan, receipt_of
from feedback_alignment.receipts import making

ROOT = Path(__file__).parents[1]


def plan_of(name="tiny", **experiment):
    entry = {"settings": {"steps": 10}, "grid": {"width": [10, 20], "l2": [0, 1]}, "replicates": 6}
    content = {"name": name, "experiments": {"first": entry | experiment}}
    return make_plan(parse_config(content, known_figures(ROOT)), ROOT)


def test_jobs_are_conditions_by_blocks_and_share_data():
    plan = plan_of()
    assert len(plan.jobs["train"]) == 8
    assert len(plan.jobs["data"]) == 4
    blocks = {name.rpartition("/")[2].rpartition("-")[0] for name in plan.jobs["train"]}
    assert blocks == {"000-003", "004-005"}


def test_a_published_plan_comes_back_and_counts_among_the_copies(tmp_path):
    plan = plan_of()
    path = plan.publish(tmp_path)
    assert read_plan(path).jobs == plan.jobs
    assert path.relative_to(tmp_path).as_posix() in plan.copies()
    assert plan_of(grid={"width": [10, 30]}).publish(tmp_path) != path


def test_a_specification_changes_with_everything_upstream():
    one, two = plan_of(), plan_of(settings={"steps": 10, "samples": 49})
    for step in ("tables", "claims", "record", "page"):
        for name, job in one.jobs[step].items():
            assert job.digest != two.jobs[step][name].digest


def test_an_untouched_condition_keeps_its_specification():
    one, two = plan_of(), plan_of(grid={"width": [10, 30], "l2": [0, 1]})
    assert len(one.jobs["train"].keys() & two.jobs["train"].keys()) == 4


def test_a_case_changes_no_run_but_its_table():
    one, two = plan_of(), plan_of(settings={"steps": 10, "case": "role"})
    assert one.jobs["train"].keys() == two.jobs["train"].keys()
    assert one.jobs["tables"]["first"].digest != two.jobs["tables"]["first"].digest


def finish(plan, results):
    """Make every named output as its job would."""
    for job in plan.named:
        upstream = [plan.jobs[step][name] for step, name in job.reads if step not in RUNS]
        made = [results / path for path in job.made]
        receipts = [receipt_of(results, other) for other in upstream]
        with making(receipt_of(results, job), job.specification, made, receipts):
            for path in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{job.name} {path.name}")


RUNS = ("data", "train")


def stale(plan, results):
    jobs, lines = plan.stale(results, sha256_of)
    return {f"{job.step}/{job.name}" for job in jobs}, lines


def test_nothing_is_stale_once_all_is_made_and_everything_before(tmp_path):
    plan = plan_of()
    assert stale(plan, tmp_path)[0] == {f"{job.step}/{job.name}" for job in plan.named}
    finish(plan, tmp_path)
    assert stale(plan, tmp_path) == (set(), [])


AFTER = {"claims/claims", "record/record", "page/page"}
FAULTS = {
    "removed": lambda path: path.unlink(),
    "emptied": lambda path: path.write_text(""),
    "altered": lambda path: path.write_text("first first.csX"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lost_or_damaged_table_is_made_again_with_what_reads_it(fault, tmp_path):
    plan = plan_of()
    finish(plan, tmp_path)
    path = tmp_path / "metrics/first.csv"
    FAULTS[fault](path)
    found, lines = stale(plan, tmp_path)
    assert found == {"tables/first"} | AFTER
    assert lines == [] if fault == "removed" else [f"{path}: damaged; it is to be made again"]


@pytest.mark.parametrize("name", ["claims.json", "manifest.json", "status.json", "index.html"])
def test_a_deleted_deliverable_comes_back(name, tmp_path):
    plan = plan_of()
    finish(plan, tmp_path)
    (tmp_path / name).unlink()
    owner = next(job for job in plan.named if name in job.made)
    assert f"{owner.step}/{owner.name}" in stale(plan, tmp_path)[0]


def test_a_table_made_from_other_settings_is_stale(tmp_path):
    finish(plan_of(), tmp_path)
    found, lines = stale(plan_of(settings={"steps": 11}), tmp_path)
    assert {"tables/first"} | AFTER <= found
    assert lines == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"made": 1}'])
def test_a_broken_receipt_vouches_for_nothing(text, tmp_path):
    plan = plan_of()
    finish(plan, tmp_path)
    receipt_of(tmp_path, plan.jobs["page"]["page"]).write_text(text)
    assert stale(plan, tmp_path)[0] == {"page/page"}


def test_a_drawing_reads_no_table():
    figures = known_figures(ROOT)
    assert not figures["song_feedback_paths"]
    assert figures["song_convergence"]


BAD_NOTEBOOKS = {
    "foo": ("{", "notebooks/foo.ipynb: it is not a Jupyter notebook"),
    "bar": ("{}", "notebooks/bar.ipynb: it is not a Jupyter notebook"),
    "dir": (None, "notebooks/dir.ipynb: cannot be read: Is a directory"),
    "data": ('{"metadata": {}}', "notebooks/data.ipynb: data is the name of a step; rename the"),
    "my fig": ('{"metadata": {}}', 'notebooks/my fig.ipynb: "my fig" is not allowed as a name'),
}


@pytest.mark.parametrize("name", BAD_NOTEBOOKS)
def test_a_notebook_that_cannot_be_a_figure_is_named(name, tmp_path):
    text, message = BAD_NOTEBOOKS[name]
    (tmp_path / "notebooks").mkdir()
    path = tmp_path / f"notebooks/{name}.ipynb"
    path.mkdir() if text is None else path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        known_figures(tmp_path)
    assert str(caught.value).startswith(message)


def test_a_missing_file_of_the_project_is_named(tmp_path):
    config = parse_config({"name": "t", "experiments": {"e": {"include": [{}]}}}, {})
    with pytest.raises(ConfigError, match=r"requirements\.lock: cannot be read"):
        make_plan(config, tmp_path)


def test_a_published_value_changes_the_verdicts_and_what_shows_them(tmp_path):
    for path in ("src", "scripts", "notebooks", "workflow", "config", "resources"):
        shutil.copytree(ROOT / path, tmp_path / path, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    config = parse_config({"name": "t", "experiments": {"e": {"include": [{}]}}}, {})

    def digests():
        plan = make_plan(config, tmp_path)
        return {f"{job.step}/{job.name}": job.digest for job in plan.named}

    before = digests()
    file = tmp_path / "resources/published/song2021_alignment.csv"
    file.write_text(file.read_text().replace("0.206", "0.207"))
    after = digests()
    assert {name for name in after if after[name] != before[name]} == AFTER


def test_a_rule_of_ones_own_changes_no_run_of_the_others(tmp_path):
    for path in ("src", "scripts", "notebooks", "workflow", "config", "resources"):
        shutil.copytree(ROOT / path, tmp_path / path, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    settings = {"parametrisation": "standard", "loss_function": "half_mean", "steps": 5}
    entry = {"settings": settings, "grid": {"rule": ["fa"]}, "replicates": 1}
    content = {"name": "t", "experiments": {"e": entry}}

    def runs():
        return make_plan(parse_config(content, {}), tmp_path).jobs["train"].keys()

    before = runs()
    (tmp_path / "src/feedback_alignment/rules/mine.py").write_text("x = 1\n")
    assert runs() == before
