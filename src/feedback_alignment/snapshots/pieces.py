"""The pieces of a snapshot: what each was to be made from, and the code that made it, by digest."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from feedback_alignment.archive import SPECIFICATION
from feedback_alignment.errors import InputError
from feedback_alignment.files import sha256_of
from feedback_alignment.jobs import Job, Plan, receipt_of
from feedback_alignment.receipts import read_receipt
from feedback_alignment.specification import digest_of

# What a snapshot shows of a results folder.
STEPS = ("tables", "figure")


def asked(specification: Mapping[str, Any]) -> str:
    """Digest of what a job was asked: settings and replicates, but neither code nor lock file."""
    content = {k: v for k, v in specification.items() if k not in ("code", "lock", "from")}
    # The name of a run is that of its settings and replicates, and then a digest with its code.
    names = [
        name.rpartition("-")[0] if name.startswith("train/") else name
        for name, _ in specification["from"]
    ]
    return digest_of({**content, "from": names})


def pieces_of(plan: Plan) -> dict[str, Job]:
    """The jobs whose outputs a snapshot has, by the piece's name."""
    return {f"{step}/{name}": job for step in STEPS for name, job in plan.jobs[step].items()}


def made_of(results: Path, job: Job) -> dict[str, Any] | None:
    """What is known of the finished piece that a job makes; None if it has not run.

    Raises:
        InputError: it was made with other settings than the config has now, or is not whole, or
            the runs behind it are gone; one line.
    """
    path = receipt_of(results, job)
    receipt = read_receipt(path)
    if receipt is None and not path.exists():
        return None
    if receipt is None:
        raise InputError(f"{path}: damaged; run the config again")
    specification, made = receipt["specification"], receipt["made"]
    if asked(specification) != asked(job.specification):
        raise InputError(f"{path}: made with other settings than the config's; run it again")
    for name, entry in made.items():
        if not (results / name).is_file() or sha256_of(results / name) != entry["sha256"]:
            raise InputError(f"{results / name}: missing or altered; run the config again")
    runs = {_code_of(run) for run in runs_of(results, specification)}
    return {
        "asked": asked(specification),
        "specification": digest_of(specification),
        "code": {job.step: specification["code"], **({"train": sorted(runs)} if runs else {})},
        "lock": specification["lock"],
        "made": {name: entry["sha256"] for name, entry in sorted(made.items())},
    }


def runs_of(results: Path, specification: Mapping[str, Any]) -> list[Path]:
    """The recorded runs that a table was made from."""
    names = [name for name, _ in specification["from"] if name.startswith("train/")]
    return [results / f"runs/{name.removeprefix('train/')}.npz" for name in names]


def _code_of(run: Path) -> str:
    """Digest of the code that recorded a run."""
    try:
        with np.load(run, allow_pickle=False) as archive:
            return json.loads(archive[SPECIFICATION].tobytes())["code"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{run}: cannot be read, and tells which code made it: {error}") from None
