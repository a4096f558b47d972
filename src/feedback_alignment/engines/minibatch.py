"""Engine for networks of any depth: minibatches or the whole set, in groups of replicates."""

from collections.abc import Sequence, Set
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from feedback_alignment.engines.arrays import Arrays, arrays_for
from feedback_alignment.engines.groups import HeldOut, LaneGroup, TrainingRows
from feedback_alignment.engines.serving import outside
from feedback_alignment.networks.parameters import Network
from feedback_alignment.training.batches import Samples
from feedback_alignment.training.recording import Key
from feedback_alignment.training.setup import Setup

if TYPE_CHECKING:
    from feedback_alignment.conditions import Condition

# Bytes of the working arrays of lanes that are stepped together. Measured with an L2 cache of 1 MB:
# below, Python takes its time; above, nothing is gained, and large networks lose a sixth.
_GROUP_BYTES = 4_000_000


def unserved(condition: "Condition") -> str | None:
    """Why this engine does not serve a condition; see `engines`."""
    return outside("minibatch", condition, {"weights": ("explicit",)})


def build(
    setup: Setup,
    training: Samples,
    held_out: Samples | None,
    seed: int,
    replicates: Sequence[int],
) -> "MinibatchEngine":
    """The engine at its initial state; see `engines`."""
    return MinibatchEngine(setup, training, held_out, seed, replicates)


class MinibatchEngine:
    """Networks of any depth, with any rule, activation and loss, in batches or with the whole set.

    Args:
        setup: of the run.
        training: what to train on and to measure on.
        held_out: what to judge the accuracy by; None for no accuracy.
        seed: the config's seed.
        replicates: index of each lane's replicate.
        arrays: array library; None for that of the condition's device.
    """

    def __init__(
        self,
        setup: Setup,
        training: Samples,
        held_out: Samples | None,
        seed: int,
        replicates: Sequence[int],
        arrays: Arrays | None = None,
    ) -> None:
        arrays = arrays or arrays_for(setup.condition.device, setup.condition.dtype)
        stack = _lanes_of_a_group(setup, training.size) if arrays.stacks else 1
        shared = TrainingRows(arrays, training, setup) if training.shared else None
        judged = None if held_out is None else HeldOut(arrays, held_out)
        self._groups = []
        for first in range(0, len(replicates), stack):
            part = slice(first, first + stack)
            data = shared or TrainingRows(arrays, training.of_lanes(part), setup)
            lanes = list(enumerate(replicates))[part]
            self._groups.append(LaneGroup(setup, arrays, data, judged, seed, lanes))

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps; see `protocol.Engine`.

        Returns:
            The error norm after each step (count, lanes). In batches it is that of the next batch,
            times sqrt(N / B).
        """
        return np.concatenate([group.advance(count, decay) for group in self._groups], axis=1)

    def observe(self, wanted: Set[str]) -> dict[Key, np.ndarray]:
        """Metrics of each lane; see `protocol.Engine`."""
        rows = [row for group in self._groups for row in group.observe(wanted)]
        return {key: np.array([row[key] for row in rows]) for key in rows[0]}

    def keep(self, lanes: np.ndarray) -> None:
        """Drop the other lanes; see `protocol.Engine`."""
        first = 0
        for group in self._groups:
            first += group.lanes
            group.keep(lanes[first - group.lanes : first])
        self._groups = [group for group in self._groups if group.lanes]

    def networks(self) -> list[Network]:
        """Parameters of each lane, in double precision."""
        return [group.network(i) for group in self._groups for i in range(group.lanes)]


def _lanes_of_a_group(setup: Setup, samples: int) -> int:
    sizes = setup.sizes
    activations = 3 * (setup.condition.batch_size or samples) * sum(sizes)
    weights = 2 * sum(below * above for below, above in pairwise(sizes))
    lane_bytes = (activations + weights) * np.dtype(setup.condition.dtype).itemsize
    return max(1, _GROUP_BYTES // lane_bytes)
