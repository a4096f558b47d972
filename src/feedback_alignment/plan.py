"""What each job of the workflow makes and from what: its specification, with a digest of the code.

A specification holds everything that decides the bytes of a job's outputs: settings, the code of
the step, the lock file, and the digests of the specifications upstream. Two jobs with equal
specifications make equal files; nothing else, file times least of all, decides what is stale.
"""

import ast
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback_alignment.conditions import Condition, digest_of
from feedback_alignment.config import (
    Config,
    ConfigError,
    Experiment,
    check_name,
    replicate_blocks,
)
from feedback_alignment.files import write_text
from feedback_alignment.rules import LIBRARY_MODULES, LIBRARY_RULES

_LIBRARY = "src/feedback_alignment"
# The code that decides each step's bytes; folders count with all Python files below them.
CODE = {
    "data": ("streams.py", "activations.py", "networks.py", "data", "store.py"),
    "train": (
        "arrays.py",
        "torch_arrays.py",
        "streams.py",
        "activations.py",
        "networks.py",
        "losses.py",
        "mlp.py",
        "regularisers.py",
        "rules",
        "simulate",
        "metrics",
        "store.py",
    ),
    "metrics": (
        "intervention_steps.py",
        "extract.py",
        "metrics/convergence.py",
        "simulate/recording.py",
        "store.py",
    ),
    "figures": ("plotting", "rules", "intervention_steps.py", "notebooks.py"),
    "claims": ("claims", "intervention_steps.py", "store.py"),
    "record": ("provenance.py", "store.py"),
    "page": ("report",),
}

# Targets of the workflow that a figure cannot be named after.
_TARGETS = {"all", "help", "data", "train", "metrics", "figure", "claims", "record", "page"}
# Access and modification time of files that make nothing stale; snakemake takes 0 for no time.
_OLDEST = (1, 1)


@dataclass(frozen=True)
class Block:
    """A training job: one condition for a block of replicates."""

    condition: Condition
    replicates: tuple[int, ...]

    @property
    def name(self) -> str:
        """First and last replicate, as in file names."""
        return f"{self.replicates[0]:03d}-{self.replicates[-1]:03d}"


@dataclass(frozen=True)
class Plan:
    """The specification of every job that a config asks for.

    Attributes:
        config: the config.
        specs: specification by step and job id; the id is also the file name.
    """

    config: Config
    specs: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def blocks(self, experiment: Experiment) -> list[Block]:
        """The training jobs behind an experiment's table, in table order."""
        return [
            Block(condition, replicates)
            for condition in experiment.conditions
            for replicates in replicate_blocks(experiment.replicates, self.config.block)
        ]

    def run_ids(self, experiment: Experiment) -> list[str]:
        """`<condition id>/<block>` of each training job behind an experiment's table."""
        seed = self.config.seed
        return [f"{b.condition.identifier(seed)}/{b.name}" for b in self.blocks(experiment)]


def make_plan(config: Config, root: Path) -> Plan:
    """Specify every job of a config.

    Args:
        config: a validated config.
        root: the project's root, whose code and lock file are digested.

    Raises:
        ConfigError: one of the project's own files cannot be read.
    """
    lock = _file_digest(root / "requirements.lock")
    base = {step: {"step": step, "code": code_digest(root, step), "lock": lock} for step in CODE}
    own_rules = _own_rules_digest(root)
    specs: dict[str, dict[str, dict[str, Any]]] = {step: {} for step in CODE}
    plan = Plan(config, specs)
    seed = config.seed
    for experiment in config.experiments:
        for block in plan.blocks(experiment):
            condition, replicates = block.condition, list(block.replicates)
            source = config.sources[condition.data]
            part = "all" if source.shared else block.name
            data_id = f"{condition.dataset_identifier(seed)}/{part}"
            specs["data"][data_id] = {
                **base["data"],
                "seed": seed,
                "replicates": None if source.shared else replicates,
                "settings": condition.dataset(),
                "source": source.digest,
            }
            specs["train"][f"{condition.identifier(seed)}/{block.name}"] = {
                **base["train"],
                "seed": seed,
                "replicates": replicates,
                "settings": condition.settings(),
                "dataset": data_id,
                "from": digest_of(specs["data"][data_id]),
            }
            if not {condition.rule, condition.switch_rule} <= {*LIBRARY_RULES, None}:
                specs["train"][f"{condition.identifier(seed)}/{block.name}"]["rules"] = own_rules
        runs = plan.run_ids(experiment)
        specs["metrics"][experiment.name] = {
            **base["metrics"],
            "experiment": experiment.name,
            "runs": runs,
            "cases": {c.identifier(seed): c.case for c in experiment.conditions},
            "from": [digest_of(specs["train"][run]) for run in runs],
        }
    tables = {name: digest_of(spec) for name, spec in specs["metrics"].items()}
    for figure in config.figures:
        notebook = json.loads((root / "notebooks" / f"{figure}.ipynb").read_text())
        specs["figures"][figure] = {
            **base["figures"],
            "notebook": digest_of(notebook["cells"]),
            "from": {e.name: tables[e.name] for e in config.feeding(figure)},
        }
    specs["claims"]["claims"] = {
        **base["claims"],
        "figures": {f: [e.name for e in config.feeding(f)] for f in config.figures},
        "from": tables,
    }
    figures = {name: digest_of(spec) for name, spec in specs["figures"].items()}
    specs["record"]["record"] = {
        **base["record"],
        "name": config.name,
        "seed": seed,
        "figures": {f: [e.name for e in config.feeding(f)] for f in config.figures},
        "experiments": {
            e.name: {
                "figures": list(e.figures),
                "replicates": e.replicates,
                "conditions": [c.settings() for c in e.conditions],
            }
            for e in config.experiments
        },
        "from": {**tables, **figures, "claims": digest_of(specs["claims"]["claims"])},
    }
    specs["page"]["page"] = {
        **base["page"],
        "captions": [
            _file_digest(path) for path in sorted((root / "workflow/report").glob("*.rst"))
        ],
        "sources": _file_digest(root / "config/sources.yaml"),
        "from": digest_of(specs["record"]["record"]),
    }
    return plan


