"""The code behind a job: what it imports, what counts of it, and the copy that jobs run."""

import json
import shutil
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from feedback_alignment.code import Tree
from feedback_alignment.errors import ConfigError

ROOT = Path(__file__).parents[1]
LIBRARY = "src/feedback_alignment"
PACKAGE = "feedback_alignment"
# Each kind of job, with two runs: by FA on the engine of wide two-layer networks, and by DFA in
# minibatches; and the figure of one notebook.
JOBS = ("data", "train wide", "train deep", "tables", "figure", "claims", "record", "page")
MODULES_OF = {
    "train wide": [f"{PACKAGE}.rules.fa", f"{PACKAGE}.engines.preactivation"],
    "train deep": [f"{PACKAGE}.rules.dfa", f"{PACKAGE}.engines.minibatch"],
}
FILES = {"figure": ["notebooks/chu_stability.ipynb"]}

# The jobs whose code a change of a module is, by the first pattern that fits; those downstream of
# them follow, since a job's specification names those that it reads.
WIDE, DEEP = {"train wide"}, {"train deep"}
TRAIN = WIDE | DEEP
CONDITION = TRAIN | {"tables"}  # all that reads a condition
CLAIMS = {"claims", "page"}  # the page tells what was left out of a check
TABLES = {"tables", "figure", "claims", "record", "page"}  # all that has to do with tables
STALE_BY = {
    "data/__init__.py": CONDITION | CLAIMS | {"data"},
    "data/sources.py": CONDITION | CLAIMS | {"data"},
    "data/*.py": {"data"},
    "page/*": {"page"},
    "notebooks/*": {"figure"},
    "extract.py": {"tables"},
    "provenance.py": {"record"},
    "archive.py": CONDITION | {"data"},
    "receipts.py": TABLES,
    "tables.py": TABLES,
    "settings.py": TRAIN | TABLES,
    "checked.py": TRAIN | TABLES,
    "errors.py": CONDITION | CLAIMS,
    "published.py": CLAIMS,
    "rows.py": CLAIMS,
    "intervention_steps.py": CLAIMS | {"tables", "figure"},
    "sources.py": {"page"},
    "yaml_files.py": {"page"},
    "claims/*.py": CLAIMS,
    "streams.py": TRAIN | {"data"},
    # Figures name and order the activations.
    "networks/__init__.py": CONDITION | CLAIMS | {"data", "figure"},
    "networks/activations.py": TRAIN | {"data", "figure"},
    # The theorem's bound, in the tables, is about 1/2 ||e||^2, of which a loss is a multiple.
    "networks/losses.py": CONDITION | CLAIMS,
    "conditions.py": CONDITION,
    "training/__init__.py": CONDITION,
    "training/recording.py": CONDITION,
    "machine.py": TRAIN | {"record"},
    # They publish what jobs have made.
    "snapshots/*.py": set(),
    "metrics/__init__.py": CONDITION | CLAIMS,
    "metrics/metric.py": CONDITION | CLAIMS,
    "metrics/courses.py": CLAIMS | {"tables"},
    "metrics/shallow.py": WIDE,
    "metrics/alignment.py": WIDE,
    "metrics/magnitude.py": TRAIN,
    "engines/preactivation.py": WIDE,
    "engines/compiled.py": WIDE,
    "metrics/registry.py": CLAIMS,
    "metrics/kernels.py": TRAIN,
    "metrics/recorded.py": TRAIN | CLAIMS,
    "metrics/*.py": DEEP,
    "engines/minibatch.py": DEEP,
    "engines/groups.py": DEEP,
    "engines/lanes.py": DEEP,
    "engines/linear.py": set(),
    "engines/gram.py": set(),
    "engines/law.py": set(),
    "engines/autograd*.py": set(),
    # Figures name and colour the rules; BP and FA are what alignments compare.
    "rules/__init__.py": TRAIN | {"figure"},
    "rules/rule.py": TRAIN | {"figure"},
    "rules/bp.py": TRAIN,
    "rules/fa.py": TRAIN,
    "rules/dfa.py": DEEP,
    "rules/*.py": set(),
}
EVERY = {"__init__.py", "files.py", "specification.py"}
# No job runs these: they plan the jobs, serve a command, or only say that the package has types.
NONE = {"__main__.py", "code.py", "jobs.py", "known_digests.py", "project.py", "prune.py"}
NONE |= {"py.typed", "documents.py", "names.py"}
NONE |= {"nulls_report.py", "claims/null_rates.py"}
NONE |= {
    f"config/{name}.py" for name in ("__init__", "content", "expansion", "formulas", "overlay")
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the project's code."""
    folder = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("src", "scripts", "notebooks", "resources"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "requirements.lock", folder)
    return folder


def digests(folder):
    """The code digest of each kind of job."""
    tree = Tree(folder)
    return {
        job: tree.code(
            f"scripts/{job.split()[0]}.py", MODULES_OF.get(job, ()), FILES.get(job, ())
        ).digest
        for job in JOBS
    }


def expected(name):
    """The steps that run a module."""
    if name in EVERY:
        return set(JOBS)
    if name in NONE:
        return set()
    # All else simulates.
    return next((steps for pattern, steps in STALE_BY.items() if fnmatch(name, pattern)), TRAIN)


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


digests_before = cache(digests)


def stale_after_a_change(folder, name):
    before, path = digests_before(folder), folder / LIBRARY / name
    text = path.read_text()
    path.write_text(changed(path))
    after = digests(folder)
    path.write_text(text)
    return {step for step in JOBS if before[step] != after[step]}


@pytest.mark.parametrize("name", MODULES)
def test_a_changed_line_makes_stale_what_runs_it(name, tree):
    stale = stale_after_a_change(tree, name)
    if name.startswith("figures/"):
        # A figure runs what its notebook imports: here that of `chu_stability`.
        assert stale <= {"figure"}
    else:
        assert stale == expected(name)


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
    with pytest.raises(ConfigError, match=r"broken\.py: it is not Python: "):
        Tree(tree).code("scripts/broken.py")


def test_a_missing_script_is_named(tree):
    with pytest.raises(ConfigError, match=r"none\.py: cannot be read: No such file"):
        Tree(tree).code("scripts/none.py")
