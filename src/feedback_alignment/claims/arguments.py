"""The arguments of statistics: how each is read from the claims file."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from feedback_alignment.claims.errors import ClaimsError, check_keys, pick, shown
from feedback_alignment.claims.filters import AXES, NUMBER_COLUMNS, parse_value, parse_where
from feedback_alignment.claims.quantities import QUANTITIES
from feedback_alignment.claims.threshold import KINDS, parse_threshold
from feedback_alignment.claims.times import parse_time

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
    allowed = tuple(a for a in AXES if not numeric or a in NUMBER_COLUMNS)
    return Argument(lambda path, value, _: pick(path, value, allowed, "axis"))


def of_axis() -> Argument:
    """A value of the axis `along`; every other value if not given."""
    return Argument(lambda path, value, read: parse_value(path, read["along"], value), None)


def criterion(default: Any = _REQUIRED) -> Argument:
    """A threshold for the value of one replicate."""

    def read(path: str, value: Any, _: Mapping[str, Any]) -> Any:
        return parse_threshold(path, check_keys(path, value, (), KINDS))

    return Argument(read, default)


def quantity(default: Any = _REQUIRED) -> Argument:
    """A quantity of one replicate."""
    return Argument(lambda path, value, _: pick(path, value, QUANTITIES, "metric"), default)


def time(default: Any) -> Argument:
    """Which recorded step of a replicate is read."""
    return Argument(lambda path, value, _: parse_time(path, value), default)


def layer(of: str) -> Argument:
    """The layer in which the quantity of another argument is read; its main one if not given."""

    def read(path: str, value: Any, before: Mapping[str, Any]) -> str:
        name = before[of]
        if name is None:
            raise ClaimsError(f"{path}: needs {of}")
        if QUANTITIES[name].main_layer == "":
            raise ClaimsError(f"{path}: {name} is of the whole network; leave the layer out")
        written = str(value) if type(value) is int else value
        if not isinstance(written, str) or not re.fullmatch(_LAYER, written):
            allowed = "hidden, output, all, or the number of a layer from 1"
            raise ClaimsError(f"{path}: unknown layer {shown(value)}; allowed: {allowed}")
        return written

    return Argument(read, None)


def conditions() -> Argument:
    """Filters that choose among the conditions of the check."""
    return Argument(lambda path, value, _: parse_where(path, value))


_LAYER = "hidden|output|all|[1-9][0-9]{0,3}"
# Arguments that every statistic has: which quantity, and when.
COMMON: dict[str, Argument] = {
    "metric": quantity(),
    "layer": layer("metric"),
    "at": time("end"),
    "relative_to": time(None),
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
    for name, of in (("layer", "metric"), ("other_layer", "other")):
        if read.get(of) and read[name] is None and QUANTITIES[read[of]].main_layer is None:
            raise ClaimsError(f"{path}.{name}: is missing; {read[of]} is of one layer")
    if "other" in read and (read["other"] is None) != (read.get("other_passes", ...) is None):
        raise ClaimsError(f"{path}: needs both other and other_passes, or neither")
    if {"from", "to"} <= read.keys() and read["from"] is None and read["to"] is None:
        raise ClaimsError(f"{path}: needs from, to or both, values of {read['along']}")
    return read