def known_figures(root: Path) -> dict[str, bool]:
    """The figures that have a notebook, each with whether it reads a table.

    A drawing says so in its notebook's metadata: `{"feedback_alignment": {"drawing": true}}`.

    Raises:
        ConfigError: a notebook cannot be read, or its name cannot be that of a figure.
    """
    figures = {}
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        place = path.relative_to(root).as_posix()
        check_name(place, path.stem)
        if path.stem in _TARGETS:
            raise ConfigError(f"{place}: {path.stem} is the name of a step; rename the notebook")
        try:
            notebook = json.loads(path.read_text(encoding="utf-8"))
            own = notebook["metadata"].get("feedback_alignment", {})
            figures[path.stem] = not own.get("drawing", False)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(f"{place}: it is not a Jupyter notebook") from None
    return figures


def code_digest(root: Path, step: str) -> str:
    """Digest of the code that decides the bytes of a step's outputs.

    Code is compared by its syntax tree, so comments and layout do not count.
    """
    paths = [root / "scripts" / f"{step.removesuffix('s') if step == 'figures' else step}.py"]
    for entry in CODE[step]:
        path = root / _LIBRARY / entry
        paths += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    # A rule that a user adds changes no run of the others.
    own = _own_rule_files(root) if step == "train" else []
    return _digest_of_files(root, [path for path in paths if path not in own])


def _own_rule_files(root: Path) -> list[Path]:
    folder = root / _LIBRARY / "rules"
    return [path for path in sorted(folder.glob("*.py")) if path.stem not in LIBRARY_MODULES]


def _own_rules_digest(root: Path) -> str:
    return _digest_of_files(root, _own_rule_files(root))


def _digest_of_files(root: Path, paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        if path.suffix == ".pyc":
            continue
        content = path.read_bytes()
        if path.suffix == ".py":
            content = ast.dump(ast.parse(content)).encode()
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + content + b"\0")
    return digest.hexdigest()


def sync_specs(plan: Plan, wanted: Path, results: Path) -> None:
    """Write the specifications where the jobs read them, and mark which outputs are stale.

    A finished job leaves its specification in `results/specs`. Where that equals the wanted one,
    both files get the oldest possible time, so that everything made from them counts as newer
    however file times have been shuffled; where not, the wanted file is written anew.

    Args:
        plan: the plan.
        wanted: folder for the wanted specifications.
        results: the results folder of the config.
    """
    for step, jobs in plan.specs.items():
        for job, spec in jobs.items():
            text = spec_text(spec)
            path = wanted / step / f"{job}.json"
            made_from = results / "specs" / step / f"{job}.json"
            done = _text_of(made_from) == text
            if not done or _text_of(path) != text:
                write_text(path, text)
            if done:
                os.utime(path, _OLDEST)
                os.utime(made_from, _OLDEST)


def spec_text(spec: Mapping[str, Any]) -> str:
    """A specification as the text of its file."""
    return json.dumps(spec, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _file_digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None
