"""What can be wrong with the claims file, and the one-line messages that say so."""

import difflib
import json
import math
from collections.abc import Collection, Iterable
from typing import Any

# Python refuses to write out longer whole numbers, and nobody reads them.
_SHOWN_BITS = 100


class ClaimsError(ValueError):
    """A claims file that cannot be used; the message is one line for the user."""


class NotRunError(Exception):
    """The tables cannot answer a check; the message is the reason that the verdict gives."""


def pick(path: str, value: Any, allowed: Iterable[str], what: str, also: str = "") -> str:
    """Return `value` if it is one of the allowed names.

    Args:
        path: where the value stands, as in `claims[2].checks[0].statistic`.
        value: what the user wrote.
        allowed: the names to choose from.
        what: what the names name, for the message.
        also: what else is allowed there, for the message.

    Raises:
        ClaimsError: it is not; the message lists what is allowed and the nearest match.
    """
    names = list(allowed)
    if not isinstance(value, str) or value not in names:
        written = value if isinstance(value, str) else shown(value)
        close = difflib.get_close_matches(written, names, n=1, cutoff=0.6)
        hint = f'; did you mean "{close[0]}"?' if close else ""
        listed = ", ".join([*names, also] if also else names)
        raise ClaimsError(f"{path}: unknown {what} {shown(value)}; allowed: {listed}{hint}")
    return value


def check_keys(
    path: str, value: Any, required: Collection[str], optional: Collection[str] = ()
) -> dict[str, Any]:
    """Return `value` if it is a mapping with all required and no unknown keys.

    Raises:
        ClaimsError: it is not a mapping, a key is missing, or a key is unknown.
    """
    if not isinstance(value, dict):
        raise ClaimsError(f"{path}: must be keys with values, not {shown(value)}")
    for key in value:
        pick(under(path, key), key, [*required, *optional], "key")
    for key in required:
        if key not in value:
            raise ClaimsError(f"{path}.{key}: is missing; required: {', '.join(required)}")
    return value


def check_text(path: str, value: Any) -> str:
    """Return `value` if it is text on one line.

    Raises:
        ClaimsError: it is something else, empty, or spreads over lines.
    """
    if not isinstance(value, str) or not value.strip():
        raise ClaimsError(f"{path}: must be text, not {shown(value)}")
    if "\n" in value.strip():
        raise ClaimsError(f"{path}: must be one line of text; fold it with >-")
    return value.strip()


def check_number(path: str, value: Any) -> float:
    """Return `value` as a float if it is a finite number.

    Raises:
        ClaimsError: it is not a number, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ClaimsError(f"{path}: must be a number, not {shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ClaimsError(f"{path}: must be a finite number, not {shown(value)}")
    return number


def under(path: str, key: Any) -> str:
    """The path of a key, on one line whatever the key is."""
    return f"{path}.{shown(key)[1:-1] if isinstance(key, str) else shown(key)}"


def shown(value: Any) -> str:
    """A value as a message shows it, on one line."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return f"a whole number of {value.bit_length()} bits"
    return {list: "a list", dict: "keys with values"}.get(type(value)) or str(value)
