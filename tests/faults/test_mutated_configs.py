"""Valid configs are mutated: each is accepted and expands, or refused in one line with its key."""

import io
import re
from collections import Counter
from copy import deepcopy
from pathlib import Path

import pytest
from faults import TINY
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from feedback_alignment.config import ConfigError, load_config
from feedback_alignment.config.overlay import read_config
from feedback_alignment.jobs import known_figures, make_plan
from feedback_alignment.settings import DEFAULTS

ROOT = Path(__file__).parents[2]
FIGURES = known_figures(ROOT)
FILES = [
    *sorted(ROOT.glob(".test/*.yaml")),
    *(ROOT / f"config/{n}.yaml" for n in ("smoke", "mnist")),
]
VALID = [YAML(typ="safe", pure=True).load(TINY), *(read_config(path) for path in FILES)]
# More jobs would only take time.
MOST_JOBS = 500

WORDS = [
    "relu",
    "fa",
    "digits",
    "mnist",
    "on",
    "null",
    "1e-3",
    "../x",
    "a b",
    "é",
    "{x}",
    "a" * 300,
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 60),
    st.sampled_from([2.0, 2.5, -1e-9, 1e300, 10**30, float("nan"), float("inf"), 2**63]),
    st.sampled_from([*WORDS, *DEFAULTS]),
    st.text(max_size=8),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.sampled_from([*DEFAULTS, "presets", "match", "set"]), SCALARS, max_size=2),
)


def places(value, above=()):
    """Where values stand in a config, as keys and indices that lead there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in inner:
        yield (*above, key)
        if isinstance(below, dict | list):
            yield from places(below, (*above, key))


@st.composite
def mutated(draw):
    """A config as plain values with one to three mutations."""
    config = deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 3))):
        *above, key = draw(st.sampled_from(list(places(config))))
        holder = config
        for part in above:
            holder = holder[part]
        how = draw(st.sampled_from(["replace", "replace", "remove", "wrap", "rename", "add"]))
        if how == "replace":
            holder[key] = draw(VALUES)
        elif how == "remove":
            del holder[key]
        elif how == "wrap":
            holder[key] = [holder[key]]
        elif isinstance(holder, list):
            holder.insert(key, deepcopy(holder[key]) if how == "rename" else draw(VALUES))
        elif how == "rename":
            holder[draw(st.sampled_from([key[1:], key + "s", *DEFAULTS]))] = holder.pop(key)
        else:
            holder[draw(st.one_of(st.sampled_from([*DEFAULTS]), SCALARS))] = draw(VALUES)
        if not config:
            break
    return config


def written(config) -> bytes:
    stream = io.BytesIO()
    YAML(typ="safe", pure=True).dump(config, stream)
    return stream.getvalue()


@st.composite
def files(draw):
    """The bytes of a mutated config, perhaps in another encoding, cut off, or a byte changed."""
    content = written(draw(mutated()))
    text = content.decode()
    how = draw(
        st.sampled_from(["utf-8"] * 8 + ["utf-8-sig", "utf-16", "latin-1", "crlf", "cut", "byte"])
    )
    if how == "crlf":
        return text.replace("\n", "\r\n").encode()
    at = draw(st.integers(0, len(content) - 1))
    if how == "cut":
        return content[:at]
    if how == "byte":
        return content[:at] + draw(st.binary(min_size=1, max_size=1)) + content[at + 1 :]
    return text.encode(how, errors="replace")


class Outcomes:
    """What became of the mutated configs."""

    def __init__(self, folder):
        self.path = folder / "mutated.yaml"
        self.refused: dict[str, bytes] = {}
        self.count: Counter = Counter()

    def check(self, content):
        self.path.write_bytes(content)
        try:
            config = load_config([self.path], known_figures=FIGURES)
        except ConfigError as error:
            line = str(error)
            assert len(line.splitlines()) == 1
            assert line.startswith(f"{self.path}: ")
            # A key path, a line of the file, or the file as a whole.
            said = line.removeprefix(f"{self.path}: ")
            assert re.match(r"line \d+: |the (file|top level) |cannot be read: |\S.*?: ", said), (
                line
            )
            self.refused[said] = content
            self.count["refused"] += 1
        else:
            assert all(experiment.conditions for experiment in config.experiments)
            jobs = sum(len(e.conditions) * e.replicates for e in config.experiments)
            if jobs / config.block < MOST_JOBS:
                assert make_plan(config, ROOT).jobs["train"]
            self.count["accepted"] += 1


CHECKS = {
    "deadline": None,
    # A whole config is slow to shrink, and the message tells enough.
    "phases": [Phase.generate],
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


def run(examples, folder, **more):
    outcomes = Outcomes(folder)
    settings(max_examples=examples, **CHECKS, **more)(given(files())(outcomes.check))()
    return outcomes


def test_a_few_mutated_configs(tmp_path):
    outcomes = run(60, tmp_path, derandomize=True)
    assert outcomes.count["refused"] > 10


@pytest.mark.long
def test_many_mutated_configs(tmp_path, fresh, record_property):
    outcomes = run(1000, tmp_path)
    for name, count in outcomes.count.items():
        record_property(name, count)
    assert outcomes.count.total() >= 500
    lines = sorted(outcomes.refused)
    for line in lines[:: len(lines) // 10][:10]:
        record_property("said", line)
        # The real workflow says the same line, and starts nothing.
        (fresh.folder / "config/config.yaml").write_bytes(outcomes.refused[line])
        done = fresh.snakemake("--cores", "1")
        assert done.returncode == 1
        assert f"error: config/config.yaml: {line}\n" in done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert not fresh.results.parent.exists()
