"""How a claim is declared: a function that yields comparisons, each with a label and a null."""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from feedback_alignment.claims.comparisons import Comparison, Statistic
from feedback_alignment.claims.errors import ClaimsError, in_words, line_in, place, shown
from feedback_alignment.claims.filters import Filter, filters, known_column
from feedback_alignment.claims.nulls import Null
from feedback_alignment.claims.published import Published
from feedback_alignment.claims.readings import Reading, known_reading
from feedback_alignment.claims.threshold import Threshold
from feedback_alignment.claims.times import Time


@dataclass(frozen=True)
class Part:
    """Some of the conditions behind a figure; a claim is declared of the part that is all of them.

    Attributes:
        filters: which conditions, by column.
        by: column whose every value gets a verdict of its own, or None.
    """

    filters: Mapping[str, Filter] = field(default_factory=dict)
    by: str | None = None

    def where(self, **columns: Any) -> "Part":
        """The conditions of this part whose columns have given values.

        Args:
            columns: by setting, or `case`, `steps` or `slow_time`: a value, a list of values, or a
                threshold, as in `at_least(0.3)`. No step of an intervention: ask for the `case`.

        Raises:
            ClaimsError: a column is unknown or filtered already, or a value does not fit it.
        """
        added = filters(columns)
        for column in added.keys() & self.filters.keys():
            raise ClaimsError(f"{column} is filtered twice")
        return replace(self, filters={**self.filters, **added})

    def each(self, column: str) -> "Part":
        """The same conditions, with a verdict of its own for every value of a column.

        Raises:
            ClaimsError: the column is unknown, or a step that may never come.
        """
        return replace(self, by=known_column(column))

    def final(self, metric: str, *, layer: str | int | None = None) -> Reading:
        """A metric, or a derived quantity, of each replicate at its last step.

        Args:
            metric: its name.
            layer: hidden, output, all or a layer's number; None for the metric's main one.

        Raises:
            ClaimsError: the metric is unknown, or the layer does not fit it.
        """
        return known_reading(metric, "end", layer, self.filters, self.by)

    def at(self, time: Time, metric: str, *, layer: str | int | None = None) -> Reading:
        """A metric, or a derived quantity, of each replicate at a recorded step.

        Args:
            time: one of `times.TIMES`, or a number between 0 and 1: the last recorded step not
                after this share of the steps.
            metric: its name.
            layer: hidden, output, all or a layer's number; None for the metric's main one.

        Raises:
            ClaimsError: time or metric is unknown, or the layer does not fit the metric.
        """
        return known_reading(metric, time, layer, self.filters, self.by)


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

    @property
    def where(self) -> Mapping[str, Filter]:
        """Which conditions count, by column."""
        return self.statistic.reading.where

    @property
    def each(self) -> str | None:
        """Column whose every value gets a verdict of its own, or None."""
        return self.statistic.reading.each


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


Yielded = Generator[tuple[str, Comparison, Null], None, None]


def claim(*, paper: str, figure: str, **scope: Any) -> Callable[[Callable[[Part], Yielded]], Claim]:
    """Declare a claim by a function that yields label, comparison and null of each of its checks.

    The claim's id is the function's module and name, its statement the function's docstring.

    Args:
        paper: whose claim it is; `ours` for one of this project.
        figure: the figure that shows it.
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
            checks = _checks(function, file, scope)
            return Claim(name, paper, statement, figure, checks, place(file, first))
        except LocatedError:
            raise
        except Exception as error:
            line = line_in(error.__traceback__, file) or first
            raise LocatedError(f"{place(file, line)}: {in_words(error)}") from None

    return declare


def _docstring(function: Callable[..., Any]) -> str:
    """A function's docstring, from its source where Python was told to drop it (`-OO`)."""
    if sys.flags.optimize < 2:
        return function.__doc__ or ""
    source = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    return (ast.get_docstring(source) if isinstance(source, ast.FunctionDef) else None) or ""


class LocatedError(ClaimsError):
    """An error whose message says already where it is."""


def _checks(
    function: Callable[[Part], Yielded], file: str, scope: Mapping[str, Any]
) -> tuple[Check, ...]:
    if not inspect.isgeneratorfunction(function):
        raise ClaimsError(f"{function.__name__} yields no comparison")
    yielded = function(Part().where(**scope))
    found: dict[str, Check] = {}
    for content in yielded:
        try:
            check = _check(content)
            if check.label in found:
                raise ClaimsError("another check of this claim has the same label")
        except ClaimsError as error:
            # The generator waits at the yield that gave this.
            waiting = getattr(yielded, "gi_frame", None)
            line = waiting.f_lineno if waiting else function.__code__.co_firstlineno
            raise LocatedError(f"{place(file, line)}: {error}") from None
        found[check.label] = check
    if not found:
        raise ClaimsError(f"{function.__name__} yields no comparison")
    return tuple(found.values())


def _check(content: Any) -> Check:
    if not isinstance(content, tuple) or len(content) != 3:
        raise ClaimsError(f"yield a label, a comparison and a null, not {shown(content)}")
    label, comparison, null = content
    if not isinstance(label, str) or not label.strip() or re.search(r"\n", label):
        raise ClaimsError(f"a label is one line of text, not {shown(label)}")
    if not isinstance(comparison, Comparison):
        raise ClaimsError(
            f"a check compares a statistic with a number, as in slope(...) < -0.25, "
            f"not {shown(comparison)}"
        )
    if not isinstance(null, Null):
        raise ClaimsError(f"a null is one of nulls.py, as in shuffled(...), not {shown(null)}")
    if isinstance(comparison.statistic, Published) != (null.difference is not None):
        raise ClaimsError("the null apart(...) is that of comparisons with published values")
    return Check(label, comparison.statistic, comparison.threshold, null)
