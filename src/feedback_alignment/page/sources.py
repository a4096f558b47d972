"""Where the settings come from: config/sources.yaml, checked."""

from pathlib import Path

from feedback_alignment.config import ConfigError, read_yaml

SOURCES = ("paper", "recalled", "ours")
_KEYS = ("setting", "value_in_paper", "source", "note")


def load_sources(path: Path) -> list[dict[str, str]]:
    """Read the sources of the settings.

    Args:
        path: a YAML file with the key `sources`: a list of entries that each have `setting`,
            `value_in_paper`, `source` (`paper`, `recalled` or `ours`) and `note`, all text.

    Raises:
        ConfigError: one line that names the file and the entry.
    """
    content = read_yaml(path)
    entries = content.get("sources")
    if content.keys() != {"sources"} or not isinstance(entries, list):
        raise ConfigError(f"{path}: it must have the one key sources, a list")
    for index, entry in enumerate(entries):
        place = f"{path}: sources[{index}]"
        if not isinstance(entry, dict) or entry.keys() != set(_KEYS):
            raise ConfigError(f"{place}: it must have exactly the keys {', '.join(_KEYS)}")
        for key in _KEYS:
            if not isinstance(entry[key], str):
                raise ConfigError(f"{place}.{key}: it must be text; put it in quotes")
        if entry["source"] not in SOURCES:
            raise ConfigError(
                f'{place}.source: unknown source "{entry["source"]}"; allowed: {", ".join(SOURCES)}'
            )
    return entries
