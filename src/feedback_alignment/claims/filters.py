"""Which conditions a check looks at: filters on the columns of the tidy table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feedback_alignment.claims.errors import ClaimsError, finite, pick, shown
from feedback_alignment.claims.threshold import Threshold
from feedback_alignment.tables import SETTINGS

# Settings that tell conditions apart; `steps` says how long they ran, `case` what they are for.
AXES = tuple(name for name in SETTINGS if name not in ("case", "steps"))
# Along which conditions are compared: not steps that may never come, for which there is the case.
ALONG = (*(name for name in AXES if SETTINGS[name] != "Int64"), "case")
COLUMNS = (*ALONG, "steps", "slow_time")
# Of those that are no numbers, the kind of value.
_KINDS = {"str": (str, "text"), "bool": (bool, "true or false")}
TEXT_COLUMNS = tuple(name for name in ALONG if SETTINGS[name] == "str")
NUMBER_AXES = tuple(name for name in ALONG if SETTINGS[name] not in _KINDS)


@dataclass(frozen=True)
class OneOf:
    """The values of a column that pass."""

    values: tuple[str | float | bool, ...]

    def holds(self, value: Any) -> bool:
        """Whether a value is one of them."""
        return value in self.values

    def plain(self) -> Any:
        """The value, or a list of several."""
        return self.values[0] if len(self.values) == 1 else list(self.values)


Filter = OneOf | Threshold


def passes(settings: Mapping[str, Any], where: Mapping[str, Filter]) -> bool:
    """Whether a condition passes all filters, by column; of its cases any may."""
    return all(
        any(accept.holds(value) for value in values_in(settings[column]))
        for column, accept in where.items()
    )


def plain(where: Mapping[str, Filter]) -> dict[str, Any]:
    """Filters in plain values, by column: a value, a list of them, or a threshold."""
    return {column: accept.plain() for column, accept in where.items()}


def values_in(value: Any) -> tuple:
    """A condition's value of a column; of `case` it may have several."""
    return value if isinstance(value, tuple) else (value,)


def filters(columns: Mapping[str, Any]) -> dict[str, Filter]:
    """Filters from what a declaration says of columns: a value, a list of them, or a threshold.

    Raises:
        ClaimsError: a column is unknown, or a filter does not fit its column.
    """
    return {known_column(name): _filter(name, content) for name, content in columns.items()}


def known_column(name: str) -> str:
    """Return the name of a column that every condition has a value of.

    Raises:
        ClaimsError: there is none of this name, or it is a step that may never come.
    """
    if SETTINGS.get(name) == "Int64":
        raise ClaimsError(f"{name} may be missing; ask for the condition's case instead")
    return pick(name, COLUMNS, "column")


def _filter(column: str, content: Any) -> Filter:
    if isinstance(content, Threshold):
        if kind := _KINDS.get(SETTINGS.get(column, "")):
            raise ClaimsError(f"{column} is {kind[1]}; give a value or a list of values")
        return content
    listed = content if isinstance(content, list | tuple) else [content]
    if not listed:
        raise ClaimsError(f"{column}: the list is empty, so nothing would pass")
    return OneOf(tuple(value_of(column, value) for value in listed))


def value_of(column: str, value: Any) -> str | float | bool:
    """Return a value that a column may have; numbers as floats.

    Raises:
        ClaimsError: it is of another kind than the column.
    """
    kind, words = _KINDS.get(SETTINGS.get(column, ""), (None, ""))
    if kind is None:
        return finite(value, f"{column} must be a number")
    if not isinstance(value, kind):
        raise ClaimsError(f"{column} is {words}, not {shown(value)}")
    return value


def named(value: str | float | bool, column: str = "") -> str:
    """A column's value as text, behind the column's name if it does not speak for itself."""
    if column and not (column in TEXT_COLUMNS and value):
        return f"{column} {named(value)}"
    if isinstance(value, str):
        return value or '""'
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"
