"""A threshold, and on which side of it an interval lies."""

from dataclasses import dataclass
from typing import Any

from feedback_alignment.claims.errors import ClaimsError, check_number

# Sign and whether the bound itself is good.
_SIGNS = {"at_least": ">=", "above": ">", "at_most": "<=", "below": "<"}
KINDS = (*_SIGNS, "between")


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
        return self.low <= value <= self.high

    def side(self, low: float, high: float) -> bool | None:
        """Whether all (True), none (False) or some (None) of the interval [low, high] is good."""
        if self.holds(low) and self.holds(high):
            return True
        if self.kind == "between":
            return False if high < self.low or low > self.high else None
        return False if not self.holds(low) and not self.holds(high) else None

    def plain(self) -> dict[str, Any]:
        """The threshold as the claims file writes it."""
        return {self.kind: self.low if self.high is None else [self.low, self.high]}

    def __str__(self) -> str:
        if self.kind == "between":
            return f"in [{self.low:g}, {self.high:g}]"
        return f"{_SIGNS[self.kind]} {self.low:g}"


def parse_threshold(path: str, entry: dict[str, Any]) -> Threshold:
    """Read the one threshold among the keys of `entry`; other keys are not looked at.

    Raises:
        ClaimsError: there is none or more than one, or its value does not fit.
    """
    given = [kind for kind in KINDS if kind in entry]
    if len(given) != 1:
        found = f"found {' and '.join(given)}" if given else "found none"
        raise ClaimsError(f"{path}: needs exactly one of {', '.join(KINDS)}; {found}")
    kind = given[0]
    value = entry[kind]
    if kind != "between":
        return Threshold(kind, check_number(f"{path}.{kind}", value))
    if not isinstance(value, list) or len(value) != 2:
        raise ClaimsError(f"{path}.between: must be two numbers, as in [-0.75, -0.25]")
    low, high = (check_number(f"{path}.between[{i}]", bound) for i, bound in enumerate(value))
    if low >= high:
        raise ClaimsError(f"{path}.between: the first number must be the smaller one")
    return Threshold(kind, low, high)
