"""The config: load it, check it, and expand its experiments to conditions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from feedback_alignment.conditions import Condition
from feedback_alignment.config.content import ConfigContent, DataSources
from feedback_alignment.config.expansion import Expansion
from feedback_alignment.config.overlay import merged, read_config
from feedback_alignment.data.own import inspect_own
from feedback_alignment.data.preparation import DataError
from feedback_alignment.data.sources import SOURCES, Source, file_of
from feedback_alignment.errors import ConfigError, check_choice, described
from feedback_alignment.names import check_name
from feedback_alignment.yaml_files import check_plain


@dataclass(frozen=True)
class Experiment:
    """A group of conditions that share a table and feed the same figures.

    Attributes:
        name: names the table, `metrics/<name>.csv`.
        figures: the figures that read the table.
        replicates: number of replicates of each condition.
        conditions: the conditions, in the order of the grid, without repeats.
    """

    name: str
    figures: tuple[str, ...]
    replicates: int
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Config:
    """A validated config.

    Attributes:
        name: results go to `results/<name>/`.
        seed: root of every random stream.
        block: replicates a training job computes together.
        figures: the figures to draw.
        experiments: the experiments, in file order.
        sources: what each data source offers, by name.
        places: file or folder of a data source, by name, where the config names one.
        notes: what is allowed and may yet be a mistake, a line each.
    """

    name: str
    seed: int
    block: int
    figures: tuple[str, ...]
    experiments: tuple[Experiment, ...]
    sources: Mapping[str, Source]
    places: Mapping[str, Path]
    notes: tuple[str, ...] = ()

    def feeding(self, figure: str) -> tuple[Experiment, ...]:
        """The experiments whose tables the figure reads."""
        return tuple(e for e in self.experiments if figure in e.figures)


def load_config(
    paths: Sequence[Path],
    *,
    known_figures: Mapping[str, bool],
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """Load, merge, check and expand config files.

    Args:
        paths: one or more files, each with its base; keys of later ones replace those of earlier
            ones.
        known_figures: the figures that exist, each with whether it reads a table.
        overrides: values given on the command line, merged last.

    Raises:
        ConfigError: anything is wrong; one line with file, key path and what is allowed.
    """
    content: dict[str, Any] = {}
    for path in paths:
        content = merged(content, read_config(path))
    source = ", ".join(str(path) for path in paths)
    try:
        return parse_config(merged(content, overrides or {}), known_figures)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None


def parse_config(content: Mapping[str, Any], known_figures: Mapping[str, bool]) -> Config:
    """Check a config's content, plain values, and expand it to conditions.

    `known_figures` are those that exist, each with whether it reads a table.

    Raises:
        ConfigError: one line with the key path and what is allowed.
    """
    check_plain(dict(content))
    try:
        checked = ConfigContent.model_validate(dict(content))
    except ValidationError as error:
        raise ConfigError(described(error, ConfigContent)) from None
    if checked.base is not None:
        raise ConfigError("base: a config file has a base; give it there")
    check_name("name", checked.name)
    sources, places = _sources(checked.data_sources)
    expansion = Expansion(checked, sources)
    experiments = []
    for name, entry in checked.experiments.items():
        path = f"experiments.{name}"
        check_name("experiments", name)
        for index, figure in enumerate(entry.figures):
            place = f"{path}.figures[{index}]"
            check_choice(place, figure, known_figures, "figure")
            if not known_figures[figure]:
                raise ConfigError(f"{place}: {figure} is a drawing; it reads no table")
        conditions = expansion.conditions(path, entry)
        experiments.append(Experiment(name, tuple(entry.figures), entry.replicates, conditions))
    figures = _figures(checked.figures, experiments, known_figures)
    return Config(
        checked.name,
        checked.seed,
        checked.block,
        figures,
        tuple(experiments),
        sources,
        places,
        tuple(expansion.notes),
    )


def replicate_blocks(replicates: int, block: int) -> Iterator[tuple[int, ...]]:
    """Split replicate indices into the blocks that jobs compute together."""
    for first in range(0, replicates, block):
        yield tuple(range(first, min(first + block, replicates)))


def _sources(content: DataSources) -> tuple[dict[str, Source], dict[str, Path]]:
    entries = content.model_dump()
    sources, places = dict(SOURCES), {}
    for name in entries:
        try:
            place = file_of(entries, name)
        except RuntimeError:
            key = "directory" if name == "mnist" else "file"
            what = "there is no such home folder; write the whole path"
            raise ConfigError(f"data_sources.{name}.{key}: {what}") from None
        if place is not None:
            places[name] = place
        if name == "mnist":
            continue
        check_name("data_sources", name)
        if name in SOURCES:
            raise ConfigError(f'data_sources: "{name}" is already the name of a data source')
        try:
            sources[name] = inspect_own(places[name])
        except DataError as error:
            raise ConfigError(f"data_sources.{name}.file: {error}") from None
    return sources, places


def _figures(
    chosen: Sequence[str] | None,
    experiments: Sequence[Experiment],
    known_figures: Mapping[str, bool],
) -> tuple[str, ...]:
    fed = {figure for experiment in experiments for figure in experiment.figures}
    if chosen is None:
        return tuple(f for f, reads in known_figures.items() if f in fed or not reads)
    for index, figure in enumerate(chosen):
        path = f"figures[{index}]"
        check_choice(path, figure, known_figures, "figure")
        if known_figures[figure] and figure not in fed:
            what = "name it under `figures` of an experiment, or remove it here"
            raise ConfigError(f"{path}: no experiment feeds {figure}; {what}")
    for experiment in experiments:
        for figure in experiment.figures:
            if figure not in chosen:
                what = f"{figure} is missing from `figures`; add it there, or remove it here"
                raise ConfigError(f"experiments.{experiment.name}.figures: {what}")
    return tuple(chosen)
