"""Engine for networks of any depth: minibatches or the whole set, in groups of replicates."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from feedback_alignment.engines.arrays import Arrays, arrays_for
from feedback_alignment.engines.grouped import Grouped
from feedback_alignment.engines.groups import HeldOut, LaneGroup, TrainingRows
from feedback_alignment.engines.serving import outside
from feedback_alignment.networks.parameters import Network
from feedback_alignment.streams import Streams
from feedback_alignment.training.batches import Samples
from feedback_alignment.training.setup import Setup

if TYPE_CHECKING:
    from feedback_alignment.conditions import Condition

# Bytes of the working arrays of lanes that are stepped together. Measured with an L2 cache of 1 MB:
# below, Python takes its time; above, nothing is gained, and large networks lose a sixth.
_GROUP_BYTES = 4_000_000


def unserved(condition: "Condition") -> str | None:
    """Why this engine does not serve a condition; see `engines`."""
    return outside("minibatch", condition, {"weights": ("explicit",), "law": (False,)})


def build(
    setup: Setup,
    training: Samples,
    held_out: Samples | None,
    streams: Streams,
    replicates: Sequence[int],
) -> "MinibatchEngine":
    """The engine at its initial state; see `engines`."""
    return MinibatchEngine(setup, training, held_out, streams, replicates)


class MinibatchEngine(Grouped[LaneGroup]):
    """Networks of any depth, with any rule, activation and loss, in batches or with the whole set.

    In batches the error norm after a step is that of the next batch, times sqrt(N / B).

    Args:
        setup: of the run.
        training: what to train on and to measure on.
        held_out: what to judge the accuracy by; None for no accuracy.
        streams: the run's random streams.
        replicates: index of each lane's replicate.
        arrays: array library; None for that of the condition's device.
    """

    def __init__(
        self,
        setup: Setup,
        training: Samples,
        held_out: Samples | None,
        streams: Streams,
        replicates: Sequence[int],
        arrays: Arrays | None = None,
    ) -> None:
        arrays = arrays or arrays_for(setup.condition.device, setup.condition.dtype)
        stack = _lanes_of_a_group(setup, training.size) if arrays.cached else len(replicates)
        shared = TrainingRows(arrays, training, setup) if training.shared else None
        judged = None if held_out is None else HeldOut(arrays, held_out)
        groups = []
        for first in range(0, len(replicates), stack):
            part = slice(first, first + stack)
            data = shared or TrainingRows(arrays, training.of_lanes(part), setup)
            lanes = list(enumerate(replicates))[part]
            groups.append(LaneGroup(setup, arrays, data, judged, streams, lanes))
        super().__init__(groups)

    def networks(self) -> list[Network]:
        """Parameters of each lane, in double precision."""
        return [group.network(i) for group in self._groups for i in range(group.lanes)]


def _lanes_of_a_group(setup: Setup, samples: int) -> int:
    sizes = setup.sizes
    activations = 3 * (setup.condition.batch_size or samples) * sum(sizes)
    weights = 2 * sum(below * above for below, above in pairwise(sizes))
    lane_bytes = (activations + weights) * np.dtype(setup.condition.dtype).itemsize
    return max(1, _GROUP_BYTES // lane_bytes)
