"""A setting is declared once: all that names settings follows from its one entry."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from feedback_alignment.settings import DEFAULTS, companions_of, needs_of

ROOT = Path(__file__).parents[1]
# The example of the guide.
ENTRY = re.search(
    r"```python\n(perturb_every: .*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL
)
# What a user would ask of the library once the entry is there.
SCRIPT = """
import json
from feedback_alignment.conditions import Condition
from feedback_alignment.config import ConfigError, parse_config
from feedback_alignment.tables import COLUMNS

def answer(settings):
    content = {"name": "t", "experiments": {"e": {"settings": settings, "include": [{}]}}}
    try:
        (condition,) = parse_config(content, {}).experiments[0].conditions
    except ConfigError as error:
        return str(error)
    return [condition.perturb_every, condition.identifier(1)]

deep = {"parametrisation": "standard", "loss_function": "half_mean"}
deep |= {"perturb_step": 3, "perturb_size": 0.5}
print(json.dumps({
    "columns": COLUMNS,
    "default": answer(deep),
    "given": answer(deep | {"perturb_every": 2.0}),
    "bad": answer(deep | {"perturb_every": 1001}),
    "text": answer(deep | {"perturb_every": "much"}),
    "misspelt": answer({"perturb_evry": 1}),
    "idle": answer({"perturb_every": 1}),
}))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the project whose settings have one entry more."""
    root = tmp_path_factory.mktemp("project")
    for path in ("src", "config", "docs", "workflow"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / path, root / path, ignore=ignored)
    (root / "results").mkdir()
    shutil.copy(ROOT / "results/README.md", root / "results")
    shutil.copy(ROOT / "README.md", root)
    settings = root / "src/feedback_alignment/settings.py"
    text = settings.read_text()
    place = text.index("    batch_size: ")
    entry = textwrap.indent(ENTRY.group(1), "    ")
    settings.write_text(text[:place] + entry + text[place:])
    return root


@pytest.fixture(scope="module")
def python(tree):
    def run(*arguments):
        environment = os.environ | {"PYTHONPATH": str(tree / "src")}
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    return run


@pytest.fixture(scope="module")
def answers(python):
    return json.loads(python("-c", SCRIPT))


def test_one_entry_makes_a_column_and_a_place_in_the_id(answers):
    assert answers["columns"]["perturb_every"] == "int64"
    names = list(answers["columns"])
    assert names.index("perturb_every") == names.index("batch_size") - 1
    assert [answers[case][0] for case in ("default", "given")] == [0, 2]
    assert answers["default"][1] != answers["given"][1]


def test_one_entry_makes_refusals(answers):
    path = "experiments.e.settings.perturb_every"
    assert answers["bad"] == f"{path}: 1001 is not allowed; allowed: 1000 or less"
    assert answers["text"] == f'{path}: "much" is not allowed; allowed: a whole number, 0 or more'
    assert answers["misspelt"].startswith(
        'experiments.e.settings.perturb_evry: unknown key; did you mean "perturb_every"?; allowed: '
    )
    assert answers["idle"] == f"{path}: has no effect without perturb_step; give it too"


def test_one_entry_makes_a_row_of_each_document_and_the_schema(tree, python):
    written = python("-m", "feedback_alignment.documents", "--root", str(tree)).split("\n")
    files = ["workflow/schemas/config.schema.json", "config/README.md", "results/README.md"]
    assert written == [*(f"{file}: written" for file in files), ""]
    schema, config, results = ((tree / file).read_text() for file in files)
    meaning = "Steps between further perturbations; 0 for none."
    values = "whole number, at least 0, at most 1000"
    assert f"| `perturb_every` | {values} | `0` | {meaning} | with perturb_step |\n" in config
    assert f"| `perturb_every` | {meaning} |\n" in results
    entry = json.loads(schema)["$defs"]["Settings"]["properties"]["perturb_every"]
    assert entry == {
        "default": 0, "description": meaning, "maximum": 1000, "minimum": 0, "type": "integer"
    }  # fmt: skip


def test_what_a_setting_needs_is_a_setting():
    for name in DEFAULTS:
        need = needs_of(name)
        assert need is None or need.setting in DEFAULTS


def test_companions_have_their_defaults():
    assert companions_of("tie_step") == {"tie_angle": 0.0, "tie_every": 0}
    assert companions_of("freeze_step") == {}


def test_one_entry_makes_a_column_of_the_tables_that_the_tests_of_claims_make_up(python):
    code = (
        "from runpy import run_path; from sys import argv; made = run_path(argv[1]); "
        "print(made['tidy'](made['run'](0, {'loss': 1.0}))['perturb_every'].tolist())"
    )
    assert python("-c", code, str(ROOT / "tests/claims/conftest.py")) == "[0]\n"
