"""Notebooks: executed alike anywhere, failing with one line, and shipped clean."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from papermill import inspect_notebook

from feedback_alignment.notebooks import NotebookError, execute
from feedback_alignment.specification import digest_of, write_specification

ROOT = Path(__file__).parents[1]
SHIPPED = sorted(ROOT.glob("notebooks/*.ipynb"))


def notebook(path, *cells, parameters="figure = 'f'"):
    first = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=[first, *code]), path)
    return path


def kernels_table(path):
    fakes = Path(__file__).parent / "figures" / "fake_tables.py"
    spec = importlib.util.spec_from_file_location("fake_tables", fakes)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path.parent.mkdir(parents=True)
    module.figure_table("song_kernels", replicates=2).to_parquet(path)


def figure_command(results, table="metrics/song_kernels.parquet"):
    name = "song_kernels"
    command = [sys.executable, ROOT / "scripts/figure.py"]
    command += ["--notebook", ROOT / f"notebooks/{name}.ipynb", "--figure", name]
    command += ["--tables", results / table, "--out-figures", results / "figures"]
    command += ["--out-ipynb", results / f"notebooks/{name}.ipynb"]
    specification = {"step": "figure"}
    write_specification(results / "specifications", specification)
    command += ["--spec", results / f"specifications/{digest_of(specification)}.json"]
    command += ["--receipt", results / f"receipts/figure/{name}.json"]
    return [*command, "--out-html", results / f"notebooks/{name}.html"]


def hostile_environment(folder):
    """A user's settings that would break or change everything, were they read."""
    kernel = folder / "jupyter/kernels/python3/kernel.json"
    kernel.parent.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "Python 3", "language": "python"}
    kernel.write_text(json.dumps(spec))
    (folder / "config").mkdir()
    (folder / "config/jupyter_config.py").write_text("raise RuntimeError")
    (folder / "matplotlibrc").write_text("lines.linewidth: 9\n")
    return os.environ | {
        "JUPYTER_PATH": str(folder / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "MATPLOTLIBRC": str(folder / "matplotlibrc"),
        "PYTHONHASHSEED": "7",
        # Notebooks are UTF-8, whatever the system takes for granted.
        "LC_ALL": "POSIX",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """The results of one notebook, executed twice at a time in different places."""
    folders, jobs = [], []
    for place in ("one", "two/deeper"):
        folder = tmp_path_factory.mktemp("project") / place / "results"
        kernels_table(folder / "metrics/song_kernels.parquet")
        environment = hostile_environment(folder.parent) if place != "one" else None
        folders.append(folder)
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        jobs.append(subprocess.Popen(figure_command(folder), env=environment, **pipe))
    for job in jobs:
        _, printed = job.communicate(timeout=120)
        assert job.returncode == 0, printed
    return folders


def test_two_executions_give_the_same_bytes(twice):
    one, two = (
        {p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in twice
    )
    names = {str(name) for name in one}
    assert {f"figures/song_kernels.{end}" for end in ("svg", "pdf", "png")} < names
    assert one.keys() == two.keys()
    assert [str(name) for name in one if one[name] != two[name]] == []


def test_an_executed_notebook_tells_nothing_of_machine_and_time(twice):
    path = twice[0] / "notebooks/song_kernels.ipynb"
    executed = nbformat.read(path, as_version=4)
    nbformat.validate(executed)
    assert set(executed.metadata) == {"kernelspec", "language_info"}
    assert [cell.id for cell in executed.cells] == [
        f"cell-{i:02d}" for i in range(len(executed.cells))
    ]
    assert all(set(cell.metadata) <= {"tags"} for cell in executed.cells)
    injected = next(c for c in executed.cells if "injected-parameters" in c.metadata.tags)
    assert 'tables = ["../metrics/song_kernels.parquet"]' in injected.source
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert {output.output_type for output in outputs} <= {"display_data", "execute_result"}
    for output in outputs:
        output.data.pop("image/png", None)
    text = nbformat.writes(executed)
    for trace in (str(ROOT), str(twice[0]), "/tmp", os.path.expanduser("~") + "/", "papermill"):
        assert trace not in text


def test_the_page_needs_no_network_and_holds_the_figure(twice):
    page = (twice[0] / "notebooks/song_kernels.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<html") == 1
    loads = re.findall(r"(?:src|href)\s*=\s*[\"']?([^\"'>]{0,20})|url\((.{0,20})", page)
    assert loads
    assert all(address.startswith("data:image/png") for address, _ in loads)
    assert "@import" not in page
    assert "<script" not in page
    assert 'alt="G concentrates and H vanishes' in page


def test_a_failing_cell_is_named_and_kept_for_reading(tmp_path):
    broken = notebook(tmp_path / "broken.ipynb", "x = 1", "raise ValueError('no such\\nthing')")
    out = tmp_path / "out"
    with pytest.raises(NotebookError) as caught:
        execute(broken, out / "f.ipynb", out / "f.html", {"figure": "g"})
    kept = out / "f.failed.ipynb"
    # The values given take no number: a user's notebook has no cell with them.
    assert str(caught.value) == f"{broken}, cell [3]: ValueError: no such (see {kept})"
    assert [path.name for path in out.iterdir()] == ["f.failed.ipynb"]
    assert "Traceback" in kept.read_text()


def test_success_removes_what_an_earlier_failure_left(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", "mine")
    before = dict(os.environ)
    good = notebook(tmp_path / "good.ipynb", "import os; print(figure, os.getcwd() == out)")
    lines = good.read_text().replace("figure = 'f'", r"figure = 'f'\nout = 'f'")
    good.write_text(lines)
    (tmp_path / "f.failed.ipynb").write_text("old")
    execute(good, tmp_path / "f.ipynb", tmp_path / "f.html", {"figure": "g", "out": str(tmp_path)})
    assert not (tmp_path / "f.failed.ipynb").exists()
    (printed,) = nbformat.read(tmp_path / "f.ipynb", as_version=4).cells[-1].outputs
    assert printed.text == "g True\n"
    assert dict(os.environ) == before


def test_an_unknown_parameter_is_refused_before_anything_runs(tmp_path):
    path = notebook(tmp_path / "n.ipynb", "raise SystemExit(3)", parameters="figure = 1\nout = 2")
    with pytest.raises(NotebookError) as caught:
        execute(path, tmp_path / "o.ipynb", tmp_path / "o.html", {"figure": 1, "tabels": []})
    expected = (
        f"{path}: unknown parameter tabels; its parameters cell sets figure, out, and must set"
    )
    assert str(caught.value).startswith(expected)
    assert not (tmp_path / "o.ipynb").exists()


@pytest.mark.parametrize(("content", "what"), [(None, "no such"), ("{", "not a notebook")])
def test_what_is_no_notebook_is_said_in_one_line(content, what, tmp_path):
    path = tmp_path / "n.ipynb"
    if content is not None:
        path.write_text(content)
    with pytest.raises(NotebookError, match=what) as caught:
        execute(path, tmp_path / "o.ipynb", tmp_path / "o.html", {})
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_script_prints_one_line_and_no_traceback(tmp_path):
    command = figure_command(tmp_path / "results", table="metrics/absent.parquet")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: notebooks/song_kernels.ipynb, cell [2]: FigureError: no table")


def test_a_table_without_what_the_figure_shows_gives_all_its_files(tmp_path):
    path = tmp_path / "metrics/song_kernels.parquet"
    kernels_table(path)
    table = pd.read_parquet(path)
    table.assign(metric="loss").to_parquet(path)
    done = subprocess.run(figure_command(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = {f"figures/song_kernels.{end}" for end in ("svg", "pdf", "png")}
    names |= {f"notebooks/song_kernels.{end}" for end in ("ipynb", "html")}
    assert all((tmp_path / name).stat().st_size for name in names)
    assert (
        "No kernel metrics of random feedback"
        in (tmp_path / "notebooks/song_kernels.html").read_text()
    )


def test_there_is_a_notebook_and_a_caption_for_every_figure():
    captions = {path.stem for path in ROOT.glob("workflow/report/*.rst")}
    assert {path.stem for path in SHIPPED} == captions


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_notebook_is_clean(path):
    shipped = nbformat.read(path, as_version=4)
    nbformat.validate(shipped)
    assert shipped.metadata.kernelspec.name == "python3"
    assert [*inspect_notebook(path)] == ["figure", "tables", "out"]
    drawing = shipped.metadata.get("feedback_alignment", {}).get("drawing", False)
    assert drawing == (path.stem == "song_feedback_paths")
    for cell in shipped.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
        else:
            # Results come from tables: no measured number is typed into the text.
            assert not re.search(r"\d\.\d|\de-?\d|\d\s*%", cell.source)
            assert "$" not in cell.source  # formulas would need a script from the network
    first, last = shipped.cells[0], shipped.cells[-1]
    assert first.source.startswith("# ")
    assert last.source.startswith("## What to read off")
    assert f'figure = "{path.stem}"' in shipped.cells[1].source


@pytest.mark.parametrize("path", sorted(ROOT.glob("workflow/report/*.rst")), ids=lambda p: p.stem)
def test_a_caption_is_valid_markup(path):
    from docutils.core import publish_doctree

    settings = {"halt_level": 2, "report_level": 5, "warning_stream": False}
    publish_doctree(path.read_text(encoding="utf-8"), settings_overrides=settings)
    title, *rest = path.read_text(encoding="utf-8").splitlines()
    assert title.endswith(".")
    assert rest


def test_a_users_own_modules_are_found(tmp_path, monkeypatch):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/mine.py").write_text("word = 'found'\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))
    own = notebook(tmp_path / "own.ipynb", "import mine; print(mine.word)")
    execute(own, tmp_path / "f.ipynb", tmp_path / "f.html", {"figure": "g"})
    assert "found" in (tmp_path / "f.html").read_text()
