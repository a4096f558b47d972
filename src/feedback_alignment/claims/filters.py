"""Which conditions a check looks at: filters on the columns of the tidy table."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feedback_alignment.claims.errors import (
    ClaimsError,
    check_keys,
    check_number,
    pick,
    shown,
    under,
)
from feedback_alignment.claims.threshold import KINDS, Threshold, parse_threshold
from feedback_alignment.tables import COLUMNS as TIDY

# The settings in the tidy table stand between the condition's case and the replicate.
_NAMES = list(TIDY)
_SETTINGS = _NAMES[_NAMES.index("case") + 1 : _NAMES.index("replicate")]
# Settings that tell conditions apart; `steps` only says how long they ran.
AXES = tuple(name for name in _SETTINGS if name != "steps")
COLUMNS = (*AXES, "steps", "slow_time")
TEXT_COLUMNS = tuple(name for name in AXES if TIDY[name] == "str")
SWITCH_COLUMNS = tuple(name for name in AXES if TIDY[name] == "bool")
# Steps at which something happens. An empty cell, None in settings, is written `never`.
STEP_COLUMNS = tuple(name for name in AXES if TIDY[name] == "Int64")
NUMBER_COLUMNS = tuple(name for name in COLUMNS if name not in TEXT_COLUMNS + SWITCH_COLUMNS)
NEVER = "never"


@dataclass(frozen=True)
class Filter:
    """What a column's value must be.

    Attributes:
        values: the values that pass, or None where a threshold decides.
        threshold: what a number must satisfy, or None where values decide.
    """

    values: tuple[str | float | bool, ...] | None = None
    threshold: Threshold | None = None

    def passes(self, value: Any) -> bool:
        """Whether a column's value passes; a missing one passes as `never` only."""
        if self.threshold is not None:
            return value is not None and self.threshold.holds(value)
        return (NEVER if value is None else value) in self.values

    def plain(self) -> Any:
        """The filter as the claims file writes it."""
        if self.threshold is None:
            return self.values[0] if len(self.values) == 1 else list(self.values)
        return self.threshold.plain()


def slow_time(settings: Mapping[str, Any]) -> float:
    """Training time in units of the time that alignment takes, `eta*lambda*t*sqrt(n/p)`.

    A linear network of large width passes `cos(beta, b) = 1/2` at about 10/(9 sqrt 3) = 0.64 in
    this unit (docs/findings.md), so a condition below has not settled.

    Args:
        settings: a condition's eta, l2, steps, samples and width.
    """
    decays = settings["eta"] * settings["l2"] * settings["steps"]
    return decays * math.sqrt(settings["samples"] / settings["width"])


def parse_where(path: str, entry: Any) -> dict[str, Filter]:
    """Read the filters of a check.

    A column's filter is a value, a list of values, or one threshold, as in `{above: 0}`. A step
    that may be missing also takes the word `never`, which no threshold passes.

    Raises:
        ClaimsError: a column is unknown, or a filter does not fit its column.
    """
    if not isinstance(entry, dict):
        raise ClaimsError(f"{path}: must be columns with values, not {shown(entry)}")
    filters = {}
    for column, content in entry.items():
        at = under(path, column)
        pick(at, column, COLUMNS, "column")
        if isinstance(content, dict):
            if column not in NUMBER_COLUMNS:
                kind = "text" if column in TEXT_COLUMNS else "true or false"
                raise ClaimsError(f"{at}: {column} is {kind}; give a value or a list of values")
            check_keys(at, content, (), KINDS)
            filters[column] = Filter(threshold=parse_threshold(at, content))
            continue
        listed = content if isinstance(content, list) else [content]
        if not listed:
            raise ClaimsError(f"{at}: the list is empty, so nothing would pass")
        filters[column] = Filter(values=tuple(parse_value(at, column, v) for v in listed))
    return filters


def parse_value(path: str, column: str, value: Any) -> str | float | bool:
    """Read a value that a column may have.

    Raises:
        ClaimsError: it is of another kind than the column.
    """
    if column in TEXT_COLUMNS:
        if not isinstance(value, str):
            raise ClaimsError(f"{path}: {column} is text, not {shown(value)}")
        return value
    if column in SWITCH_COLUMNS:
        if not isinstance(value, bool):
            raise ClaimsError(f"{path}: {column} is true or false, not {shown(value)}")
        return value
    if column in STEP_COLUMNS:
        if value == NEVER:
            return value
        if isinstance(value, str):
            raise ClaimsError(f"{path}: must be a number or {NEVER}, not {shown(value)}")
    return check_number(path, value)


def named(value: Any) -> str:
    """A column's value as text."""
    if value is None:
        return NEVER
    if isinstance(value, str):
        return value or '""'
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"
