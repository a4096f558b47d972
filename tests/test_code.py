"""The code behind a job: what it imports, what counts of it, and the copy that jobs run."""

import json
import shutil
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from feedback_alignment import engines
from feedback_alignment.code import CodeError, Tree

ROOT = Path(__file__).parents[1]
LIBRARY = "src/feedback_alignment"
STEPS = ("data", "train", "tables", "figure", "claims", "record", "page")
FILES = {"figure": ["notebooks/chu_stability.ipynb"]}

# What a registry finds by name: here all engines, and a rule.
KP = "feedback_alignment.rules.kolen_pollack"
MODULES_OF = {"train": [*map(engines.module_of, engines.ENGINES), KP]}

# The steps whose code a change of a module is, by the first pattern that fits; those downstream of
# them follow, since a job's specification names those that it reads.
CONDITION = {"train", "tables"}  # all that reads a condition
TABLES = {"tables", "figure", "claims", "record", "page"}  # all that has to do with tables
STALE_BY = {
    "data/__init__.py": CONDITION | {"data", "page"},
    "data/sources.py": CONDITION | {"data", "page"},
    "data/*.py": {"data"},
    "page/*": {"page"},
    "notebooks/__init__.py": {"figure"},
    "notebooks/notebook_page/*": {"figure"},
    "extract.py": {"tables"},
    "metrics/courses.py": {"tables"},
    "metrics/metric.py": CONDITION,
    "metrics/__init__.py": CONDITION,
    "provenance.py": {"record"},
    "archive.py": {"data", "train", "tables"},
    "receipts.py": TABLES,
    "tables.py": TABLES,
    "settings.py": CONDITION | TABLES,
    "checked.py": CONDITION | TABLES,
    "errors.py": CONDITION | {"claims", "page"},
    "intervention_steps.py": {"tables", "claims", "page"},
    "sources.py": {"page"},
    "yaml_files.py": {"claims", "page"},
    "claims/*.py": {"claims", "page"},
    "streams.py": {"data", "train"},
    "networks/__init__.py": {"data", "train"},
    "networks/activations.py": {"data", "train"},
    # Figures name and colour the rules, each those of its runs.
    "rules/__init__.py": {"train", "figure"},
    "rules/rule.py": {"train", "figure"},
    "engines/*.py": {"train"},
    "metrics/*.py": {"train"},
    "networks/*.py": {"train"},
    "rules/*.py": {"train"},
    "simulate.py": {"train"},
    "training/__init__.py": CONDITION,
    "training/recording.py": CONDITION,
    "training/*.py": {"train"},
}
EVERY = {"__init__.py", "files.py", "specification.py"}
# No job runs these: they plan the jobs, or only say that the package has types.
NONE = {"__main__.py", "code.py", "jobs.py", "known_digests.py", "project.py", "prune.py"}
NONE |= {"py.typed", "documents.py", "names.py", "metrics/registry.py"}
# Of runs by another rule.
NONE |= {f"rules/{name}.py" for name in ("dfa", "drtp", "sign_symmetry")}
NONE |= {f"config/{name}.py" for name in ("__init__", "content", "expansion", "overlay")}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the project's code."""
    folder = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("src", "scripts", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "requirements.lock", folder)
    return folder


def digests(folder):
    """The code digest of each step, with one notebook's for the figures."""
    tree = Tree(folder)
    codes = {
        s: tree.code(f"scripts/{s}.py", MODULES_OF.get(s, ()), FILES.get(s, ())) for s in STEPS
    }
    return {step: code.digest for step, code in codes.items()}


def expected(name):
    """The steps that run a module."""
    if name in EVERY:
        return set(STEPS)
    if name in NONE:
        return set()
    # Else it is part of what a condition means, which is simulated.
    return next((steps for pattern, steps in STALE_BY.items() if fnmatch(name, pattern)), CONDITION)


MODULES = sorted(
    path.relative_to(ROOT / LIBRARY).as_posix()
    for path in (ROOT / LIBRARY).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
)


def changed(path):
    """One line more that means something."""
    text = path.read_text()
    if path.suffix == ".json":
        return json.dumps(json.loads(text) | {"extra": 1})
    return text + "\nEXTRA = 1\n"


@cache
def stale_after_a_change(folder, name):
    before, path = digests(folder), folder / LIBRARY / name
    text = path.read_text()
    path.write_text(changed(path))
    after = digests(folder)
    path.write_text(text)
    return {step for step in STEPS if before[step] != after[step]}


