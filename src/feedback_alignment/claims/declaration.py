"""How a claim is declared: a function that yields comparisons, each with a label and a null."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from feedback_alignment.claims.errors import ClaimsError, located, place, shown
from feedback_alignment.claims.nulls import Null
from feedback_alignment.claims.published import Published
from feedback_alignment.claims.readings import Part
from feedback_alignment.claims.statistics import Statistic
from feedback_alignment.claims.threshold import Comparison, Threshold


@dataclass(frozen=True)
class Check:
    """One statistic of a claim and what it must satisfy.

    Attributes:
        label: readable text that says what is computed, for which conditions.
        statistic: how it is computed, of which conditions.
        threshold: what it must satisfy.
        null: data in which what it looks for is absent, on which it must seldom pass.
    """

    label: str
    statistic: Statistic | Published
    threshold: Threshold
    null: Null


@dataclass(frozen=True)
class Claim:
    """A claim of a paper, in our words.

    Attributes:
        id: its name, as in `song.convergence`.
        paper: whose claim it is; `ours` for one of this project.
        statement: the claim in one sentence.
        figure: the figure that shows it; its tables are the data of the checks.
        checks: all must hold for the claim to be replicated.
        declared: file and line of its declaration.
    """

    id: str
    paper: str
    statement: str
    figure: str
    checks: tuple[Check, ...]
    declared: str = ""


Yielded = Generator[tuple[str, Comparison[Statistic] | Comparison[Published], Null], None, None]


def claim(*, paper: str, figure: str, **scope: Any) -> Callable[[Callable[[Part], Yielded]], Claim]:
    """Declare a claim by a function that yields label, comparison and null of each of its checks.

    The claim's id is the function's module and name, its statement the function's docstring.

    Args:
        paper: as in `Claim`.
        figure: likewise.
        scope: what all of its conditions have, as in `Part.where`: a run on other data, say, is
            no evidence for it.

    Raises:
        ClaimsError: anything is wrong; one line with file and line of the declaration.
    """

    def declare(function: Callable[[Part], Yielded]) -> Claim:
        file, first = function.__code__.co_filename, function.__code__.co_firstlineno
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        try:
            statement = " ".join(_docstring(function).split())
            if not statement:
                raise ClaimsError(f"{name} has no docstring that states the claim")
            for key, value in {"paper": paper, "figure": figure}.items():
                if not isinstance(value, str) or not value.strip():
                    raise ClaimsError(f"{key} must be text, not {shown(value)}")
            checks = _checks(function, scope)
            return Claim(name, paper, statement, figure, checks, place(file, first))
        except Exception as error:
            raise located(error, [file], first) from None

    return declare


def _docstring(function: Callable[..., Any]) -> str:
    """A function's docstring, from its source where Python was told to drop it (`-OO`)."""
    if sys.flags.optimize < 2:
        return function.__doc__ or ""
    source = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    return (ast.get_docstring(source) if isinstance(source, ast.FunctionDef) else None) or ""


def _checks(function: Callable[[Part], Yielded], scope: Mapping[str, Any]) -> tuple[Check, ...]:
    found: dict[str, Check] = {}
    if inspect.isgeneratorfunction(function):
        yielded = function(Part().where(**scope))
        for content in yielded:
            try:
                check = _check(content)
                if check.label in found:
                    raise ClaimsError("another check of this claim has the same label")
            except ClaimsError as error:
                # Into the generator, which waits at the line that yields this.
                with suppress(StopIteration):
                    yielded.throw(error)
                raise
            found[check.label] = check
    if not found:
        raise ClaimsError(f"{function.__name__} yields no comparison")
    return tuple(found.values())


def _check(content: Any) -> Check:
    if not isinstance(content, tuple) or len(content) != 3:
        raise ClaimsError(f"yield a label, a comparison and a null, not {shown(content)}")
    label, comparison, null = content
    if not isinstance(label, str) or not label.strip() or "\n" in label:
        raise ClaimsError(f"a label is one line of text, not {shown(label)}")
    statistic = comparison.of if isinstance(comparison, Comparison) else None
    if not isinstance(statistic, Statistic | Published):
        raise ClaimsError(
            f"a check compares a statistic with a number, as in slope(...) < -0.25, "
            f"not {shown(comparison if statistic is None else statistic)}"
        )
    if comparison.other is not None:
        raise ClaimsError("& joins two comparisons of readings with numbers")
    if not isinstance(null, Null):
        raise ClaimsError(f"a null is one of nulls.py, as in shuffled(...), not {shown(null)}")
    if isinstance(statistic, Published) != (null.difference is not None):
        raise ClaimsError("the null apart(...) is that of comparisons with published values")
    return Check(label, statistic, comparison.threshold, null)
