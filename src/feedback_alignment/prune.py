"""Data and runs that no config asks for any more: found, and removed after a yes."""

from collections.abc import Sequence
from pathlib import Path

from feedback_alignment.jobs import make_plan
from feedback_alignment.project import read_project
from feedback_alignment.yaml_files import read_yaml


def unasked(root: Path, results: Path, configs: Sequence[Path] = ()) -> list[Path]:
    """Data and runs in the results folders of known configs that none of them asks for.

    A results folder whose config is not known is left alone.

    Args:
        root: the project's folder; every config in `config/` counts.
        results: the folder `results`.
        configs: further configs.

    Raises:
        ConfigError: a config is wrong; nothing can be said then.
    """
    asked: dict[str, set[str]] = {}
    for path in [*sorted((root / "config").glob("*.yaml")), *configs]:
        # The sources are no config.
        if read_yaml(path).keys() & {"experiments", "base"}:
            plan = make_plan(read_project(root, [path]), root)
            asked.setdefault(plan.config.name, set()).update(plan.files())
    return [
        path
        for name, files in sorted(asked.items())
        for kind in ("data", "runs")
        for path in sorted((results / name / kind).rglob("*.npz"))
        if path.relative_to(results / name).as_posix() not in files
    ]


def prune(paths: Sequence[Path]) -> None:
    """Remove files, and the folders that they leave empty."""
    for path in paths:
        path.unlink(missing_ok=True)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
