"""Decay schedules of the output layer: how strongly the weights shrink at each step."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

_SONG = "Song, Xu and Lafferty, Convergence and alignment of gradient descent with random "
_SONG += "backpropagation weights, NeurIPS 2021"


class Decay(Protocol):
    """The decay lambda(t) in `beta <- (1 - eta lambda(t)) beta - eta dL/dbeta`.

    Schedules are constant between a few steps, so an engine asks once for each stretch of steps.

    Attributes:
        name: name in configs and tables.
        equation: lambda(t) in LaTeX.
        paper: where the schedule comes from.
        change_steps: the steps at which lambda changes, rising.
    """

    name: ClassVar[str]
    equation: ClassVar[str]
    paper: ClassVar[str]

    @property
    def change_steps(self) -> tuple[int, ...]: ...  # noqa: D102

    def decay_at(self, step: int) -> float:
        """Lambda in the update from `step` to `step + 1`."""
        ...


@dataclass(frozen=True)
class NoDecay:
    """No decay."""

    name: ClassVar[str] = "none"
    equation: ClassVar[str] = r"\lambda(t) = 0"
    paper: ClassVar[str] = _SONG
    change_steps: tuple[int, ...] = ()

    def decay_at(self, step: int) -> float:
        """Zero at every step."""
        return 0.0


@dataclass(frozen=True)
class ConstantDecay:
    """The same decay at every step.

    Attributes:
        l2: lambda.
    """

    l2: float
    name: ClassVar[str] = "constant"
    equation: ClassVar[str] = r"\lambda(t) = \lambda"
    paper: ClassVar[str] = _SONG
    change_steps: tuple[int, ...] = ()

    def decay_at(self, step: int) -> float:
        """Lambda at every step."""
        return self.l2


@dataclass(frozen=True)
class CutoffDecay:
    """Decay up to a step, none from then on.

    Attributes:
        l2: lambda before the cutoff.
        cutoff_step: T, the first step without decay.
    """

    l2: float
    cutoff_step: int
    name: ClassVar[str] = "cutoff"
    equation: ClassVar[str] = r"\lambda(t) = \lambda \, [t < T]"
    paper: ClassVar[str] = _SONG

    @property
    def change_steps(self) -> tuple[int, ...]:
        """The cutoff."""
        return (self.cutoff_step,)

    def decay_at(self, step: int) -> float:
        """Lambda before the cutoff, zero from it on."""
        return self.l2 if step < self.cutoff_step else 0.0


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
        return NoDecay()
    if schedule == "constant":
        return ConstantDecay(l2)
    if schedule == "cutoff" and cutoff_step is not None:
        return CutoffDecay(l2, cutoff_step)
    if schedule == "cutoff":
        raise ValueError("schedule 'cutoff' needs a cutoff step")
    raise ValueError(f"unknown schedule {schedule!r}; allowed: none, constant, cutoff")
