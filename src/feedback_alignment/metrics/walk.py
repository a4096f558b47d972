"""How far hidden weights have moved, beside a random walk of the same steps (Chu 2024)."""

from collections.abc import Sequence

import numpy as np

from feedback_alignment.engines.arrays import Array, Arrays

WALK = frozenset({"displacement", "walk_displacement"})


class Walk:
    """Follows the hidden weights W of L lanes, each of them stacked (L, ...), step by step.

    `||W(t) - W(0)||^2` is the sum of `<dW_i, dW_j>` over all pairs of steps. Where no step knows of
    the others, as under feedback that each draws afresh, the mean of all but `||dW_i||^2` vanishes:
    what is left is the square of the distance that a random walk of the same steps has come.

    Args:
        arrays: library of the arrays.
        weights: of each hidden layer, at the start.
    """

    def __init__(self, arrays: Arrays, weights: Sequence[Array]) -> None:
        self._arrays = arrays
        self._origin = [W * 1.0 for W in weights]
        self._last = self._origin
        self._squares = np.zeros(len(weights[0]))

    def follow(self, weights: Sequence[Array]) -> None:
        """Add the step that leads to these weights."""
        self._squares += self._square_distances(weights, self._last)
        self._last = [W * 1.0 for W in weights]

    def keep(self, lanes: Sequence[int]) -> None:
        """Go on with some lanes only."""
        self._origin, self._last = ([W[lanes] for W in x] for x in (self._origin, self._last))
        self._squares = self._squares[lanes]

    def distances(self) -> dict[str, np.ndarray]:
        """That from the start, and that of the random walk (L,), by metric."""
        moved = self._square_distances(self._last, self._origin)
        return {"displacement": np.sqrt(moved), "walk_displacement": np.sqrt(self._squares)}

    def _square_distances(self, ends: Sequence[Array], starts: Sequence[Array]) -> np.ndarray:
        pairs = zip(ends, starts, strict=True)
        norms = [self._arrays.numpy(self._arrays.norms(W - V)) for W, V in pairs]
        return np.sum([each.astype(float) ** 2 for each in norms], axis=0)
