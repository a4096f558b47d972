"""What can be wrong with a declared claim, and the one-line messages that say so."""

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from feedback_alignment import errors
from feedback_alignment.errors import InputError, nearest, one_line


class ClaimsError(InputError):
    """Claims, or a file of verdicts, that cannot be used."""


class NotRunError(Exception):
    """The tables cannot answer a check; the message is the reason that the verdict gives."""


def pick(value: Any, allowed: Iterable[str], what: str, also: str = "") -> str:
    """Return `value` if it is one of the allowed names.

    Args:
        value: what the declaration says.
        allowed: the names to choose from.
        what: what the names name, for the message.
        also: what else is allowed there, for the message.

    Raises:
        ClaimsError: it is not; the message has the nearest name, or all that are allowed.
    """
    names = list(allowed)
    if isinstance(value, str) and value in names:
        return value
    hint = nearest(value, names) or f"; allowed: {', '.join([*names, also] if also else names)}"
    raise ClaimsError(f"unknown {what} {shown(value)}{hint}")


def finite(value: Any, what: str = "must be a number") -> float:
    """Return `value` as a float if it is a finite number.

    Args:
        value: what the declaration says.
        what: what is wanted, for the message.

    Raises:
        ClaimsError: it is not a number, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ClaimsError(f"{what}, not {shown(value)}")
    if not math.isfinite(value):
        raise ClaimsError(f"{what.replace('a number', 'a finite number')}, not {value}")
    return float(value)


def shown(value: Any) -> str:
    """A plain value as all messages show it, and the kind of any other."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    plain = value is None or isinstance(value, int | float)
    return errors.shown(value) if plain else f"a {type(value).__name__}"


def place(file: str, line: int) -> str:
    """`file:line`, the file relative to the working directory where it lies below it."""
    path = Path(file)
    below = path.is_relative_to(Path.cwd())
    return f"{os.path.relpath(path) if below else path}:{line}"


def line_in(trace: TracebackType | None, file: str) -> int | None:
    """The innermost line of a file in a traceback; None if it is not in it."""
    found = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def in_words(error: Exception) -> str:
    """What an error in a declaration says, on one line, with the nearest name where it has one."""
    if isinstance(error, ClaimsError):
        return str(error)
    if isinstance(error, NameError) and error.name and error.__traceback__:
        trace = error.__traceback__
        while trace.tb_next is not None:
            trace = trace.tb_next
        known = {*trace.tb_frame.f_locals, *trace.tb_frame.f_globals}
        return f'unknown name "{error.name}"{nearest(error.name, sorted(known))}'
    if isinstance(error, AttributeError) and error.name:
        known = [name for name in dir(error.obj) if not name.startswith("_")]
        return f'unknown name "{error.name}"{nearest(error.name, known)}'
    said = error.msg if isinstance(error, SyntaxError) else one_line(error)
    return said or type(error).__name__
