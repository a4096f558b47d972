"""Receipts: what was made by which specification, so that stale and damaged outputs are found.

A receipt lies in `results/<name>/receipts/<step>/<job>.json`. It holds the specification of its
job, length and SHA-256 of every file made, and a digest of what each receipt upstream held then.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from feedback_alignment.files import DamagedFileError, sha256_of, write_text
from feedback_alignment.specification import digest_of


@contextmanager
def making(
    receipt: Path, specification: Mapping[str, Any], made: Sequence[Path], upstream: Sequence[Path]
) -> Iterator[None]:
    """Check what the job reads, let it write its files, and leave a receipt.

    Args:
        receipt: where the receipt goes; one of an earlier job goes first.
        specification: what decides the files.
        made: the files that are written within.
        upstream: receipts of the jobs whose files are read.

    Raises:
        DamagedFileError: a file that is to be read is not as its receipt says.
    """
    receipt.unlink(missing_ok=True)
    read = {}
    for other in upstream:
        content = read_receipt(other)
        if content is None:
            raise DamagedFileError(f"{other}: damaged; the next run makes it again")
        for name, entry in content["made"].items():
            path = other.parents[2] / name
            if not _as_made(path, entry, sha256_of):
                raise DamagedFileError(f"{path}: damaged; the next run makes it again")
        read[_name(other, other)] = digest_of(content["made"])
    yield
    files = {
        _name(path, receipt): {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in made
    }
    content = {"specification": specification, "made": files, "read": read}
    write_text(receipt, json.dumps(content, indent=1, sort_keys=True) + "\n")


def read_receipt(path: Path) -> dict[str, Any] | None:
    """A receipt's content; None if there is none, or it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {name: dict(content[name]) for name in ("specification", "made", "read")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def damage(
    receipt: Path,
    specification: str,
    made: Sequence[Path],
    upstream: Sequence[Path],
    sha256: Callable[[Path], str] = sha256_of,
) -> str | None:
    """Why a job must run: what its receipt does not vouch for.

    Args:
        receipt: the job's receipt.
        specification: digest of the specification that is wanted.
        made: the files that the job makes.
        upstream: receipts of the jobs whose files it reads.
        sha256: digest of a file.

    Returns:
        None if all is as wanted; else empty, or a line if a file was damaged after it was made.
    """
    content = read_receipt(receipt)
    if content is None or digest_of(content["specification"]) != specification:
        return ""
    if content["made"].keys() != {_name(path, receipt) for path in made}:
        return ""
    for path in made:
        if not path.exists():
            return ""
        if not _as_made(path, content["made"][_name(path, receipt)], sha256):
            return f"{path}: damaged; it is to be made again"
    read = {_name(other, other): read_receipt(other) for other in upstream}
    known = {name: other and digest_of(other["made"]) for name, other in read.items()}
    return None if known == content["read"] else ""


def _name(path: Path, receipt: Path) -> str:
    """A file's name below the results folder that the receipt lies in."""
    return Path(os.path.relpath(path, receipt.parents[2])).as_posix()


def _as_made(path: Path, entry: Mapping[str, Any], sha256: Callable[[Path], str]) -> bool:
    try:
        return path.stat().st_size == entry.get("bytes") and sha256(path) == entry.get("sha256")
    except OSError:
        return False
