"""A statistic and what it must satisfy: what a claim yields, before there is any number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from feedback_alignment.claims.errors import ClaimsError, pick, shown
from feedback_alignment.claims.estimates import Estimate
from feedback_alignment.claims.filters import ALONG, NUMBER_AXES, value_of
from feedback_alignment.claims.panel import Panel
from feedback_alignment.claims.readings import Reading
from feedback_alignment.claims.threshold import Comparable, Threshold, Undecided

if TYPE_CHECKING:
    from feedback_alignment.claims.published import Published

Compute = Callable[[Panel], Estimate]


@dataclass(frozen=True)
class Statistic(Comparable["Comparison"]):
    """A number that a check computes; compared with a number it is what a claim yields.

    Attributes:
        name: its name, for the record.
        reading: the quantity it is computed from.
        compute: from a panel to the estimate; it may leave out replicates to which it does not
            apply, and raises NotRunError where the conditions do not allow it.
        arguments: what it was declared with, in plain values, for the record.
        other: a second quantity beside the first, or None.
        keep: what of the replicates without a value it keeps, as failures; see `leave_out`.
    """

    name: str
    reading: Reading
    compute: Compute
    arguments: Mapping[str, Any] = field(default_factory=dict)
    other: Reading | None = None
    keep: str = ""
    # Nothing must hold beside the threshold, as it must of a comparison with published values.
    beside: ClassVar[str] = ""

    def compared(self, threshold: Threshold) -> "Comparison":
        """What the statistic must satisfy."""
        return Comparison(self, threshold)


@dataclass(frozen=True)
class Comparison(Undecided):
    """A statistic and the threshold that it must satisfy."""

    statistic: "Statistic | Published"
    threshold: Threshold


def statistic_of(
    name: str,
    reading: Reading,
    compute: Compute,
    other: Reading | None = None,
    *,
    keep: str = "",
    **own: Any,
) -> Statistic:
    """A statistic, with what the record says of its arguments.

    Args:
        name: its name.
        reading: the quantity it is computed from.
        compute: how; see `Statistic`.
        other: a second quantity beside the first.
        keep: what it keeps of the replicates without a value.
        own: its other arguments in plain values; None for one that was not given.

    Raises:
        ClaimsError: a quantity is no reading, or the second does not go with the first.
    """
    for one in (reading, other):
        if one is not None and not isinstance(one, Reading):
            raise ClaimsError(f"{name} is of a reading, as in part.final(...), not {shown(one)}")
    if other is not None and (other.where, other.each) != (reading.where, reading.each):
        raise ClaimsError(f"{name}: both quantities must be of the same conditions")
    if other is not None and other.relative_to is not None:
        raise ClaimsError(f"{name}: the second quantity cannot be a ratio of two times")
    said = {"metric": reading.quantity, "layer": reading.layer, "at": reading.time}
    said |= {"relative_to": reading.relative_to, **own}
    if other is not None:
        said |= {"other": other.quantity, "other_layer": other.layer, "other_at": other.time}
    plain = {key: value for key, value in said.items() if value is not None}
    return Statistic(name, reading, compute, plain, other, keep)


def known_axis(along: str) -> str:
    """Return `along` if conditions can differ in it alone.

    Raises:
        ClaimsError: it is no setting, nor `case`.
    """
    return pick(along, ALONG, "axis")


def known_number_axis(along: str) -> str:
    """Return `along` if it is a setting that is a number.

    Raises:
        ClaimsError: it is not.
    """
    return pick(along, NUMBER_AXES, "axis")


def known_ends(along: str, start: Any, end: Any) -> dict[str, Any]:
    """The ends of a comparison along a setting, by `from` and `to`; None for every other value.

    Raises:
        ClaimsError: both are None, or one is no value of the setting.
    """
    known_axis(along)
    if start is None and end is None:
        raise ClaimsError(f"needs start, end or both, values of {along}")
    given = {"from": start, "to": end}
    return {name: None if v is None else value_of(along, v) for name, v in given.items()}
