"""Specifications: all that decides the bytes that a job makes, in a file named by its digest."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feedback_alignment.files import DamagedFileError, write_once


def digest_of(content: Any) -> str:
    """SHA-256 (hex) of a JSON-serialisable value in its canonical form."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write_specification(folder: Path, specification: Mapping[str, Any]) -> None:
    """Write `<folder>/<digest>.json`, unless it is there; what is there never changes."""
    text = json.dumps(specification, indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_once(folder / f"{digest_of(specification)}.json", text.encode())


def read_specification(path: Path) -> dict[str, Any]:
    """Read a specification, and check that it is the one that the file is named after.

    Raises:
        DamagedFileError: it is not; the file is removed, for the next call to write it again.
    """
    try:
        specification = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        specification = None
    except OSError as error:
        raise DamagedFileError(f"{path}: cannot be read: {error.strerror}") from None
    if not isinstance(specification, dict) or digest_of(specification) != path.stem:
        path.unlink(missing_ok=True)
        raise DamagedFileError(f"{path}: the file was damaged; the next run makes it again")
    return specification
