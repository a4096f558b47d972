"""Order of the training samples: a fresh shuffle in each epoch, cut into batches."""

from collections.abc import Sequence

import numpy as np

from feedback_alignment.streams import generator


class BatchOrder:
    """Batches of R lanes, each lane in an order of its own.

    Every epoch is a shuffle of all N samples, cut into N // B whole batches; the samples left over
    sit this epoch out. The order knows nothing of the rule or the network.

    Args:
        samples: N.
        batch_size: B.
        seed: the config's seed.
        replicates: index of each lane's replicate.
    """

    def __init__(self, samples: int, batch_size: int, seed: int, replicates: Sequence[int]) -> None:
        self._samples, self._size = samples, batch_size
        self._streams = [generator(seed, replicate, "batches") for replicate in replicates]
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
