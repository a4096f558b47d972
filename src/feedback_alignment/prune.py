"""What no config asks for any more: data, runs, copies of what jobs read; found, and removed."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from feedback_alignment.errors import InputError
from feedback_alignment.jobs import make_plan
from feedback_alignment.project import read_project
from feedback_alignment.yaml_files import read_yaml

# What a killed write leaves beside the file that it was to become.
_LEFT = re.compile(r"\..+\.\d+\.\w+")


def unasked(
    root: Path, results: Path, kept: Path, configs: Sequence[Path] = ()
) -> tuple[list[Path], list[Path]]:
    """What none of the known configs asks for: those in the project's `config/`, and further ones.

    A results folder whose config is not known is left alone. `kept` is Snakemake's folder, with the
    specifications and code that jobs read.

    Returns:
        data and runs, with what killed writes have left in the results folders, and old copies in
        `kept`; each call of snakemake makes those anew that it needs.

    Raises:
        ConfigError: a config is wrong; nothing can be said then.
        InputError: jobs may be running, and read the copies.
    """
    if any((kept / "locks").glob("*")):
        raise InputError(
            f"{kept}/locks: a run is under way; wait for its end, "
            "or call snakemake --unlock if it was killed"
        )
    asked: dict[str, set[str]] = {}
    needed: set[str] = set()
    for path in [*sorted((root / "config").glob("*.yaml")), *configs]:
        # The sources are no config.
        if read_yaml(path).keys() & {"experiments", "base"}:
            plan = make_plan(read_project(root, [path]), root)
            asked.setdefault(plan.config.name, set()).update(plan.files())
            needed |= plan.copies()
    files = [
        path
        for name, wanted in sorted(asked.items())
        for kind in ("data", "runs")
        for path in sorted((results / name / kind).rglob("*.npz"))
        if path.relative_to(results / name).as_posix() not in wanted
    ]
    files += [
        path
        for name in sorted(asked)
        for path in sorted((results / name).rglob(".*"))
        if _LEFT.fullmatch(path.name) and path not in files
    ]
    copies = [
        path
        for folder in ("code", "plans", "specifications")
        for path in sorted((kept / folder).glob("*"))
        if path.relative_to(kept).as_posix() not in needed
    ]
    return files, copies


def prune(paths: Sequence[Path]) -> None:
    """Remove files and folders, and the folders that they leave empty."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
