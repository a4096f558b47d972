"""Engine for networks with one hidden layer that tracks pre-activations instead of weights.

With the whole data set in every step, W acts only through H = W X^T, and its gradient step is
`H <- H - eta / sqrt(p) (v e^T * psi'(H)) K` with K = X X^T: exact, and p n^2 instead of p n d.
There the loss is 1/2 ||e||^2; for a multiple of it, eta is multiplied likewise. In mean field p
takes the place of sqrt(p), and eta p that of eta but in the decay.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from feedback_alignment.engines.grouped import Grouped
from feedback_alignment.engines.serving import SHALLOW, outside
from feedback_alignment.metrics.magnitude import error_norm
from feedback_alignment.metrics.shallow import (
    OF_ACTIVATIONS,
    OF_PREACTIVATIONS,
    OF_SLOPES,
    observe_shallow,
)
from feedback_alignment.networks.parameters import Shallow, draw_shallow
from feedback_alignment.rules import RULES
from feedback_alignment.streams import Streams
from feedback_alignment.training.batches import Samples
from feedback_alignment.training.recording import Key
from feedback_alignment.training.setup import Setup

if TYPE_CHECKING:
    from feedback_alignment.conditions import Condition

# Elements of one working array, of which four are in use at a time. Measured: best while they fit
# the L2 cache (1 MB here). Also less than the 32768 from which torch starts threads for one.
_TILE_SIZE = 32_000


def unserved(condition: "Condition") -> str | None:
    """Why this engine does not serve a condition; see `engines`."""
    own = {
        "weights": ("explicit",),
        "rule": tuple(name for name, rule in RULES.items() if rule.plain),
    }
    return outside("preactivation", condition, {**own, **SHALLOW})


def build(
    setup: Setup,
    training: Samples,
    held_out: Samples | None,
    streams: Streams,
    replicates: Sequence[int],
) -> "PreactivationEngine":
    """The engine at its initial state; see `engines`."""
    pairs = [training.of_lane(lane) for lane in range(len(replicates))]
    inputs, targets = np.stack([x for x, _ in pairs]), np.stack([y[:, 0] for _, y in pairs])
    width = setup.condition.width
    networks = [draw_shallow(streams, r, width, setup.sizes[0]) for r in replicates]
    return PreactivationEngine(setup, inputs, targets, networks)


class PreactivationEngine(Grouped["_Group"]):
    """Networks with one hidden layer and one output, full batch, any activation and rule.

    Narrow networks are stacked and stepped together; a wide one is cut into tiles of hidden units,
    and a step goes through them one after another.

    Args:
        setup: of the run.
        inputs: X (R, n, d).
        targets: y (R, n).
        networks: initial weights of the R lanes.
    """

    def __init__(
        self,
        setup: Setup,
        inputs: np.ndarray,
        targets: np.ndarray,
        networks: Sequence[Shallow],
    ) -> None:
        lane_size = targets.shape[1] * networks[0].output.size
        stack, tiles = max(1, _TILE_SIZE // lane_size), -(-lane_size // _TILE_SIZE)
        groups = []
        for first in range(0, len(networks), stack):
            part = slice(first, first + stack)
            groups.append(_Group(setup, inputs[part], targets[part], networks[part], tiles))
        super().__init__(groups)

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        """Output weights beta (R, p) and pre-activations H (R, p, n)."""
        states = [group.state() for group in self._groups]
        beta, preactivations = zip(*states, strict=True)
        return np.concatenate(beta), np.concatenate(preactivations)


@dataclass
class _Tile:
    """Some hidden units of each of L lanes; units come last, which keeps numpy's loops long.

    H and A = psi(H) are (L, n, units); beta and b are (L, 1, units).
    """

    H: np.ndarray
    A: np.ndarray
    beta: np.ndarray
    b: np.ndarray


class _Group:
    """L lanes that are stepped together."""

    def __init__(
        self,
        setup: Setup,
        inputs: np.ndarray,
        targets: np.ndarray,
        networks: Sequence[Shallow],
        tiles: int,
    ) -> None:
        self._rule, self._measured = setup.rule, setup.measured
        self._activation, dtype = setup.activation, setup.condition.dtype
        self._eta, self._gain = setup.condition.eta, setup.loss.gain(inputs.shape[1])
        self._gram = (inputs @ inputs.mT).astype(dtype)
        self._targets = targets.astype(dtype)
        self._root, self._pace = setup.divisor, setup.rates[0]
        hidden = np.stack([net.hidden for net in networks])
        units = -(-hidden.shape[1] // tiles)
        H = inputs @ hidden.mT
        beta = np.stack([net.output for net in networks])[:, None, :]
        b = np.stack([net.feedback for net in networks])[:, None, :]
        self._tiles = []
        for first in range(0, hidden.shape[1], units):
            part = [x[..., first : first + units].astype(dtype, order="C") for x in (H, beta, b)]
            self._tiles.append(_Tile(part[0], np.empty_like(part[0]), part[1], part[2]))
        outputs = np.zeros_like(self._targets)
        for tile in self._tiles:
            self._activation.apply(tile.H, tile.A)
            outputs += (tile.A @ tile.beta.mT)[..., 0]
        self._errors = outputs / self._root - self._targets

    @property
    def lanes(self) -> int:
        return len(self._targets)

    def advance(self, count: int, decay: float) -> np.ndarray:
        apply, slope = self._activation.apply, self._activation.slope
        backward_weights = self._rule.backward_weights
        scale = self._eta * self._gain * self._pace / self._root
        shrink = 1.0 - self._eta * decay
        lanes, samples = self._targets.shape
        history = np.empty((count, *self._targets.shape), self._targets.dtype)
        scaled = np.empty((lanes, 1, samples), history.dtype)
        signed_gram = np.empty_like(self._gram)
        outputs, part = (np.empty((lanes, samples, 1), history.dtype) for _ in range(2))
        work = [_work_arrays(tile) for tile in self._tiles]
        errors = self._errors
        with np.errstate(over="ignore", invalid="ignore"):
            for row in history:
                # Everything here uses the errors and output weights of before the step.
                np.multiply(errors[:, None, :], scale, out=scaled)
                np.multiply(self._gram, scaled, out=signed_gram)
                outputs.fill(0.0)
                for tile, (signal, change, output_step) in zip(self._tiles, work, strict=True):
                    slope(tile.H, tile.A, signal)
                    np.multiply(signal, backward_weights(tile.beta, tile.b), out=signal)
                    np.matmul(signed_gram, signal, out=change)
                    np.matmul(scaled, tile.A, out=output_step)
                    np.subtract(tile.H, change, out=tile.H)
                    if shrink != 1.0:
                        np.multiply(tile.beta, shrink, out=tile.beta)
                    np.subtract(tile.beta, output_step, out=tile.beta)
                    apply(tile.H, tile.A)
                    np.matmul(tile.A, tile.beta.mT, out=part)
                    np.add(outputs, part, out=outputs)
                np.divide(outputs[..., 0], self._root, out=row)
                np.subtract(row, self._targets, out=row)
                errors = row
            self._errors = errors.copy()
            return error_norm(history)

    def observe(self, wanted: Set[str]) -> list[dict[Key, float]]:
        beta, b = self._units("beta"), self._units("b")
        v = self._rule.backward_weights(beta, b)
        compared = self._measured.backward_weights(beta, b)
        H = self._units("H") if wanted & OF_PREACTIVATIONS else None
        A = self._units("A") if wanted & OF_ACTIVATIONS else None
        S = self._slopes() if wanted & OF_SLOPES else None
        with np.errstate(over="ignore", invalid="ignore"):
            return [
                observe_shallow(
                    wanted,
                    beta[i, 0],
                    compared[i, 0],
                    v[i, 0],
                    self._errors[i],
                    self._gain,
                    self._gram[i],
                    *(None if X is None else X[i].T for X in (H, A, S)),
                )
                for i in range(self.lanes)
            ]

    def keep(self, lanes: np.ndarray) -> None:
        self._gram, self._targets = self._gram[lanes], self._targets[lanes]
        self._errors = self._errors[lanes]
        for tile in self._tiles:
            tile.H, tile.A = tile.H[lanes], tile.A[lanes]
            tile.beta, tile.b = tile.beta[lanes], tile.b[lanes]

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        return self._units("beta")[:, 0], self._units("H").mT

    def _slopes(self) -> np.ndarray:
        slopes = []
        for tile in self._tiles:
            slopes.append(np.empty_like(tile.H))
            self._activation.slope(tile.H, tile.A, slopes[-1])
        return np.concatenate(slopes, axis=2)

    def _units(self, name: str) -> np.ndarray:
        return np.concatenate([getattr(tile, name) for tile in self._tiles], axis=2)


def _work_arrays(tile: _Tile) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.empty_like(tile.H), np.empty_like(tile.H), np.empty_like(tile.beta)
