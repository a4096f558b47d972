"""The reference engine: plain PyTorch autograd, one lane after another.

Slow and independent of the other engines: it is what they are tested against, and it serves all.
"""

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

import numpy as np

from feedback_alignment.engines.serving import outside
from feedback_alignment.networks.parameters import Network
from feedback_alignment.streams import Streams
from feedback_alignment.training.batches import Samples
from feedback_alignment.training.recording import Key
from feedback_alignment.training.setup import Setup

if TYPE_CHECKING:
    from feedback_alignment.conditions import Condition


def unserved(condition: "Condition") -> str | None:
    """Why this engine does not serve a condition; see `engines`."""
    own = {"weights": ("explicit",), "law": (False,), "device": ("cpu",)}
    return outside("autograd", condition, own)


def build(
    setup: Setup,
    training: Samples,
    held_out: Samples | None,
    streams: Streams,
    replicates: Sequence[int],
) -> "AutogradEngine":
    """The engine at its initial state; see `engines`."""
    return AutogradEngine(setup, training, held_out, streams, replicates)


class AutogradEngine:
    """Networks of any depth, with any rule, activation and loss; arguments as for `build`."""

    def __init__(
        self,
        setup: Setup,
        training: Samples,
        held_out: Samples | None,
        streams: Streams,
        replicates: Sequence[int],
    ) -> None:
        # Imports torch, which nobody who only asks what is served should wait for.
        from feedback_alignment.engines.autograd_lane import Lane

        self._lanes = [
            Lane(
                setup,
                training.of_lane(lane),
                None if held_out is None else held_out.of_lane(lane),
                streams,
                replicate,
            )
            for lane, replicate in enumerate(replicates)
        ]

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps; see `protocol.Engine`."""
        norms = np.empty((count, len(self._lanes)))
        for column, lane in enumerate(self._lanes):
            for row in range(count):
                norms[row, column] = lane.step(decay)
        return norms

    def observe(self, wanted: Set[str]) -> dict[Key, np.ndarray]:
        """Metrics of each lane; see `protocol.Engine`."""
        rows = [lane.observe(wanted) for lane in self._lanes]
        return {key: np.array([row[key] for row in rows]) for key in rows[0]}

    def keep(self, lanes: np.ndarray) -> None:
        """Drop the other lanes; see `protocol.Engine`."""
        self._lanes = [lane for lane, kept in zip(self._lanes, lanes, strict=True) if kept]

    def networks(self) -> list[Network]:
        """Parameters of each lane, in double precision."""
        return [lane.network() for lane in self._lanes]
