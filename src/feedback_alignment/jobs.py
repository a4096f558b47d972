"""From a config to the specification of each job: what it makes, from what, with which code.

A specification holds everything that decides the bytes that its job makes: settings, the code, the
lock file, and the specifications upstream. Data and runs lie where their specification's digest
says; named outputs have a receipt. File times and Snakemake's own notes decide nothing.
"""

import json
import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from feedback_alignment import engines, rules
from feedback_alignment.code import Code, Tree
from feedback_alignment.conditions import Condition
from feedback_alignment.config import Config, ConfigError, Experiment, replicate_blocks
from feedback_alignment.files import write_once
from feedback_alignment.known_digests import KnownDigests
from feedback_alignment.names import check_name
from feedback_alignment.receipts import damage
from feedback_alignment.specification import digest_of, write_specification

STEPS = ("data", "train", "tables", "figure", "claims", "record", "page")
# Files that the steps read beside tables and notebooks.
SOURCES_FILE, LOCK_FILE = "config/sources.yaml", "requirements.lock"
# Verdicts under other root seeds, a table of make seeds.
SEEDS_FILE = "resources/seeds.csv"
# The figures' captions.
CAPTIONS = "workflow/report"
# Digits of a digest in file names.
_DIGITS = 16


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        step: what kind of job; its script is `scripts/<step>.py`.
        name: which one; the path of its output below `data/` or `runs/`, else the output's name.
        specification: everything that decides the bytes it makes.
        code: the code that it runs.
        made: the named outputs, below the results folder; none of data and runs.
        reads: data, runs or named jobs whose outputs it reads, as (step, name).
    """

    step: str
    name: str
    specification: Mapping[str, Any]
    code: Code
    made: tuple[str, ...] = ()
    reads: tuple[tuple[str, str], ...] = ()

    @cached_property
    def digest(self) -> str:
        """Digest of the specification."""
        return digest_of(self.specification)


@dataclass(frozen=True)
class Plan:
    """Every job that a config asks for.

    Attributes:
        config: the config.
        jobs: by step and name, those upstream first.
    """

    config: Config
    jobs: Mapping[str, dict[str, Job]] = field(default_factory=lambda: {s: {} for s in STEPS})

    @property
    def all(self) -> list[Job]:
        """All jobs, those upstream first."""
        return [job for jobs in self.jobs.values() for job in jobs.values()]

    @property
    def named(self) -> list[Job]:
        """The jobs that make named outputs, those upstream first."""
        return [job for job in self.all if job.made]

    def files(self) -> set[str]:
        """Data and runs that the config asks for, below the results folder."""
        data = {f"data/{name}.npz" for name in self.jobs["data"]}
        return data | {f"runs/{name}.npz" for name in self.jobs["train"]}

    def copies(self) -> set[str]:
        """What `publish` writes, below its folder."""
        specifications = {f"specifications/{job.digest}.json" for job in self.all}
        return specifications | {f"code/{job.code.digest}" for job in self.all} | {self._copy}

    @property
    def _copy(self) -> str:
        """Where its copy lies; the page depends on all other jobs."""
        return f"plans/{self.jobs['page']['page'].digest}.pickle"

    def publish(self, folder: Path) -> Path:
        """Write what the jobs read: `specifications/<digest>.json`, `code/<digest>/`, and the plan.

        All are named by their content and never change, whatever happens to the tree meanwhile.

        Returns:
            the copy of the plan, for `read_plan`.
        """
        there = {path.stem for path in (folder / "specifications").glob("*.json")}
        for job in self.all:
            if job.digest not in there:
                write_specification(folder / "specifications", job.specification)
        for code in {job.code.digest: job.code for job in self.all}.values():
            code.copy(folder / "code")
        write_once(folder / self._copy, pickle.dumps(self))
        return folder / self._copy

    def stale(self, results: Path, digests: KnownDigests) -> tuple[list[Job], list[str]]:
        """The jobs whose named outputs are missing, of another specification, or damaged.

        Returns:
            the jobs, and a line for each file that was damaged after it was made.
        """
        stale: list[Job] = []
        lines: list[str] = []
        for job in self.named:
            upstream = [self.jobs[step][name] for step, name in job.reads]
            upstream = [other for other in upstream if other.made]
            made = [results / path for path in job.made]
            receipts = [receipt_of(results, other) for other in upstream]
            line = damage(receipt_of(results, job), job.digest, made, receipts, digests)
            if line is not None or any(other in stale for other in upstream):
                stale.append(job)
            lines += [line] if line else []
        return stale, lines


def receipt_of(results: Path, job: Job) -> Path:
    """Where a job leaves its receipt."""
    return results / "receipts" / job.step / f"{job.name}.json"


def read_plan(path: Path) -> Plan:
    """The plan that `Plan.publish` wrote; only a file of one's own may be read so."""
    return pickle.loads(path.read_bytes())


def make_plan(config: Config, root: Path) -> Plan:
    """Specify every job of a config, with the code and the lock file below the project's root.

    Raises:
        ConfigError: one of the project's own files cannot be read.
    """
    return _Planner(config, root).plan


