"""Write a snapshot: what a results folder found, small enough to lie in the repository."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from feedback_alignment.claims import ClaimVerdict, judge, load_claims, write_verdicts
from feedback_alignment.claims.points import Tables, name_of
from feedback_alignment.claims.published import Published
from feedback_alignment.claims.root_seeds import digest_of_claims
from feedback_alignment.claims.verdicts import NOT_RUN
from feedback_alignment.code import PUBLISHED
from feedback_alignment.errors import InputError
from feedback_alignment.files import write_text
from feedback_alignment.jobs import CAPTIONS, LOCK_FILE, SEEDS_FILE, SOURCES_FILE, Plan, receipt_of
from feedback_alignment.page.page import write_page
from feedback_alignment.provenance import count_statuses, describe, environment
from feedback_alignment.published import read_all
from feedback_alignment.receipts import read_receipt
from feedback_alignment.snapshots.manifest import NAME, write_sealed
from feedback_alignment.snapshots.pieces import asked, made_of, pieces_of
from feedback_alignment.snapshots.reading import read_json
from feedback_alignment.snapshots.summaries import summarise
from feedback_alignment.snapshots.took import COLUMNS, took
from feedback_alignment.tables import StoredTables, read_tables

# So that the repository stays quick to clone.
LARGEST = 15 * 10**6
_POINT = ["published_mean", "published_sd", "published_n", "mean", "sd", "n"]
_POINT += ["difference", "ci_low", "ci_high", "threshold", "verdict"]


def write_snapshot(
    plan: Plan, root: Path, configs: Sequence[str], results: Path, target: Path
) -> list[str]:
    """Write the snapshot of a results folder, finished or not, in place of an earlier one.

    Verdicts are those of the tree's claims on the tables that are there.

    Args:
        plan: what the tree makes of the config.
        root: the project's root.
        configs: the config's files, relative to the root.
        results: the results folder.
        target: the snapshot's folder.

    Returns:
        the pieces that have not run.

    Raises:
        InputError: a piece is damaged or was made with other settings, none has run, the snapshot
            would be too large, or the target is something else; one line.
    """
    if target.exists() and not (target / NAME).exists():
        raise InputError(f"{target}: is no snapshot; name one, or a folder that is not there yet")
    jobs = pieces_of(plan)
    pieces = {name: made_of(results, job) for name, job in jobs.items()}
    experiments = [e.name for e in plan.config.experiments if pieces[f"tables/{e.name}"]]
    if not experiments:
        raise InputError(f"{results}: nothing of the config {plan.config.name} has run")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".snapshot-") as work:
        new = Path(work) / target.name
        paths = {name: results / f"metrics/{name}.parquet" for name in experiments}
        _write_claims(plan, root, paths, new)
        status = {}
        for name, path in paths.items():
            table = read_tables([path])
            _write_csv(new / f"summaries/{name}.csv", summarise(table))
            status[name] = count_statuses(table)
        receipts = {n: read_receipt(receipt_of(results, plan.jobs["tables"][n])) for n in paths}
        rows = took(results, {n: r["specification"] for n, r in receipts.items() if r})
        _write_csv(new / "took.csv", pd.DataFrame(rows, columns=COLUMNS))
        figures = [figure for figure in plan.config.figures if pieces[f"figure/{figure}"]]
        for figure in figures:
            (new / "figures").mkdir(exist_ok=True)
            shutil.copy(results / f"figures/{figure}.svg", new / "figures")
        _write_page(plan, root, status, figures, results, new, rows[-1]["on"])
        content = {
            "configs": list(configs),
            "claims": plan.jobs["claims"]["claims"].code.digest,
            "page": plan.jobs["page"]["page"].code.digest,
            "lock": plan.jobs["record"]["record"].specification["lock"],
            "pieces": {
                name: pieces[name] or {"asked": asked(job.specification), "state": NOT_RUN}
                for name, job in jobs.items()
            },
        }
        write_sealed(new, content)
        size = sum(path.stat().st_size for path in new.rglob("*") if path.is_file())
        if size > LARGEST:
            raise InputError(
                f"{target}: would have {size / 1e6:.1f} MB; allowed: {LARGEST / 1e6:g} MB"
            )
        if target.exists():
            target.rename(Path(work) / "old")
        new.rename(target)
    return [name for name, piece in pieces.items() if not piece]


def _write_claims(plan: Plan, root: Path, paths: Mapping[str, Path], folder: Path) -> None:
    published = read_all(root.glob(PUBLISHED))
    feeding = plan.jobs["claims"]["claims"].specification["figures"]
    tables = StoredTables(
        {
            figure: [paths[name] for name in names if name in paths]
            for figure, names in feeding.items()
            if names
        }
    )
    claims = load_claims()
    verdicts = judge(claims, tables, published)
    write_verdicts(verdicts, folder, digest_of_claims(claims))
    columns = ["claim", "check", "point", *_POINT]
    rows = list(_published_rows(verdicts, published))
    _write_csv(folder / "published.csv", pd.DataFrame(rows, columns=columns))


def _published_rows(
    verdicts: Sequence[ClaimVerdict], published: Tables
) -> Iterable[dict[str, Any]]:
    """Every published value beside ours, or `not run`."""
    for claim, verdict in zip(load_claims(), verdicts, strict=True):
        for check in claim.checks:
            if not isinstance(check.statistic, Published) or not check.statistic.by_point:
                continue
            (found,) = (v for v in verdict.checks if v.label == check.label)
            ours = {point.point: point for point in found.points}
            for value in check.statistic.values(published):
                name = name_of(value)
                row = {"claim": claim.id, "check": check.label, "point": name, "n": 0}
                row |= {f"published_{k}": getattr(value, k) for k in ("mean", "sd", "n")}
                row |= {"verdict": NOT_RUN}
                if name in ours:
                    row |= {column: getattr(ours[name], column) for column in _POINT}
                yield row


def _write_page(
    plan: Plan,
    root: Path,
    statuses: Mapping[str, Any],
    figures: Sequence[str],
    results: Path,
    folder: Path,
    on: str,
) -> None:
    settings = describe(plan.jobs["record"]["record"].specification)
    status = {name: statuses.get(name, {}) for name in settings["experiments"]}
    # Of a part that has run, with the versions that are here.
    there = results / "environment.json"
    versions = environment((root / LOCK_FILE).read_text(encoding="utf-8"))
    versions = read_json(there, "processor") if there.exists() else versions
    # Bytes are those of what trained.
    versions = versions | ({"processor": on} if on else {})
    for name, content in {"settings": settings, "status": status, "environment": versions}.items():
        write_text(folder / f"{name}.json", json.dumps(content, indent=1) + "\n")
    captions = sorted((root / CAPTIONS).glob("*.rst"))
    # A snapshot is kept for good: its figures once, beside the page.
    write_page(folder, figures, captions, root / SOURCES_FILE, root / SEEDS_FILE, linked=True)


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write rows as CSV, fractions with six digits; what does not exist is an empty cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
