"""What an engine is: the protocol by which the training loop drives it."""

from collections.abc import Set
from typing import Protocol

import numpy as np

from feedback_alignment.training.recording import Key


class Engine(Protocol):
    """Trains R replicates ("lanes") side by side; on the CPU none may change a bit of another's."""

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take `count` steps with the given decay of the weights.

        Returns:
            The error norm after each step (count, lanes).
        """
        ...

    def observe(self, wanted: Set[str]) -> dict[Key, np.ndarray]:
        """Metrics of the present state.

        Args:
            wanted: names of metrics. What is not among them costs nothing.

        Returns:
            Values (lanes,) by metric and layer, of the wanted metrics that the engine's networks
            have.
        """
        ...

    def keep(self, lanes: np.ndarray) -> None:
        """Go on with some lanes only.

        Args:
            lanes: mask over the present lanes.
        """
        ...
