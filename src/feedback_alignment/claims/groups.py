"""Which conditions are compared: those that agree in everything but one axis."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.filters import AXES, NEVER, named
from feedback_alignment.intervention_steps import COMPANIONS

# The decay has four settings: without it (schedule none) the others mean nothing.
_DECAY = ("l2", "schedule", "cutoff_step")
_DECAY_COMPANIONS = (*_DECAY, "decay_layers")
_INTERVENTIONS = {*COMPANIONS, *(name for sizes in COMPANIONS.values() for name in sizes)}


def comparable(one: Mapping[str, Any], other: Mapping[str, Any], along: str) -> bool:
    """Whether two conditions agree in every axis but `along`.

    Along an axis of the decay, a condition without decay is comparable with all that have one,
    and cutoff steps need not agree. Along an intervention's step, a condition without it is
    comparable with all that have it, whatever its size. Along the case, interventions may differ:
    they are what a case is made of.

    Args:
        one: settings of a condition.
        other: settings of the other.
        along: the axis that may differ.
    """
    free = _always_free(along)
    if _bare(one, along) or _bare(other, along):
        free |= set(_DECAY_COMPANIONS if along in _DECAY else COMPANIONS[along])
    return all(one[axis] == other[axis] for axis in AXES if axis not in free)


def groups(
    conditions: Sequence[Mapping[str, Any]], along: str, *, finite: bool = False
) -> list[list[int]]:
    """Indices of comparable conditions, in ascending order of `along`; never comes last.

    Args:
        conditions: settings of each condition.
        along: the axis that varies within a group.
        finite: leave out conditions in which the step `along` never comes.

    Returns:
        the groups that have at least two values of `along`; a condition without decay, or
        without the intervention, is in every group that it is comparable with.

    Raises:
        NotRunError: there is no such group.
    """
    free = _always_free(along)
    found: dict[tuple, list[int]] = {}
    bare = []
    for i, settings in enumerate(conditions):
        if finite and settings[along] is None:
            continue
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
        sorted(members, key=lambda i: (level(conditions[i][along]), i))
        for members in found.values()
        if len({conditions[i][along] for i in members}) > 1
    ]
    if not large:
        raise NotRunError(f"needs two values of {along} among otherwise equal conditions")
    return large


def level(value: Any) -> Any:
    """A value of an axis as it is ordered: a step that never comes is after all others."""
    return math.inf if value is None else value


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
    written = [written_values(one[along]) for one in conditions]
    found = [
        (i, j)
        for i, one in enumerate(conditions)
        for j, other in enumerate(conditions)
        if written[i] != written[j]
        and (origin is None or origin in written[i])
        and (target is None or target in written[j])
        and comparable(one, other, along)
    ]
    if not found:
        ends = " and ".join("another value" if v is None else named(v) for v in (origin, target))
        raise NotRunError(f"needs {along} {ends} among otherwise equal conditions")
    return found


def written_values(value: Any) -> tuple:
    """A condition's value of a column as declarations write it; of `case` it may have several."""
    if isinstance(value, tuple):
        return value
    return (NEVER if value is None else value,)


def _always_free(along: str) -> set[str]:
    if along == "case":
        return _INTERVENTIONS
    return {along, "cutoff_step"} if along in _DECAY else {along}


def _bare(settings: Mapping[str, Any], along: str) -> bool:
    """Whether a condition lacks the decay, or the intervention, that `along` is a setting of."""
    if along in _DECAY:
        return settings["schedule"] == "none"
    return along in COMPANIONS and settings[along] is None
