"""Config, claims, notebooks and what the page shows: the project's files, checked before jobs."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from feedback_alignment.claims import load_claims
from feedback_alignment.claims.root_seeds import read_seeds
from feedback_alignment.code import PUBLISHED
from feedback_alignment.config import Config, ConfigError, load_config
from feedback_alignment.jobs import CAPTIONS, SEEDS_FILE, SOURCES_FILE, known_figures
from feedback_alignment.page.figures import read_caption
from feedback_alignment.published import read_all
from feedback_alignment.sources import load_sources, misspelt
from feedback_alignment.yaml_files import read_yaml


def read_project(
    root: Path, configs: Sequence[Path] = (), overrides: Mapping[str, Any] | None = None
) -> Config:
    """Read a config, with the files beside it whose mistakes would show only after the training.

    Args:
        root: the project's folder.
        configs: config files, later ones win; without one `config/config.yaml`.
        overrides: values given on the command line, merged last.

    Raises:
        InputError: anything is wrong; one line with file, key path and what is allowed.
    """
    root = Path(os.path.relpath(root))  # as messages name files
    figures = known_figures(root)
    load_claims(figures, read_all(root.glob(PUBLISHED)))
    sources = load_sources(root / SOURCES_FILE)
    read_seeds(root / SEEDS_FILE, "")
    for path in sorted((root / CAPTIONS).glob("*.rst")):
        read_caption(path)
    paths = [Path(os.path.relpath(path)) for path in configs or [root / "config/config.yaml"]]
    config = load_config(paths, known_figures=figures, overrides=overrides)
    known = {experiment.name for experiment in config.experiments} | _experiments(root)
    doubts = (f"{root / SOURCES_FILE}: {line}" for line in misspelt(sources, known))
    return replace(config, notes=(*config.notes, *doubts))


def _experiments(root: Path) -> set[str]:
    """The experiments of all configs in `config/`; one that is broken has none."""
    names: set[str] = set()
    for path in sorted((root / "config").glob("*.yaml")):
        with suppress(ConfigError):
            found = read_yaml(path).get("experiments")
            names |= found.keys() if isinstance(found, dict) else set()
    return names
