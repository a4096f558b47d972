"""Configs over configs: read files with their bases, and merge each over what came before."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from feedback_alignment.errors import ConfigError, nearest
from feedback_alignment.yaml_files import read_yaml


def read_config(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Read a config file, merged over the base that it names; it is that of the files `above`.

    Raises:
        ConfigError: a file cannot be read, or is its own base.
    """
    content = read_yaml(path)
    base, below = content.pop("base", None), {}
    if base is not None:
        if not isinstance(base, str):
            raise ConfigError(f"{path}: base: {base} is not allowed; allowed: text")
        file, chain = path.parent / base, (*above, path)
        if any(file.resolve() == other.resolve() for other in chain):
            raise ConfigError(f"{path}: base: {base} is this file's own overlay; name another file")
        if not file.is_file():
            raise ConfigError(f"{path}: base: {file}: there is no such file")
        below = read_config(file, chain)
    try:
        return merged(below, content)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def merged(
    base: Mapping[str, Any], extra: Mapping[str, Any], path: Sequence[str] = ()
) -> dict[str, Any]:
    """A config's content with another's over it: mappings merge, all else is replaced.

    In `extra` null takes away where it would be no value; `path` are the keys that lead to both.

    Raises:
        ConfigError: null stands for what the base does not have.
    """
    result = dict(base)
    for key, value in extra.items():
        place = (*path, str(key))
        if value is None and _removable(place):
            if key not in result:
                raise ConfigError(
                    f"{'.'.join(place)}: null takes away, and there is none of this name"
                    f"{nearest(key, result)}; allowed: {', '.join(result) or 'nothing'}"
                )
            del result[key]
        elif isinstance(value, Mapping):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, Mapping) else {}, value, place)
        else:
            result[key] = value
    return result


def _removable(place: tuple[str, ...]) -> bool:
    """Whether null takes away: an experiment, its keys and axes, a preset."""
    if place[0] == "presets":
        return len(place) == 2
    return place[0] == "experiments" and (
        len(place) in (2, 3) or (len(place) == 4 and place[2] == "grid")
    )
