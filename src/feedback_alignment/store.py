"""Stored arrays: written whole or not at all, and read back."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from feedback_alignment.files import replacing


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as an uncompressed `.npz`, whole or not at all."""
    with replacing(path) as temporary:
        np.savez(temporary, **arrays)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the named arrays of an `.npz`."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
