"""The error of all input: one line with the key path, what is wrong, and what is allowed."""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


class InputError(ValueError):
    """Input that cannot be used; the message is one line for the user, whatever the input holds."""

    def __init__(self, message: str) -> None:
        super().__init__("".join(c if c.isprintable() else repr(c)[1:-1] for c in message))


class ConfigError(InputError):
    """A config that cannot be used."""


_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "keys with values",
    "null": "null",
}
# What pydantic calls a violation, with the words of what is allowed instead.
_BOUNDS = {
    "greater_than_equal": ("ge", "{} or more"),
    "greater_than": ("gt", "more than {}"),
    "less_than_equal": ("le", "{} or less"),
}
_LOWER = (("minimum", "{} or more"), ("exclusiveMinimum", "more than {}"))


def nearest(value: object, names: Iterable[object]) -> str:
    """`; did you mean "name"?` for the name that is most like a value, if one is."""
    close = difflib.get_close_matches(str(value), [str(n) for n in names], n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def check_key(path: str, key: object, allowed: Iterable[str]) -> None:
    """Refuse a key that is not allowed.

    Raises:
        ConfigError: it is unknown; the message starts with `path`.
    """
    names = list(allowed)
    if key not in names:
        raise ConfigError(unknown_key(path, key, names))


def check_choice(path: str, value: object, allowed: Iterable[str], what: str = "value") -> None:
    """Refuse a name that is not among those allowed.

    Args:
        path: key path, with which the message starts.
        value: the name.
        allowed: the names there are.
        what: what it is a name of.

    Raises:
        ConfigError: it is not among them.
    """
    names = list(allowed)
    if value not in names:
        raise ConfigError(
            f'{path}: unknown {what} "{value}"{nearest(value, names)}; allowed: {", ".join(names)}'
        )


def unknown_key(path: str, key: object, names: Sequence[str]) -> str:
    """The line about a key that is not among those allowed."""
    return f"{path}: unknown key{nearest(key, names)}; allowed: {', '.join(names)}"


def shown(value: object) -> str:
    """A value as the config writes it, shortened."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def one_line(error: BaseException) -> str:
    """The message of an error of some library, on one line."""
    return " ".join(str(error).split())


def described(error: "ValidationError", model: "type[BaseModel]", path: str = "") -> str:
    """The line that tells the first of pydantic's errors, the outermost one.

    Args:
        error: what validation has raised.
        model: what was validated.
        path: key path to stand for the error's own.
    """
    first = min(error.errors(), key=lambda e: (len(e["loc"]), list(map(str, e["loc"]))))
    schema = model.model_json_schema()
    place: tuple[int | str, ...] = first["loc"]
    at = path or key_path(place)
    kind, found, limits = first["type"], first["input"], first.get("ctx", {})
    if kind == "extra_forbidden":
        names = list(_entry(schema, place[:-1]).get("properties", {}))
        return unknown_key(at, place[-1], names)
    if kind == "missing":
        return f"{at}: missing; this key is required"
    entry = _entry(schema, place)
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        limit = limits[name]
        whole = isinstance(limit, float) and limit.is_integer()
        words = words.format(int(limit) if whole else limit)
        return f"{at}: {shown(found)} is not allowed; allowed: {words}"
    if kind == "literal_error":
        names = entry["enum"]
        allowed = ", ".join(map(str, names))
        return f"{at}: {shown(found)} is not allowed{nearest(found, names)}; allowed: {allowed}"
    words = {
        "too_short": "at least one entry" if isinstance(found, Mapping) else "at least one value",
        "string_too_short": "text that is not empty",
        "finite_number": "a finite number",
        "twice": "each value once",
    }.get(kind) or _type_text(entry)
    return f"{at}: {shown(found)} is not allowed; allowed: {words}"


def key_path(parts: Iterable[str | int]) -> str:
    """`experiments.first.include[0]` of the keys and indices that lead to a value."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _entry(schema: Mapping[str, Any], place: Sequence[int | str]) -> Mapping[str, Any]:
    """The part of a JSON schema that describes the value at a place."""
    entry: Mapping[str, Any] = schema
    for key in place:
        entry = _resolved(schema, entry)
        if isinstance(key, int):
            entry = entry["items"]
        elif key in entry.get("properties", {}):
            entry = entry["properties"][key]
        else:
            entry = entry["additionalProperties"]
    return _resolved(schema, entry)


def _resolved(schema: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """An entry with its reference looked up, and without the alternative null."""
    while "$ref" in entry:
        entry = schema["$defs"][entry["$ref"].rsplit("/", 1)[-1]]
    if "anyOf" in entry:
        kinds = [option.get("type", "object") for option in entry["anyOf"]]
        entry = {**entry["anyOf"][0], **entry, "type": kinds}
    return entry


def _type_text(entry: Mapping[str, Any]) -> str:
    kinds = entry.get("type", "object")
    text = " or ".join(_TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
    for bound, words in _LOWER:
        if bound in entry:
            text += ", " + words.format(entry[bound])
    return text
