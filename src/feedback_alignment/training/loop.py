"""Runs an engine: recording grid, decay schedule, and replicates that end early."""

from collections.abc import Callable, Set

import numpy as np

from feedback_alignment.engines.protocol import Engine
from feedback_alignment.training.decay import Decay
from feedback_alignment.training.recording import Key, Recorder, Recording
from feedback_alignment.training.stopping import CHECKED, Settling, first_divergence

# Steps between looks at the error norms; a diverged replicate goes on for that long at most.
_STRIDE = 64


def drive(
    engine: Engine,
    lanes: int,
    grid: np.ndarray,
    decay: Decay,
    settling: Settling,
    wanted: Set[str],
    progress: Callable[[int], None] | None = None,
    last_change: int = 0,
) -> Recording:
    """Train to the last step of the grid and record on it.

    Args:
        engine: engine at its initial state.
        lanes: R.
        grid: steps to record (T,), rising from 0.
        decay: decay of the weights.
        settling: when a replicate counts as settled; none does before the last change.
        wanted: names of the metrics to record, the error norm and what settling asks for included.
        progress: called with the step reached, every few steps.
        last_change: step of the last change in how the engine trains, beside those of the decay.
    """
    final = int(grid[-1])
    checks = settling.checks(max((last_change, *decay.change_steps)), final)
    changes = [step for step in decay.change_steps if step < final]
    # A replicate that has settled before it may end does so there, which may be between checks.
    ends = {*checks, min(settling.after, final)} if checks else set()
    recorder = Recorder(grid, lanes)
    checked = None
    resting = np.zeros(lanes, dtype=bool)
    step = 0
    for stop in sorted({*grid.tolist(), *ends, *changes}):
        while step < stop and recorder.alive.size:
            count = min(_STRIDE, stop - step)
            norms = engine.advance(count, decay.decay_at(step))
            row = first_divergence(norms, recorder.initial)
            diverged = row >= 0
            if diverged.any():
                recorder.end(diverged, "diverged", step + 1 + row[diverged])
                engine.keep(~diverged)
                checked, resting = checked and _subset(checked, ~diverged), resting[~diverged]
            step += count
            if progress is not None:
                progress(step)
        if not recorder.alive.size:
            break
        recorded = recorder.records(stop)
        if not recorded and stop not in ends:
            continue
        # A check alone asks for what it needs and for nothing else.
        now = engine.observe(wanted if recorded else CHECKED)
        if recorded:
            recorder.record(stop, now)
        if stop in checks:
            if checked is not None:
                resting |= settling.settled(checked, now, recorder.initial)
            checked = now
        if stop in ends and stop >= settling.after and resting.any():
            last = now if recorded else engine.observe(wanted)
            recorder.repeat(resting, stop, _subset(last, resting))
            recorder.end(resting, "settled", stop)
            engine.keep(~resting)
            checked, resting = checked and _subset(checked, ~resting), resting[~resting]
    if settling.expected:
        recorder.end(np.ones(recorder.alive.size, dtype=bool), "unsettled", final)
    return recorder.recording()


def _subset(metrics: dict[Key, np.ndarray], lanes: np.ndarray) -> dict[Key, np.ndarray]:
    return {key: value[lanes] for key, value in metrics.items()}
