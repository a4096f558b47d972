"""Times several ways of training against each other, in turn."""

import time
from collections.abc import Callable, Sequence

import numpy as np


def seconds_per_step(train: Callable[[int], None], steps: int) -> float:
    """Processor time of one call, by step."""
    start = time.thread_time()
    train(steps)
    return (time.thread_time() - start) / steps


def least_times(sides: Sequence[Callable[[int], None]], rounds: int, seconds: float) -> list[float]:
    """The least seconds a step of each side, over rounds in which each has its turn.

    Args:
        sides: functions that train for some steps.
        rounds: number of rounds.
        seconds: how long a turn takes, about.
    """
    counts = []
    for train in sides:
        train(2)
        counts.append(max(2, int(seconds / seconds_per_step(train, 4))))
    best = [np.inf] * len(sides)
    for _ in range(rounds):
        for side, (train, steps) in enumerate(zip(sides, counts, strict=True)):
            best[side] = min(best[side], seconds_per_step(train, steps))
    return best
