"""Arrays in one file with the specification that made them; reading tells whether it is whole.

The file is an uncompressed `.npz`, which `numpy.load` reads like any other. Its zip comment is the
SHA-256 of all bytes before it, so a file that was cut off or altered is noticed.
"""

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from feedback_alignment.files import DamagedFileError, replacing
from feedback_alignment.specification import digest_of

# Name of the array that holds the specification, as the bytes of its JSON.
SPECIFICATION = "specification"
_SEAL = 64  # hexadecimal digits


def write_arrays(
    path: Path, arrays: Mapping[str, np.ndarray], specification: Mapping[str, Any]
) -> None:
    """Write named arrays and what they were made from, whole or not at all.

    Args:
        path: the file, `.npz`.
        arrays: any names but `specification`.
        specification: what decided the arrays, as plain values.
    """
    text = json.dumps(specification, sort_keys=True, allow_nan=False)
    made_from: dict[str, Any] = {SPECIFICATION: np.frombuffer(text.encode(), dtype=np.uint8)}
    with replacing(path) as temporary:
        np.savez(temporary, **arrays, **made_from)
        with temporary.open("r+b") as file:
            # A zip file ends with the length of its comment, and the comment.
            file.seek(-2, os.SEEK_END)
            file.write(struct.pack("<H", _SEAL))
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0, os.SEEK_END)
            file.write(digest.encode())


def read_arrays(
    path: Path, digest: str | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `write_arrays` wrote.

    Args:
        path: the file.
        digest: digest of the specification that must have made it, if it is known.

    Returns:
        the arrays by name, and the specification.

    Raises:
        DamagedFileError: the file is missing, cut off, altered, or another job's; one line that
            names it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedFileError(f"{path}: cannot be read: {error.strerror}") from None
    body, seal = memoryview(content)[:-_SEAL], content[-_SEAL:]
    if hashlib.sha256(body).hexdigest().encode() != seal:
        raise DamagedFileError(f"{path}: the file is damaged")
    del body, content
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    specification = json.loads(arrays.pop(SPECIFICATION).tobytes())
    if digest is not None and digest_of(specification) != digest:
        raise DamagedFileError(f"{path}: the file is that of another job")
    return arrays, specification
