"""What a simulation leaves: metrics on a grid of steps, and how each replicate ended."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# Metric and layer.
Key = tuple[str, str]


@dataclass(frozen=True)
class Recording:
    """Recorded course of R replicates.

    Attributes:
        steps: recorded steps (T,), from 0 to the last.
        values: by metric and layer, values (R, T); the layer is empty for the whole network. From
            `end_step` on they are NaN in a diverged replicate, and repeat the values found at
            `end_step` in a settled one.
        status: `ok`, `settled`, `unsettled` or `diverged` (R,).
        end_step: the first diverged step, the step found settled, or the last step (R,).
    """

    steps: np.ndarray
    values: dict[Key, np.ndarray]
    status: np.ndarray
    end_step: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """The recording as named arrays; a metric's values are `metric_<name>@<layer>`."""
        named = {f"metric_{name}@{layer}": value for (name, layer), value in self.values.items()}
        status = {"steps": self.steps, "status": self.status, "end_step": self.end_step}
        return {**status, **named}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Recording":
        """The recording that `arrays` gave."""
        values = {}
        for name, value in arrays.items():
            if name.startswith("metric_"):
                metric, _, layer = name.removeprefix("metric_").partition("@")
                values[metric, layer] = value
        return cls(arrays["steps"], values, arrays["status"], arrays["end_step"])


class Recorder:
    """Collects a recording while replicates end one after another.

    Args:
        grid: steps to record (T,), rising from 0.
        lanes: R.

    Attributes:
        alive: indices of the replicates that still train.
        initial: their error norms at step 0.
    """

    def __init__(self, grid: np.ndarray, lanes: int) -> None:
        self.alive = np.arange(lanes)
        self.initial = np.full(lanes, np.nan)
        self._column_of = {step: column for column, step in enumerate(grid.tolist())}
        self._grid = grid
        self._values: dict[Key, np.ndarray] = {}
        self._status = np.full(lanes, "ok", dtype="<U9")
        self._end_step = np.full(lanes, grid[-1], dtype=np.int64)

    def records(self, step: int) -> bool:
        """Whether a step is on the grid."""
        return step in self._column_of

    def record(self, step: int, metrics: dict[Key, np.ndarray]) -> None:
        """Enter the metrics of the living replicates at a step of the grid."""
        if step == 0:
            self.initial = metrics["error_norm", ""]
            shape = self._status.size, self._grid.size
            self._values = {key: np.full(shape, np.nan) for key in metrics}
        for key, value in metrics.items():
            self._values[key][self.alive, self._column_of[step]] = value

    def repeat(self, lanes: np.ndarray, step: int, metrics: dict[Key, np.ndarray]) -> None:
        """Enter metrics at all later steps of the grid.

        Args:
            lanes: mask over the living replicates.
            step: the step of the metrics.
            metrics: values of these replicates.
        """
        later = np.flatnonzero(self._grid > step)
        for key, value in metrics.items():
            self._values[key][np.ix_(self.alive[lanes], later)] = value[:, None]

    def end(self, lanes: np.ndarray, status: str, step: np.ndarray | int) -> None:
        """Mark replicates as ended and strike them off the living.

        Args:
            lanes: mask over the living replicates.
            status: how they ended.
            step: when, of each or of all.
        """
        self._status[self.alive[lanes]] = status
        self._end_step[self.alive[lanes]] = step
        self.alive, self.initial = self.alive[~lanes], self.initial[~lanes]

    def recording(self) -> Recording:
        """The finished recording."""
        return Recording(self._grid, self._values, self._status, self._end_step)


def recording_grid(steps: int, points_per_decade: int, linear_points: int) -> np.ndarray:
    """The steps to record: 0, a geometric and a linear sequence, and the last step.

    Args:
        steps: number of steps of the run.
        points_per_decade: steps of the geometric sequence 1, ..., `steps` in each decade; 0 for
            none.
        linear_points: number of equal stretches of the linear sequence; 0 for none.

    Returns:
        Rising steps (T,), int64.
    """
    grid = {0, steps}
    if points_per_decade and steps:
        exponents = np.arange(int(np.log10(steps) * points_per_decade) + 2) / points_per_decade
        grid.update(s for s in np.rint(10.0**exponents).astype(int).tolist() if s <= steps)
    if linear_points:
        grid.update(np.rint(np.linspace(0, steps, linear_points + 1)).astype(int).tolist())
    return np.array(sorted(grid), dtype=np.int64)
