"""Trains linear networks beside the course that the law of wide networks predicts for them.

The law is the same algebra with the expected Gram matrix in the place of a drawn one: of a
replicate it knows X and y, the width, the step size and the decay, and nothing of its weights
(docs/findings.md, "The law").
"""

from collections.abc import Set

import numpy as np

from feedback_alignment.engines.protocol import Engine
from feedback_alignment.training.recording import Key

# What is recorded of the predicted course, by the metric that it predicts.
PREDICTED = {"weight_alignment": "law_alignment", "loss": "law_loss"}


class LawBeside:
    """An engine, and the same one with expected Gram matrices, step by step.

    Args:
        engine: what is trained, R lanes.
        law: what is predicted of each.
    """

    def __init__(self, engine: Engine, law: Engine) -> None:
        self._engine, self._law = engine, law

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps; see `protocol.Engine`."""
        self._law.advance(count, decay)
        return self._engine.advance(count, decay)

    def observe(self, wanted: Set[str]) -> dict[Key, np.ndarray]:
        """Metrics of each lane; see `protocol.Engine`."""
        asked = {metric for metric, name in PREDICTED.items() if name in wanted}
        law = self._law.observe(asked) if asked else {}
        predicted = {(PREDICTED[name], layer): value for (name, layer), value in law.items()}
        return self._engine.observe(wanted) | predicted

    def keep(self, lanes: np.ndarray) -> None:
        """Drop the other lanes; see `protocol.Engine`."""
        self._engine.keep(lanes)
        self._law.keep(lanes)
