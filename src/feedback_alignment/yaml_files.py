"""Read YAML 1.2 files, and refuse in one line what YAML lets pass in silence."""

import math
import re
from pathlib import Path
from typing import Any

from feedback_alignment.errors import ConfigError, one_line


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML 1.2 mapping; repeated keys are errors and `1e-3` is a number.

    Raises:
        ConfigError: the file is missing, unreadable, empty, or not a mapping.
    """
    from ruamel.yaml import YAML, YAMLError
    from ruamel.yaml.constructor import DuplicateKeyError

    try:
        content = YAML(typ="safe", pure=True).load(Path(path).read_text(encoding="utf-8"))
        check_plain(content)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {one_line(error)}") from None
    except DuplicateKeyError as error:
        key = re.search(r'duplicate key "([^"]*)"', str(error))
        named = f'key "{key.group(1)}"' if key else "a key"
        raise ConfigError(f"{path}: {_place(error)}: {named} stands twice; keep one") from None
    except YAMLError as error:
        problem = getattr(error, "problem", None) or one_line(error)
        raise ConfigError(f"{path}: {_place(error)}: not valid YAML: {problem}") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: the file is nested too deeply, or contains itself") from None
    except ValueError as error:
        # Python reads no integer of more than some thousand digits, and says how to allow it.
        reason = one_line(error).partition(";")[0]
        raise ConfigError(f"{path}: a number cannot be read: {reason}") from None
    if content is None:
        raise ConfigError(f"{path}: the file is empty")
    if not isinstance(content, dict):
        kind = {list: "a list", str: "text"}.get(type(content), type(content).__name__)
        raise ConfigError(f"{path}: the top level must be keys with values, not {kind}")
    return content


def check_plain(value: Any, path: str = "") -> None:
    """Refuse what YAML can say but a setting cannot be: infinities, dates, keys that are not text.

    Raises:
        ConfigError: the message starts with the key path below `path`.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            at = f"{path}.{key}" if path else str(key)
            if not isinstance(key, str):
                raise ConfigError(f"{at}: the key is not text; put it in quotes")
            check_plain(inner, at)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            check_plain(inner, f"{path}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{path}: {value} is not allowed; allowed: a finite number")
    elif isinstance(value, str) and "\0" in value:
        raise ConfigError(f"{path}: the text has a null character; allowed: any other")
    elif not isinstance(value, str | int | float | bool | None):
        raise ConfigError(f"{path}: {value} is not allowed; allowed: text, numbers, true, false")


def _place(error: Any) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return f"line {mark.line + 1}" if mark else "the file"
