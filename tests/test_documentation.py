"""The documents agree with what they describe: config keys, table columns, pinned versions."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from feedback_alignment.claims import load_claims
from feedback_alignment.documents import documents
from feedback_alignment.metrics.registry import METRICS
from feedback_alignment.settings import Settings

ROOT = Path(__file__).parents[1]


def rows(document, section):
    """The table rows of a section as lists of cells, without code marks."""
    text = (ROOT / document).read_text()
    start = re.search(rf"^## {re.escape(section)}$", text, flags=re.MULTILINE).end()
    body = re.split(r"^## ", text[start:], flags=re.MULTILINE)[0]
    lines = [line for line in body.splitlines() if line.startswith("| ")]
    # A table's ends are bars with a space; || stands for a norm.
    cells = [[cell.strip() for cell in line[2:-2].split(" | ")] for line in lines]
    return [row for row in cells if row[0] not in ("key", "column", "metric")]


def names(document, section):
    return [name for row in rows(document, section) for name in re.findall(r"`([^`]+)`", row[0])]


@pytest.mark.parametrize("path", documents(ROOT))
def test_generated_documents_are_up_to_date(path):
    assert (ROOT / path).read_text() == documents(ROOT)[path], (
        "python -m feedback_alignment.documents"
    )


def test_every_setting_has_a_meaning():
    assert all(field.description for field in Settings.model_fields.values())


def test_results_readme_knows_every_metric():
    assert names("results/README.md", "Metrics") == list(METRICS)


def locked():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pins}


def test_lock_pins_every_requirement_within_its_range():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    for requirement in map(Requirement, wanted):
        version = locked()[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} but {version} is locked"


def test_lock_names_no_file_and_no_local_build():
    assert all(re.fullmatch(r"[0-9][0-9A-Za-z.]*", version) for version in locked().values())


def test_environment_takes_its_versions_from_the_lock():
    environment = YAML(typ="safe", pure=True).load(ROOT / "environment.yml")
    *conda, pip = environment["dependencies"]
    pinned = (line.split("==") for line in pip["pip"])
    assert {canonicalize_name(name): version for name, version in pinned} == locked()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    python = next(entry for entry in conda if entry.startswith("python="))
    assert Requirement("python" + project["requires-python"]).specifier.contains(
        python.removeprefix("python=") + ".0"
    )
    assert {re.split("[=<>]", entry)[0] for entry in conda} == {"python", "pip", "make"}


def test_citation_and_package_have_one_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    citation = YAML(typ="safe", pure=True).load(ROOT / "CITATION.cff")
    assert citation["version"] == version


DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in (
        "*.md",
        "config/*.md",
        "docs/*.md",
        "results/README.md",
        "resources/*/README.md",
        "benchmarks/*.md",
    )
    for path in ROOT.glob(pattern)
)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_within_the_project_lead_somewhere(document):
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{document} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_placeholder_is_left(document):
    words = set(re.findall(r"(?<![\w`./-])[A-Z]{5,}(?![\w`./-])", (ROOT / document).read_text()))
    assert words <= {"CITATION", "CONFIG", "MNIST", "NVIDIA", "SLURM"}, document


def test_the_changelog_knows_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[(.+)\]", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert headings[:2] == ["Unreleased", version]


def test_hooks_run_pinned_linters_and_ci_what_is_run_at_home():
    yaml = YAML(typ="safe", pure=True)
    (repository,) = yaml.load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].split()[0] in locked()
    job = yaml.load(ROOT / ".github/workflows/ci.yml")["jobs"]["check"]
    assert job["steps"][-1]["run"] == ".ci/run"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for python in job["strategy"]["matrix"]["python"]:
        assert Requirement("python" + project["requires-python"]).specifier.contains(python + ".0")


def test_the_architecture_has_every_module_and_package_of_the_library():
    rooms = (ROOT / "docs/architecture.md").read_text().partition("| room |")[2]
    cells = re.findall(r"^\| (`.+?) \|", rooms.partition("\n\n")[0], flags=re.MULTILINE)
    library = ROOT / "src/feedback_alignment"
    found = {path.name for path in library.glob("*.py")} - {"__init__.py"}
    found |= {f"{path.parent.name}/" for path in library.glob("*/__init__.py")}
    assert set(re.findall(r"`([^`]+)`", " ".join(cells))) == found


def test_the_protocol_names_every_claim():
    text = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")
    assert {claim.id for claim in load_claims()} == set(
        re.findall(r"`((?:song|chu|ours)\.(?!py`)\w+)`", text)
    )
