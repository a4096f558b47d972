"""Inputs with targets, one set for all replicates or one for each."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of a classification or regression.

    Attributes:
        inputs: x (N, d), shared by all replicates, or (R, N, d).
        targets: y (N, C) or (R, N, C): one-hot for a classification.

    Raises:
        ValueError: the shapes do not fit each other.
    """

    inputs: np.ndarray
    targets: np.ndarray

    def __post_init__(self) -> None:
        fits = self.inputs.shape[:-1] == self.targets.shape[:-1]
        if not fits or self.inputs.ndim not in (2, 3):
            raise ValueError(
                f"inputs {self.inputs.shape} and targets {self.targets.shape} do not fit; "
                "allowed: (samples, k), or (replicates, samples, k) for both"
            )

    @property
    def size(self) -> int:
        """N."""
        return self.inputs.shape[-2]

    @property
    def shared(self) -> bool:
        """Whether all replicates have the same samples."""
        return self.inputs.ndim == 2

    def of_lane(self, lane: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (N, d) and targets (N, C) of one replicate."""
        if self.shared:
            return self.inputs, self.targets
        return self.inputs[lane], self.targets[lane]

    def of_lanes(self, lanes: slice) -> "Samples":
        """The samples of some replicates."""
        return self if self.shared else Samples(self.inputs[lanes], self.targets[lanes])
