"""Decay schedules: how strongly the weights shrink at each step (Song 2021)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Decay:
    """The decay lambda(t) in `beta <- (1 - eta lambda(t)) beta - eta dL/dbeta`.

    It is constant between a few steps, so an engine asks once for each stretch of steps.

    Attributes:
        l2: lambda.
        cutoff_step: the first step without decay; None if it never ends.
    """

    l2: float
    cutoff_step: int | None = None

    @property
    def change_steps(self) -> tuple[int, ...]:
        """The steps at which lambda changes, rising."""
        return () if self.cutoff_step is None else (self.cutoff_step,)

    def decay_at(self, step: int) -> float:
        """Lambda in the update from `step` to `step + 1`."""
        return self.l2 if self.cutoff_step is None or step < self.cutoff_step else 0.0


def decay_named(schedule: str, l2: float, cutoff_step: int | None) -> Decay:
    """Build the decay of a condition.

    Args:
        schedule: `none`, `constant` or `cutoff`.
        l2: lambda.
        cutoff_step: first step without decay; read by `cutoff` alone.

    Raises:
        ValueError: the schedule is unknown, or `cutoff` has no cutoff step.
    """
    if schedule == "none":
        return Decay(0.0)
    if schedule == "constant":
        return Decay(l2)
    if schedule == "cutoff" and cutoff_step is not None:
        return Decay(l2, cutoff_step)
    if schedule == "cutoff":
        raise ValueError("schedule 'cutoff' needs a cutoff step")
    raise ValueError(f"unknown schedule {schedule!r}; allowed: none, constant, cutoff")
