"""A threshold, on which side of it an interval lies, and the comparisons that declare one."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from feedback_alignment.claims.errors import ClaimsError, finite

# Sign and whether the bound itself is good.
_SIGNS = {"at_least": ">=", "above": ">", "at_most": "<=", "below": "<"}

Compared = TypeVar("Compared")


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

    def holds(self, value: float) -> bool:
        """Whether a number is on the good side; never for NaN."""
        match self.kind:
            case "at_least":
                return value >= self.low
            case "above":
                return value > self.low
            case "at_most":
                return value <= self.low
            case "below":
                return value < self.low
        return self.high is not None and self.low <= value <= self.high

    def satisfied(self, values: np.ndarray) -> np.ndarray:
        """Whether each of some numbers is on the good side, in their shape; NaN never is."""
        found = [self.holds(value) for value in values.ravel().tolist()]
        return np.array(found, dtype=bool).reshape(values.shape)

    def satisfied_everywhere(self, values: np.ndarray) -> np.ndarray:
        """Whether each replicate (S,) is on the good side in every condition of `values` (C, S)."""
        return np.asarray(self.satisfied(values).all(axis=0))

    def side(self, low: float, high: float) -> bool | None:
        """Whether all (True), none (False) or some (None) of the interval [low, high] is good."""
        if self.holds(low) and self.holds(high):
            return True
        if self.high is not None:
            return False if high < self.low or low > self.high else None
        return False if not self.holds(low) and not self.holds(high) else None

    def plain(self) -> dict[str, Any]:
        """The threshold in plain values, as in `{"at_least": 0.4}`."""
        return {self.kind: self.low if self.high is None else [self.low, self.high]}

    def __str__(self) -> str:
        if self.high is not None:
            return f"in [{self.low:g}, {self.high:g}]"
        return f"{_SIGNS[self.kind]} {self.low:g}"


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


class Undecided:
    """What is neither true nor false before the tables are there."""

    def __bool__(self) -> bool:
        """Refuse `and`, `or`, `not` and chains such as `0 < x < 1`, which would ask this.

        Raises:
            ClaimsError: always.
        """
        raise ClaimsError("no chain or `and` of comparisons; use .within(low, high), and & for two")


class Comparable(Undecided, ABC, Generic[Compared]):
    """A number that the tables will give; comparing it with a number declares a threshold."""

    @abstractmethod
    def compared(self, threshold: Threshold) -> Compared:
        """What a comparison with a threshold declares."""

    def within(self, low: float, high: float) -> Compared:
        """`low <= self <= high`."""
        return self.compared(between(low, high))

    def __ge__(self, bound: float) -> Compared:
        return self.compared(at_least(bound))

    def __gt__(self, bound: float) -> Compared:
        return self.compared(above(bound))

    def __le__(self, bound: float) -> Compared:
        return self.compared(at_most(bound))

    def __lt__(self, bound: float) -> Compared:
        return self.compared(below(bound))
