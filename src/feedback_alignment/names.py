"""Names that become part of file names: what they may be."""

import json
import re

from feedback_alignment.errors import ConfigError

# Words that YAML 1.1 readers turn into a boolean or null; as a name they invite accidents.
_YAML_WORDS = frozenset({"on", "off", "yes", "no", "y", "n", "true", "false", "null", "none"})


def check_name(path: str, name: str) -> None:
    """Check a name.

    Raises:
        ConfigError: it is not allowed; the message starts with `path`.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,79}", name):
        raise ConfigError(
            f"{path}: {json.dumps(name)} is not allowed as a name; "
            "allowed: letters, digits, _ and -, starting with a letter, 80 at most"
        )
    if name.lower() in _YAML_WORDS:
        raise ConfigError(
            f'{path}: "{name}" is not allowed as a name, since YAML may read it as true or false'
        )
