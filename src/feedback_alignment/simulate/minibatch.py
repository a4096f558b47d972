"""Engine for MLPs: minibatches or the whole set, in groups of replicates stepped together."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from feedback_alignment.arrays import Arrays, arrays_for
from feedback_alignment.mlp import MLP
from feedback_alignment.simulate.lane_group import HeldOut, LaneGroup, TrainingRows
from feedback_alignment.simulate.mlp_settings import MLPSettings
from feedback_alignment.simulate.samples import Samples

# Bytes of the working arrays of lanes that are stepped together. Measured with an L2 cache of 1 MB:
# below, Python takes its time; above, nothing is gained, and large networks lose a sixth.
_GROUP_BYTES = 4_000_000


class MinibatchEngine:
    """MLPs of any depth, with any rule, activation and loss, in batches or with the whole set.

    Args:
        settings: of the run.
        training: what to train on and to measure on.
        held_out: what to judge the accuracy by; None for no accuracy.
        seed: the config's seed.
        replicates: index of each lane's replicate.
        arrays: array library; None for that of the settings' device.
    """

    def __init__(
        self,
        settings: MLPSettings,
        training: Samples,
        held_out: Samples | None,
        seed: int,
        replicates: Sequence[int],
        arrays: Arrays | None = None,
    ) -> None:
        arrays = arrays or arrays_for(settings.device, settings.dtype)
        sizes = settings.sizes(training.inputs.shape[-1], training.targets.shape[-1])
        stack = _lanes_of_a_group(settings, sizes, training.size) if arrays.stacks else 1
        shared = TrainingRows(arrays, training, settings) if training.shared else None
        judged = None if held_out is None else HeldOut(arrays, held_out)
        self._groups = []
        for first in range(0, len(replicates), stack):
            part = slice(first, first + stack)
            data = shared or TrainingRows(arrays, training.of_lanes(part), settings)
            lanes = list(enumerate(replicates))[part]
            self._groups.append(LaneGroup(settings, arrays, sizes, data, judged, seed, lanes))

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps; see `driver.Engine`.

        Returns:
            The error norm after each step (count, lanes). In batches it is that of the next batch,
            times sqrt(N / B).
        """
        return np.concatenate([group.advance(count, decay) for group in self._groups], axis=1)

    def observe(self, kernels: bool) -> dict[str | tuple[str, str], np.ndarray]:
        """Metrics of each lane; see `driver.Engine`. What to record stands in the settings."""
        rows = [row for group in self._groups for row in group.observe()]
        return {metric: np.array([row[metric] for row in rows]) for metric in rows[0]}

    def keep(self, lanes: np.ndarray) -> None:
        """Drop the other lanes; see `driver.Engine`."""
        first = 0
        for group in self._groups:
            first += group.lanes
            group.keep(lanes[first - group.lanes : first])
        self._groups = [group for group in self._groups if group.lanes]

    def networks(self) -> list[MLP]:
        """Parameters of each lane, in double precision."""
        return [group.network(i) for group in self._groups for i in range(group.lanes)]


def _lanes_of_a_group(settings: MLPSettings, sizes: Sequence[int], samples: int) -> int:
    activations = 3 * (settings.batch_size or samples) * sum(sizes)
    weights = 2 * sum(below * above for below, above in pairwise(sizes))
    lane_bytes = (activations + weights) * np.dtype(settings.dtype).itemsize
    return max(1, _GROUP_BYTES // lane_bytes)
