"""Which conditions are compared: those that agree in everything but one axis."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from feedback_alignment.claims.errors import ClaimsError, NotRunError, pick
from feedback_alignment.claims.filters import ALONG, AXES, named, value_of, values_in
from feedback_alignment.intervention_steps import COMPANIONS

# Settings of each condition.
Conditions = Sequence[Mapping[str, Any]]
# Of conditions, the indices (from, to) of those that are compared.
Pairs = Callable[[Conditions], list[tuple[int, int]]]

# The settings of the decay: without it (schedule none) the others mean nothing.
_DECAY = {"l2", "schedule", "cutoff_step", "decay_layers"}
_INTERVENTIONS = {*COMPANIONS, *(name for sizes in COMPANIONS.values() for name in sizes)}


def comparable(one: Mapping[str, Any], other: Mapping[str, Any], along: str) -> bool:
    """Whether two conditions agree in every axis but `along`.

    Along an axis of the decay, a condition without decay is comparable with all that have one,
    and cutoff steps need not agree. Along the case, interventions may differ: they are what a case
    is made of.
    """
    free = _free(along, one, other)
    return all(one[axis] == other[axis] for axis in AXES if axis not in free)


def groups(conditions: Conditions, along: str) -> list[list[int]]:
    """Indices of comparable conditions, in ascending order of `along`.

    Returns:
        the groups that have at least two values of `along`; a condition without decay is in every
        group that it is comparable with.

    Raises:
        NotRunError: there is no such group.
    """
    free = _free(along)
    found: dict[tuple, list[int]] = {}
    without_decay = []
    for i, settings in enumerate(conditions):
        if _free(along, settings) != free:
            without_decay.append(i)
        else:
            key = tuple(settings[axis] for axis in AXES if axis not in free)
            found.setdefault(key, []).append(i)
    for i in without_decay:
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


def strata(conditions: Conditions, column: str | None) -> list[list[int]]:
    """Indices of the conditions with each value of a setting; of all, for None."""
    found: dict[Any, list[int]] = {}
    for i, settings in enumerate(conditions):
        value = None if column is None else settings.get(column)
        found.setdefault(value, []).append(i)
    return list(found.values())


def pairs(
    conditions: Conditions, along: str, start: Any = None, end: Any = None
) -> list[tuple[int, int]]:
    """Indices (from, to) of comparable conditions, with `start` of an axis and with `end`.

    None is every other value of it.

    Raises:
        NotRunError: there is no such pair.
    """
    values = [values_in(one[along]) for one in conditions]
    found = [
        (i, j)
        for i, one in enumerate(conditions)
        for j, other in enumerate(conditions)
        if values[i] != values[j]
        and (start is None or start in values[i])
        and (end is None or end in values[j])
        and comparable(one, other, along)
    ]
    if not found:
        ends = " and ".join("another value" if v is None else named(v) for v in (start, end))
        raise NotRunError(f"needs {along} {ends} among otherwise equal conditions")
    return found


def pairs_between(along: str, start: Any, end: Any) -> tuple[Pairs, dict[str, Any]]:
    """Pairs as a claim declares them, and what the record says of them.

    Raises:
        ClaimsError: conditions do not differ in `along`, both ends are None, or one is no value.
    """
    pick(along, ALONG, "axis")
    if start is None and end is None:
        raise ClaimsError(f"needs start, end or both, values of {along}")
    first, last = (None if value is None else value_of(along, value) for value in (start, end))
    return (
        lambda conditions: pairs(conditions, along, first, last),
        {"along": along, "from": first, "to": last},
    )


def _free(along: str, *conditions: Mapping[str, Any]) -> set[str]:
    """The axes in which conditions that are compared may differ."""
    if along == "case":
        return _INTERVENTIONS
    if along not in ("l2", "schedule"):
        return {along}
    bare = any(settings["schedule"] == "none" for settings in conditions)
    return _DECAY if bare else {along, "cutoff_step"}
