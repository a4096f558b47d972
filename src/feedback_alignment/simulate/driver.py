"""Runs an engine: recording grid, decay schedule, and replicates that end early."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from feedback_alignment.regularisers import Decay
from feedback_alignment.simulate.recording import Recorder, Recording
from feedback_alignment.simulate.stopping import Settling, first_divergence

# Steps between looks at the error norms; a diverged replicate goes on for that long at most.
_STRIDE = 64


class Engine(Protocol):
    """Trains R replicates ("lanes") side by side; none may change a bit of another's numbers."""

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take `count` steps with the given output decay.

        Returns:
            The error norm after each step (count, lanes).
        """
        ...

    def observe(self, kernels: bool) -> dict[str, np.ndarray]:
        """Every metric of the present state (lanes,), those of the kernels only if asked for."""
        ...

    def keep(self, lanes: np.ndarray) -> None:
        """Go on with some lanes only.

        Args:
            lanes: mask over the present lanes.
        """
        ...


def drive(
    engine: Engine,
    lanes: int,
    grid: np.ndarray,
    decay: Decay,
    settling: Settling,
    kernels: bool,
    progress: Callable[[int], None] | None = None,
    last_change: int = 0,
) -> Recording:
    """Train to the last step of the grid and record on it.

    Args:
        engine: engine at its initial state.
        lanes: R.
        grid: steps to record (T,), rising from 0.
        decay: output decay.
        settling: when a replicate counts as settled; none does before the last change.
        kernels: whether to record the metrics of the kernels too.
        progress: called with the step reached, every few steps.
        last_change: step of the last change in how the engine trains, beside those of the decay.
    """
    final = int(grid[-1])
    checks = settling.checks(max((last_change, *decay.change_steps)), final)
    changes = [step for step in decay.change_steps if step < final]
    recorder = Recorder(grid, lanes)
    checked = None
    step = 0
    for stop in sorted({*grid.tolist(), *checks, *changes}):
        while step < stop and recorder.alive.size:
            count = min(_STRIDE, stop - step)
            norms = engine.advance(count, decay.decay_at(step))
            row = first_divergence(norms, recorder.initial)
            diverged = row >= 0
            if diverged.any():
                recorder.end(diverged, "diverged", step + 1 + row[diverged])
                engine.keep(~diverged)
                checked = checked and _subset(checked, ~diverged)
            step += count
            if progress is not None:
                progress(step)
        if not recorder.alive.size:
            break
        recorded = recorder.records(stop)
        # Kernels cost eigenvalues: none for a check alone.
        now = engine.observe(kernels and recorded)
        if recorded:
            recorder.record(stop, now)
        if stop in checks:
            if checked is not None:
                settled = settling.settled(checked, now, recorder.initial)
                if settled.any():
                    last = now if recorded else engine.observe(kernels)
                    recorder.repeat(settled, stop, _subset(last, settled))
                    recorder.end(settled, "settled", stop)
                    engine.keep(~settled)
                    now = _subset(now, ~settled)
            checked = now
    return recorder.recording()


def _subset(metrics: dict[str, np.ndarray], lanes: np.ndarray) -> dict[str, np.ndarray]:
    return {metric: value[lanes] for metric, value in metrics.items()}
