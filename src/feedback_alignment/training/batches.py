"""What a run trains on: samples, for all replicates or each, and their order in batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from feedback_alignment.streams import Streams


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


def samples_of(data: Mapping[str, np.ndarray]) -> tuple[Samples, Samples | None]:
    """Training samples, and held-out samples if there are any, from what `data.draw` makes.

    Args:
        data: `inputs` and `targets`, with labelled data `inputs_test` and `targets_test` too.
            Targets of a regression may lack the last axis, that of the outputs.

    Raises:
        ValueError: the shapes do not fit each other.
    """
    inputs, targets = data["inputs"], data["targets"]
    if "inputs_test" in data:
        held_out = Samples(data["inputs_test"], data["targets_test"])
        return Samples(inputs, targets), held_out
    return Samples(inputs, targets[..., None] if targets.ndim < inputs.ndim else targets), None


class BatchOrder:
    """Batches of R lanes, each lane in an order of its own.

    Every epoch is a shuffle of all N samples, cut into N // B whole batches; the samples left over
    sit this epoch out. The order knows nothing of the rule or the network.

    Args:
        samples: N.
        batch_size: B.
        streams: the run's random streams.
        replicates: index of each lane's replicate.
    """

    def __init__(
        self, samples: int, batch_size: int, streams: Streams, replicates: Sequence[int]
    ) -> None:
        self._samples, self._size = samples, batch_size
        self._streams = [streams.generator(replicate, "batches") for replicate in replicates]
        self._epoch = np.empty((len(self._streams), 0), np.int64)
        self._next = 0

    def draw(self) -> np.ndarray:
        """Indices of the next batch (R, B)."""
        if self._next + self._size > self._epoch.shape[1]:
            self._epoch = np.stack([stream.permutation(self._samples) for stream in self._streams])
            self._next = 0
        self._next += self._size
        return self._epoch[:, self._next - self._size : self._next]

    def keep(self, lanes: np.ndarray) -> None:
        """Go on with some lanes only (mask)."""
        kept = np.flatnonzero(lanes)
        self._streams = [self._streams[lane] for lane in kept]
        self._epoch = self._epoch[kept]