class _Planner:
    """Adds the jobs of a config to a plan, those upstream first."""

    def __init__(self, config: Config, root: Path) -> None:
        self.plan = Plan(config)
        self.config, self.root, self.tree = config, root, Tree(root)
        self.lock = digest_of(self.tree.source(root / LOCK_FILE).meaning.decode())
        tables = [self._add_table(experiment) for experiment in config.experiments]
        figures = [self._add_figure(figure) for figure in config.figures]
        claims = self._add(
            "claims",
            "claims",
            {"figures": {f: [e.name for e in config.feeding(f)] for f in config.figures}},
            self.tree.code("scripts/claims.py"),
            made=[f"claims.{end}" for end in ("csv", "json", "md")],
            reads=tables,
        )
        described = {"experiments": {e.name: _described(e) for e in config.experiments}}
        record = self._add(
            "record",
            "record",
            {"name": config.name, "seed": config.seed, **described},
            self.tree.code("scripts/record.py", files=[LOCK_FILE]),
            made=[f"{name}.json" for name in ("manifest", "settings", "environment", "status")],
            reads=[*tables, *figures, claims],
        )
        captions = [f"{CAPTIONS}/{f}.rst" for f in config.figures]
        captions = [path for path in captions if (root / path).exists()]
        self._add(
            "page",
            "page",
            {"figures": list(config.figures)},
            self.tree.code("scripts/page.py", files=[SOURCES_FILE, SEEDS_FILE, *captions]),
            made=["index.html"],
            reads=[*figures, claims, record],
        )

    def _add(
        self,
        step: str,
        name: str,
        content: Mapping[str, Any],
        code: Code,
        made: Sequence[str] = (),
        reads: Sequence[tuple[str, str]] = (),
    ) -> tuple[str, str]:
        """Add a job; one without named outputs gets its digest into its name."""
        specification = {
            "step": step,
            **content,
            "code": code.digest,
            "lock": self.lock,
            "from": [[f"{s}/{n}", self.plan.jobs[s][n].digest] for s, n in reads],
        }
        if not made:
            name = f"{name}-{digest_of(specification)[:_DIGITS]}"
        self.plan.jobs[step][name] = Job(step, name, specification, code, tuple(made), tuple(reads))
        return step, name

    def _add_table(self, experiment: Experiment) -> tuple[str, str]:
        blocks = list(replicate_blocks(experiment.replicates, self.config.block))
        runs = [self._add_run(c, block) for c in experiment.conditions for block in blocks]
        cases = {c.identifier(self.config.seed): c.case for c in experiment.conditions}
        content = {"experiment": experiment.name, "cases": cases}
        made = [f"metrics/{experiment.name}.{end}" for end in ("parquet", "csv")]
        code = self.tree.code("scripts/tables.py")
        return self._add("tables", experiment.name, content, code, made, runs)

    def _add_run(self, condition: Condition, replicates: Sequence[int]) -> tuple[str, str]:
        seed, source = self.config.seed, self.config.sources[condition.data]
        block = f"{replicates[0]:03d}-{replicates[-1]:03d}"
        identifier = condition.identifier(seed)
        content = {
            "seed": seed,
            "replicates": None if source.shared else list(replicates),
            "settings": condition.dataset(),
            "source": source.digest,
        }
        name = f"{condition.dataset_identifier(seed)}/{'all' if source.shared else block}"
        data = self._add("data", name, content, self.tree.code("scripts/data.py"))
        content = {
            "seed": seed,
            "replicates": list(replicates),
            "settings": condition.settings(),
            "condition": identifier,
        }
        modules = [*_rules([condition]), engines.module_of(condition.engine)]
        code = self.tree.code("scripts/train.py", modules)
        return self._add("train", f"{identifier}/{block}", content, code, reads=[data])

    def _add_figure(self, figure: str) -> tuple[str, str]:
        experiments = self.config.feeding(figure)
        modules = _rules(c for e in experiments for c in e.conditions)
        made = [f"figures/{figure}.{end}" for end in ("svg", "pdf", "png")]
        made += [f"notebooks/{figure}.{end}" for end in ("ipynb", "html")]
        code = self.tree.code("scripts/figure.py", modules, [f"notebooks/{figure}.ipynb"])
        tables = [("tables", experiment.name) for experiment in experiments]
        return self._add("figure", figure, {"figure": figure}, code, made, tables)


def _described(experiment: Experiment) -> dict[str, Any]:
    """An experiment as the record tells it."""
    return {
        "figures": list(experiment.figures),
        "replicates": experiment.replicates,
        "conditions": [condition.settings() for condition in experiment.conditions],
    }


def _rules(conditions: Iterable[Condition]) -> list[str]:
    """The modules of the rules that conditions train by; other rules do not count."""
    names = {name for c in conditions for name in (c.rule, c.switch_rule) if name}
    return sorted({rules.module_of(name) for name in names})


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
        if path.stem in {*STEPS, "all", "help"}:
            raise ConfigError(f"{place}: {path.stem} is the name of a step; rename the notebook")
        try:
            notebook = json.loads(path.read_text(encoding="utf-8"))
            own = notebook["metadata"].get("feedback_alignment", {})
            figures[path.stem] = not own.get("drawing", False)
        except OSError as error:
            raise ConfigError(f"{place}: cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(f"{place}: it is not a Jupyter notebook") from None
    return figures
