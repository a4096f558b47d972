"""A threshold, on which side of it an interval lies, and the comparisons that declare one."""

import operator
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

from feedback_alignment.claims.errors import ClaimsError, finite

# How the kinds with one bound are written, and what they mean.
_KINDS = {
    "at_least": (">=", operator.ge),
    "above": (">", operator.gt),
    "at_most": ("<=", operator.le),
    "below": ("<", operator.lt),
}

Number = TypeVar("Number")


@dataclass(frozen=True)
class Threshold:
    """What a number must satisfy.

    Attributes:
        kind: `at_least`, `above`, `at_most`, `below`, or `between`.
        low: the bound; for `between` the lower one, which is itself good.
        high: the upper bound of `between`, itself good; None for the others.
    """

    kind: str
    low: float
    high: float | None = None

    def holds(self, value: Any) -> Any:
        """Whether a number, or each of an array, is on the good side; NaN never is."""
        if self.high is not None:
            return (self.low <= value) & (value <= self.high)
        return _KINDS[self.kind][1](value, self.low)

    def side(self, low: float, high: float) -> bool | None:
        """Whether all (True), none (False) or some (None) of the interval [low, high] is good."""
        ends = self.holds(low), self.holds(high)
        if all(ends):
            return True
        beyond = self.high is None or high < self.low or low > self.high
        return False if beyond and not any(ends) else None

    def plain(self) -> dict[str, Any]:
        """The threshold in plain values, as in `{"at_least": 0.4}`."""
        return {self.kind: self.low if self.high is None else [self.low, self.high]}

    def __str__(self) -> str:
        if self.high is not None:
            return f"in [{self.low:g}, {self.high:g}]"
        return f"{_KINDS[self.kind][0]} {self.low:g}"


def at_least(bound: float) -> Threshold:
    """What is at least a number."""
    return Threshold("at_least", finite(bound))


def above(bound: float) -> Threshold:
    """What is above a number."""
    return Threshold("above", finite(bound))


def at_most(bound: float) -> Threshold:
    """What is at most a number."""
    return Threshold("at_most", finite(bound))


def below(bound: float) -> Threshold:
    """What is below a number."""
    return Threshold("below", finite(bound))


def between(low: float, high: float) -> Threshold:
    """What lies between two numbers, or is one of them.

    Raises:
        ClaimsError: the first is not the smaller one.
    """
    threshold = Threshold("between", finite(low), finite(high))
    if low >= high:
        raise ClaimsError(f"the first of {low:g} and {high:g} must be the smaller one")
    return threshold


class _Undecided:
    """What is neither true nor false before the tables are there."""

    def __bool__(self) -> bool:
        """Refuse `and`, `or`, `not` and chains such as `0 < x < 1`, which would ask this."""
        raise ClaimsError("no chain or `and` of comparisons; use .within(low, high), and & for two")


@dataclass(frozen=True)
class Comparison(_Undecided, Generic[Number]):
    """A number that the tables will give, with what it must satisfy.

    Of a reading it is a criterion, which a replicate satisfies or not, and `&` adds another. Of a
    statistic it is what a claim yields.

    Attributes:
        of: the reading, or the statistic.
        threshold: what it must satisfy.
        other: the second criterion, or None.
    """

    of: Number
    threshold: Threshold
    other: "Comparison[Number] | None" = None

    def __and__(self, other: "Comparison[Number]") -> "Comparison[Number]":
        if not isinstance(other, Comparison) or self.other is not None or other.other is not None:
            raise ClaimsError("& joins two comparisons of readings with numbers")
        return replace(self, other=other)


class Comparable(_Undecided):
    """A number that the tables will give; comparing it with a number declares a threshold."""

    def within(self, low: float, high: float) -> Comparison[Self]:
        """`low <= self <= high`."""
        return Comparison(self, between(low, high))

    def __ge__(self, bound: float) -> Comparison[Self]:
        return Comparison(self, at_least(bound))

    def __gt__(self, bound: float) -> Comparison[Self]:
        return Comparison(self, above(bound))

    def __le__(self, bound: float) -> Comparison[Self]:
        return Comparison(self, at_most(bound))

    def __lt__(self, bound: float) -> Comparison[Self]:
        return Comparison(self, below(bound))
