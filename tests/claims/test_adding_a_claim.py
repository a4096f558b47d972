"""The example of docs/adding_a_claim.md is a claim, and can be replicated and refuted."""

import importlib.util
import re
from pathlib import Path

import pytest

from feedback_alignment.claims import Claim, ClaimsError, judge

TEXT = (Path(__file__).parents[2] / "docs/adding_a_claim.md").read_text(encoding="utf-8")


def declared(path, text):
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [value for value in vars(module).values() if isinstance(value, Claim)]


@pytest.fixture(scope="module")
def example():
    (code,) = re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    return code


@pytest.mark.parametrize(("final", "verdict"), [(1.0, "replicated"), (5.0, "not replicated")])
def test_the_example_is_judged(example, tmp_path, make_run, make_table, final, verdict):
    (claim,) = declared(tmp_path / "ours.py", example)
    assert claim.id == "ours.decay_slows"
    rows = [
        row
        for width in (100, 400, 800)
        for l2 in (0.0, 1.0)
        for replicate in range(8)
        for row in make_run(
            replicate, {"loss": {0: 9.0, 1000: final if l2 else 1e-9}}, width=width, l2=l2
        )
    ]
    (found,) = judge([claim], {"song_loss": make_table(rows)})
    assert found.verdict == verdict
    assert len(found.checks) == 2


def test_the_mistake_is_told_as_shown(example, tmp_path):
    (shown,) = re.findall(r"^error: src/\S+:\d+: (.*)$", TEXT, flags=re.MULTILINE)
    broken = example.replace('"loss"), along', '"los"), along')
    line = next(i for i, code in enumerate(broken.splitlines(), 1) if '"los"' in code)
    with pytest.raises(ClaimsError, match=rf"ours\.py:{line}: {re.escape(shown)}$"):
        declared(tmp_path / "ours.py", broken)
