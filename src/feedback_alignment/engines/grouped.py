"""An engine made of groups of lanes, each of which steps its lanes together."""

from collections.abc import Sequence, Set
from typing import Generic, Protocol, TypeVar

import numpy as np

from feedback_alignment.training.recording import Key


class Group(Protocol):
    """Some lanes of an engine; see `protocol.Engine`, but for what `observe` gives."""

    @property
    def lanes(self) -> int:
        """Number of lanes."""
        ...

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps."""
        ...

    def observe(self, wanted: Set[str]) -> list[dict[Key, float]]:
        """Metrics of each lane."""
        ...

    def keep(self, lanes: np.ndarray) -> None:
        """Drop the other lanes."""
        ...


G = TypeVar("G", bound=Group)


class Grouped(Generic[G]):
    """Groups of lanes as one engine; see `protocol.Engine`.

    Args:
        groups: in the order of their lanes.
    """

    def __init__(self, groups: Sequence[G]) -> None:
        self._groups = list(groups)

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps, one group after another, so that a wide network stays in the cache."""
        return np.concatenate([group.advance(count, decay) for group in self._groups], axis=1)

    def observe(self, wanted: Set[str]) -> dict[Key, np.ndarray]:
        """Metrics of each lane."""
        rows = [row for group in self._groups for row in group.observe(wanted)]
        return {key: np.array([row[key] for row in rows]) for key in rows[0]}

    def keep(self, lanes: np.ndarray) -> None:
        """Drop the other lanes."""
        first = 0
        for group in self._groups:
            first += group.lanes
            group.keep(lanes[first - group.lanes : first])
        self._groups = [group for group in self._groups if group.lanes]
