"""Manifests: the SHA-256 of every file of a results folder or of a snapshot, and what differs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feedback_alignment.archive import read_arrays
from feedback_alignment.files import DamagedFileError, sha256_of, write_text
from feedback_alignment.receipts import read_receipt
from feedback_alignment.snapshots.reading import read_json
from feedback_alignment.specification import digest_of

NAME = "manifest.json"
# What lies in a results folder beside the results. Data and runs vouch for themselves.
_SEALED = ("data", "runs")
_WORKINGS = (*_SEALED, "receipts", "logs", "benchmarks")


def write_sealed(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the manifest of a snapshot: its files, further `content`, and the digest of it all."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}
    whole = {**content, "files": files}
    write_text(folder / NAME, _text({**whole, "seal": digest_of(whole)}))


def damages(folder: Path) -> list[str]:
    """What in a results folder or a snapshot is not as it was made, a line each.

    Raises:
        InputError: there is no manifest, or none that can be read.
    """
    manifest = read_json(folder / NAME, "files")
    vouched = {}
    for path in sorted((folder / "receipts").rglob("*.json")):
        made = (read_receipt(path) or {"made": {}})["made"]
        vouched |= {name: entry.get("sha256") for name, entry in made.items()}
    vouched |= manifest["files"]
    lines = []
    if "seal" in manifest:
        vouched[NAME] = None
        said = {key: value for key, value in manifest.items() if key != "seal"}
        if digest_of(said) != manifest["seal"] or (folder / NAME).read_text() != _text(manifest):
            lines.append(f"{folder / NAME}: altered; its own seal says so")
    for name, digest in sorted(vouched.items()):
        try:
            if sha256_of(folder / name) != digest and digest is not None:
                lines.append(f"{folder / name}: altered; its SHA-256 is not that of the manifest")
        except FileNotFoundError:
            lines.append(f"{folder / name}: missing; the manifest lists it")
        except OSError as error:
            lines.append(f"{folder / name}: cannot be read: {error.strerror}")
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        name = path.relative_to(folder)
        if name.parts[0] in _SEALED and path.suffix == ".npz":
            try:
                read_arrays(path)
            except DamagedFileError as error:
                lines.append(str(error))
        elif name.parts[0] not in _WORKINGS and name.as_posix() not in vouched:
            lines.append(f"{path}: not in the manifest")
    return lines


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
