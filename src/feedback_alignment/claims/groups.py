"""Which conditions are compared: those that agree in everything but one axis."""

from collections.abc import Mapping, Sequence
from typing import Any

from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.filters import AXES, named
from feedback_alignment.intervention_steps import COMPANIONS

# The settings of the decay: without it (schedule none) the others mean nothing.
_DECAY = {"l2", "schedule", "cutoff_step", "decay_layers"}
_DECAY_AXES = ("l2", "schedule")
_INTERVENTIONS = {*COMPANIONS, *(name for sizes in COMPANIONS.values() for name in sizes)}


def comparable(one: Mapping[str, Any], other: Mapping[str, Any], along: str) -> bool:
    """Whether two conditions agree in every axis but `along`.

    Along an axis of the decay, a condition without decay is comparable with all that have one,
    and cutoff steps need not agree. Along the case, interventions may differ: they are what a case
    is made of.

    Args:
        one: settings of a condition.
        other: settings of the other.
        along: the axis that may differ.
    """
    free = _always_free(along)
    if _bare(one, along) or _bare(other, along):
        free |= _DECAY
    return all(one[axis] == other[axis] for axis in AXES if axis not in free)


def groups(conditions: Sequence[Mapping[str, Any]], along: str) -> list[list[int]]:
    """Indices of comparable conditions, in ascending order of `along`.

    Args:
        conditions: settings of each condition.
        along: the axis that varies within a group.

    Returns:
        the groups that have at least two values of `along`; a condition without decay is in every
        group that it is comparable with.

    Raises:
        NotRunError: there is no such group.
    """
    free = _always_free(along)
    found: dict[tuple, list[int]] = {}
    bare = []
    for i, settings in enumerate(conditions):
        if _bare(settings, along):
            bare.append(i)
            continue
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
        origin: value of `along` to start from, as a declaration writes it; None for every other
            value.
        target: value of `along` to end at, likewise.

    Raises:
        NotRunError: there is no such pair.
    """
    values = [values_in(one[along]) for one in conditions]
    found = [
        (i, j)
        for i, one in enumerate(conditions)
        for j, other in enumerate(conditions)
        if values[i] != values[j]
        and (origin is None or origin in values[i])
        and (target is None or target in values[j])
        and comparable(one, other, along)
    ]
    if not found:
        ends = " and ".join("another value" if v is None else named(v) for v in (origin, target))
        raise NotRunError(f"needs {along} {ends} among otherwise equal conditions")
    return found


def values_in(value: Any) -> tuple:
    """A condition's value of a column; of `case` it may have several."""
    return value if isinstance(value, tuple) else (value,)


def _always_free(along: str) -> set[str]:
    if along == "case":
        return _INTERVENTIONS
    return {along, "cutoff_step"} if along in _DECAY_AXES else {along}


def _bare(settings: Mapping[str, Any], along: str) -> bool:
    """Whether a condition lacks the decay that `along` is a setting of."""
    return along in _DECAY_AXES and settings["schedule"] == "none"