@pytest.mark.parametrize("name", MODULES)
def test_a_changed_line_makes_stale_what_runs_it(name, tree):
    stale = stale_after_a_change(tree, name)
    if name.startswith("figures/"):
        # A figure runs what its notebook imports: here that of `chu_stability`.
        assert stale <= {"figure"}
    else:
        assert stale == expected(name)


OF_ENGINES = {
    "engines/linear.py": {"linear"},
    "engines/gram.py": {"linear"},
    "engines/preactivation.py": {"preactivation"},
    "metrics/shallow.py": {"preactivation"},
    "engines/minibatch.py": {"minibatch"},
    "engines/groups.py": {"minibatch"},
    "metrics/observe.py": {"minibatch"},
    "engines/autograd.py": {"autograd"},
    "engines/autograd_lane.py": {"autograd"},
    "engines/lanes.py": {"minibatch", "autograd"},
    "metrics/stability.py": {"minibatch", "autograd"},
    "training/loop.py": {*engines.ENGINES},
}


@pytest.mark.parametrize("name", OF_ENGINES)
def test_a_run_is_of_its_own_engine(name, tree):
    def runs():
        fresh = Tree(tree)
        named = {engine: engines.module_of(engine) for engine in engines.ENGINES}
        return {e: fresh.code("scripts/train.py", [name]).digest for e, name in named.items()}

    before, path = runs(), tree / LIBRARY / name
    text = path.read_text()
    path.write_text(changed(path))
    after = runs()
    path.write_text(text)
    assert {engine for engine in before if before[engine] != after[engine]} == OF_ENGINES[name]


def test_a_bespoke_module_makes_its_own_figure_stale(tree):
    def digest(figure):
        return Tree(tree).code("scripts/figure.py", files=[f"notebooks/{figure}.ipynb"]).digest

    before = digest("chu_stability"), digest("song_cutoff")
    path = tree / LIBRARY / "figures/stability.py"
    text = path.read_text()
    path.write_text(text + "\nEXTRA = 1\n")
    after = digest("chu_stability"), digest("song_cutoff")
    path.write_text(text)
    assert before[0] != after[0]
    assert before[1] == after[1]


SAME = {
    "a comment": lambda text: text + "\n# a comment\n",
    "layout": lambda text: "\n\n" + text,
    "line ends": lambda text: text.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("kind", SAME)
def test_what_means_the_same_changes_nothing(kind, tree):
    before, path = digests(tree), tree / LIBRARY / "streams.py"
    text = path.read_text()
    path.write_bytes(SAME[kind](text).encode())
    after = digests(tree)
    path.write_text(text)
    assert before == after


def test_of_a_notebook_only_the_source_of_its_cells_counts(tree):
    before, path = digests(tree), tree / "notebooks/chu_stability.ipynb"
    text = path.read_text()
    notebook = json.loads(text)
    code = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    code |= {"execution_count": 7, "outputs": [{"output_type": "stream", "name": "stdout"}]}
    code["outputs"][0]["text"] = ["hello"]
    path.write_text(json.dumps(notebook))
    run = digests(tree)
    code["source"] = ["x = 1"]
    path.write_text(json.dumps(notebook))
    edited = digests(tree)
    path.write_text(text)
    assert run == before
    assert edited["figure"] != before["figure"]


def test_the_lock_file_counts_whatever_its_line_ends(tree):
    path = tree / "requirements.lock"
    before = Tree(tree).source(path).meaning
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert Tree(tree).source(path).meaning == before


def test_the_copy_runs_and_never_changes(tree, tmp_path):
    code = Tree(tree).code("scripts/train.py")
    code.copy(tmp_path)
    folder = tmp_path / code.digest
    assert (folder / "train.py").is_file()
    assert (folder / "feedback_alignment/streams.py").is_file()
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    code.copy(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == times
    assert [path.name for path in tmp_path.iterdir()] == [code.digest]


def test_a_file_that_is_no_python_is_named(tree):
    path = tree / "scripts/broken.py"
    path.write_text("def (:\n")
    with pytest.raises(CodeError, match=r"broken\.py: it is not Python: "):
        Tree(tree).code("scripts/broken.py")


def test_a_missing_script_is_named(tree):
    with pytest.raises(CodeError, match=r"none\.py: cannot be read: No such file"):
        Tree(tree).code("scripts/none.py")
