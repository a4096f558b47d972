"""Which conditions are compared: those that agree in everything but one axis."""

from collections.abc import Mapping, Sequence
from typing import Any

from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.filters import AXES

# The decay has three settings: without it (schedule none) the other two mean nothing.
_DECAY = ("l2", "schedule", "cutoff_step")


def comparable(one: Mapping[str, Any], other: Mapping[str, Any], along: str) -> bool:
    """Whether two conditions agree in every axis but `along`.

    Along an axis of the decay, a condition without decay is comparable with all that have one,
    and cutoff steps need not agree.

    Args:
        one: settings of a condition.
        other: settings of the other.
        along: the axis that may differ.
    """
    free = {along}
    if along in _DECAY:
        free.add("cutoff_step")
        if "none" in (one["schedule"], other["schedule"]):
            free.update(_DECAY)
    return all(one[axis] == other[axis] for axis in AXES if axis not in free)


def groups(conditions: Sequence[Mapping[str, Any]], along: str) -> list[list[int]]:
    """Indices of comparable conditions, in ascending order of `along`.

    Args:
        conditions: settings of each condition.
        along: the axis that varies within a group.

    Returns:
        the groups that have at least two values of `along`; a condition without decay is in
        every group that it is comparable with.

    Raises:
        NotRunError: there is no such group.
    """
    free = {along, *(("cutoff_step",) if along in _DECAY else ())}
    bare = [
        i
        for i, settings in enumerate(conditions)
        if along in _DECAY and settings["schedule"] == "none" and settings[along] is not None
    ]
    found: dict[tuple, list[int]] = {}
    for i, settings in enumerate(conditions):
        if i not in bare and settings[along] is not None:
            key = tuple(settings[axis] for axis in AXES if axis not in free)
            found.setdefault(key, []).append(i)
    for i in bare:
        for members in found.values():
            if comparable(conditions[i], conditions[members[0]], along):
                members.append(i)
    large = [
        sorted(members, key=lambda i: (conditions[i][along], i))
        for members in found.values()
        if len({conditions[i][along] for i in members}) > 1
    ]
    if not large:
        raise NotRunError(f"needs two values of {along} among otherwise equal conditions")
    return large


def pairs(
    conditions: Sequence[Mapping[str, Any]], along: str, origin: Any = None, target: Any = None
) -> list[tuple[int, int]]:
    """Indices (from, to) of comparable conditions with the given values of `along`.

    Args:
        conditions: settings of each condition.
        along: the axis that differs.
        origin: value of `along` to start from; None for every other value.
        target: value of `along` to end at; None for every other value.

    Raises:
        NotRunError: there is no such pair.
    """
    found = [
        (i, j)
        for i, one in enumerate(conditions)
        for j, other in enumerate(conditions)
        if None not in (one[along], other[along])
        and one[along] != other[along]
        and (origin is None or one[along] == origin)
        and (target is None or other[along] == target)
        and comparable(one, other, along)
    ]
    if not found:
        ends = f"{_named(origin)} and {_named(target)}"
        raise NotRunError(f"needs {along} {ends} among otherwise equal conditions")
    return found


def _named(value: Any) -> str:
    return "another value" if value is None else f"{value:g}" if isinstance(value, float) else value
