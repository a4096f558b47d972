"""The arguments of statistics: how each is read from the claims file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from feedback_alignment.claims.errors import ClaimsError, check_keys, pick
from feedback_alignment.claims.filters import AXES, TEXT_COLUMNS, parse_value
from feedback_alignment.claims.quantities import QUANTITIES, TIMES
from feedback_alignment.claims.threshold import KINDS, parse_threshold

_REQUIRED = object()


@dataclass(frozen=True)
class Argument:
    """An argument of a statistic.

    Attributes:
        read: from its path, its value and the arguments read before it to the value to use.
        default: the value where the claims file gives none.
    """

    read: Callable[[str, Any, Mapping[str, Any]], Any]
    default: Any = _REQUIRED

    @property
    def required(self) -> bool:
        """Whether the claims file must give it."""
        return self.default is _REQUIRED


def choice(default: Any, allowed: tuple[str, ...]) -> Argument:
    """One of a few words, `default` if not given."""
    return Argument(lambda path, value, _: pick(path, value, allowed, "value"), default)


def axis(numeric: bool = False) -> Argument:
    """A setting along which conditions are compared."""
    allowed = tuple(a for a in AXES if not (numeric and a in TEXT_COLUMNS))
    return Argument(lambda path, value, _: pick(path, value, allowed, "axis"))


def of_axis() -> Argument:
    """A value of the axis `along`; every other value if not given."""
    return Argument(lambda path, value, read: parse_value(path, read["along"], value), None)


def criterion() -> Argument:
    """A threshold for the value of one seed."""

    def read(path: str, value: Any, _: Mapping[str, Any]) -> Any:
        return parse_threshold(path, check_keys(path, value, (), KINDS))

    return Argument(read)


# Arguments that every statistic has: which quantity, and when.
COMMON: dict[str, Argument] = {
    "metric": Argument(lambda path, value, _: pick(path, value, QUANTITIES, "metric")),
    "at": choice("end", TIMES),
    "relative_to": choice(None, TIMES),
}


def parse_arguments(path: str, entry: Any, own: Mapping[str, Argument]) -> dict[str, Any]:
    """Read the arguments of a check.

    Args:
        path: where they stand.
        entry: what the claims file gives.
        own: the statistic's own arguments.

    Raises:
        ClaimsError: one is missing, unknown, or does not fit.
    """
    known = {**COMMON, **own}
    required = [name for name, argument in known.items() if argument.required]
    optional = [name for name in known if name not in required]
    check_keys(path, entry, required, optional)
    read: dict[str, Any] = {}
    for name, argument in known.items():
        if name in entry:
            read[name] = argument.read(f"{path}.{name}", entry[name], read)
        else:
            read[name] = argument.default
    if read["relative_to"] == read["at"]:
        raise ClaimsError(f"{path}.relative_to: is the same time as `at`, {read['at']}")
    if {"from", "to"} <= read.keys() and read["from"] is None and read["to"] is None:
        raise ClaimsError(f"{path}: needs from, to or both, values of {read['along']}")
    return read
