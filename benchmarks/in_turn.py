"""Times several ways of training against each other, in turn."""

import time
from collections.abc import Callable, Sequence

import numpy as np


def seconds_per_step(
    train: Callable[[int], None], steps: int, clock: Callable[[], float] = time.thread_time
) -> float:
    """Time of one call, by step; by default the processor's."""
    start = clock()
    train(steps)
    return (clock() - start) / steps


def least_times(
    sides: Sequence[Callable[[int], None]],
    rounds: int,
    seconds: float,
    clock: Callable[[], float] = time.thread_time,
) -> list[float]:
    """The least seconds a step of each side, over rounds in which each has its turn.

    Args:
        sides: functions that train for some steps.
        rounds: number of rounds.
        seconds: how long a turn takes, about.
        clock: tells the time in seconds.
    """
    counts = []
    for train in sides:
        # A CUDA graph is captured within its first steps.
        train(8)
        counts.append(max(2, int(seconds / seconds_per_step(train, 4, clock))))
    best = [np.inf] * len(sides)
    for _ in range(rounds):
        for side, (train, steps) in enumerate(zip(sides, counts, strict=True)):
            best[side] = min(best[side], seconds_per_step(train, steps, clock))
    return best
