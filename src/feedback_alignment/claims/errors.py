"""What can be wrong with a declared claim, and the one-line messages that say so."""

import json
import math
import os
import traceback
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from feedback_alignment import errors
from feedback_alignment.errors import InputError, nearest, one_line


class ClaimsError(InputError):
    """Claims, or a file of verdicts, that cannot be used."""


class LocatedError(ClaimsError):
    """An error whose message says already where it is."""


class NotRunError(Exception):
    """The tables cannot answer a check; the message is the reason that the verdict gives."""


def pick(value: Any, allowed: Iterable[str], what: str, also: str = "") -> str:
    """Return `value` if it is one of the allowed names.

    Raises:
        ClaimsError: it is not; the message says `what` it names, and the nearest name or all that
            are allowed, with what is `also` allowed there.
    """
    names = list(allowed)
    if isinstance(value, str) and value in names:
        return value
    hint = nearest(value, names) or f"; allowed: {', '.join([*names, also] if also else names)}"
    raise ClaimsError(f"unknown {what} {shown(value)}{hint}")


def finite(value: Any, what: str = "must be a number") -> float:
    """Return `value` as a float.

    Raises:
        ClaimsError: it is not a number, or not finite; the message starts with `what` is wanted.
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


def located(error: Exception, files: Collection[str], line: int = 1) -> LocatedError:
    """An error in a declaration on one line, with where it is.

    Args:
        error: what was raised.
        files: those with declarations: where is the innermost line in them.
        line: where in the first of them it is if it has passed none.
    """
    if isinstance(error, LocatedError):
        return error
    passed = [(f.filename, f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    at = [(file, number) for file, number in passed if file in files]
    if isinstance(error, SyntaxError) and error.filename:
        at.append((error.filename, error.lineno))
    file, number = at[-1] if at else (next(iter(files)), line)
    return LocatedError(f"{place(file, number or line)}: {_in_words(error)}")


def _in_words(error: Exception) -> str:
    """What an error says, with the nearest name where it has one."""
    if isinstance(error, ClaimsError):
        return str(error)
    known: Iterable[str] = ()
    if isinstance(error, NameError) and error.name:
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        known = sorted({*frame.f_locals, *frame.f_globals})
    elif isinstance(error, AttributeError) and error.name:
        known = [name for name in dir(error.obj) if not name.startswith("_")]
    if isinstance(error, NameError | AttributeError) and error.name:
        return f'unknown name "{error.name}"{nearest(error.name, known)}'
    said = error.msg if isinstance(error, SyntaxError) else one_line(error)
    return said or type(error).__name__
