"""Engine for networks with one hidden layer that tracks pre-activations instead of weights.

With the whole data set in every step, W acts only through H = W X^T, and its gradient step is
`H <- H - eta / sqrt(p) (v e^T * psi'(H)) K` with K = X X^T: exact, and p n^2 instead of p n d.
There the loss is 1/2 ||e||^2; for a multiple of it, eta is multiplied likewise. In mean field p
takes the place of sqrt(p), and eta p that of eta but in the decay.
"""

from collections.abc import Callable, Sequence, Set
from functools import partial
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
from feedback_alignment.networks.activations import Activation
from feedback_alignment.networks.parameters import Shallow, draw_shallow
from feedback_alignment.rules import RULES
from feedback_alignment.streams import Streams
from feedback_alignment.training.batches import Samples
from feedback_alignment.training.recording import Key
from feedback_alignment.training.setup import Setup

if TYPE_CHECKING:
    from feedback_alignment.conditions import Condition

# Elements of H that are stepped together, n times a number of units. Measured: at n = 50 the widest
# product that BLAS makes without copying its factors first, and all that it needs stays in the L2
# cache (1 MB here). Also less than the 32768 from which torch starts threads for one.
_TILE_SIZE = 20_000
# Those for which a step is compiled; the others are a pass of numpy or torch each.
_COMPILED = ("relu", "tanh", "sigmoid")


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
        stack = max(1, _TILE_SIZE // (targets.shape[1] * networks[0].output.size))
        groups = []
        for first in range(0, len(networks), stack):
            part = slice(first, first + stack)
            groups.append(_Group(setup, inputs[part], targets[part], networks[part]))
        super().__init__(groups)

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        """Output weights beta (R, p) and pre-activations H (R, p, n)."""
        states = [group.state() for group in self._groups]
        beta, preactivations = zip(*states, strict=True)
        return np.concatenate(beta), np.concatenate(preactivations)


class _Group:
    """L lanes that are stepped together.

    H and A = psi(H) are (L, p n): tile by tile, each with its hidden units last, which keeps loops
    long. Only a single lane has several tiles.
    """

    def __init__(
        self,
        setup: Setup,
        inputs: np.ndarray,
        targets: np.ndarray,
        networks: Sequence[Shallow],
    ) -> None:
        self._rule, self._measured = setup.rule, setup.measured
        self._activation, dtype = setup.activation, setup.condition.dtype
        self._eta, self._gain = setup.condition.eta, setup.loss.gain(inputs.shape[1])
        self._gram = (inputs @ inputs.mT).astype(dtype)
        self._targets = targets.astype(dtype)
        self._root, self._pace = setup.divisor, setup.rates[0]
        self._beta = np.stack([net.output for net in networks]).astype(dtype)
        self._b = np.stack([net.feedback for net in networks]).astype(dtype)
        lanes, width = self._beta.shape
        tiles = -(-width * targets.shape[1] // _TILE_SIZE)
        self._units = -(-width // tiles)
        H = inputs @ np.stack([net.hidden for net in networks]).mT
        parts = [H[..., tile].reshape(lanes, -1) for tile in self._tiles()]
        self._H = np.concatenate(parts, axis=1, dtype=dtype)
        self._A = np.empty_like(self._H)
        self._activation.apply(self._H, self._A)
        outputs = np.matvec(self._by_unit(self._A), self._beta)
        self._errors = outputs / np.array(self._root, dtype) - self._targets
        self._step: Callable[..., None] = partial(numpy_step, self._activation)
        if self._activation.name in _COMPILED:
            # Imports numba, which nobody who only asks what is served should wait for.
            from feedback_alignment.engines.compiled import compiled_step

            self._step = compiled_step(self._activation.name, dtype)

    @property
    def lanes(self) -> int:
        return len(self._targets)

    def advance(self, count: int, decay: float) -> np.ndarray:
        real = self._targets.dtype.type
        scale, shrink = self._eta * self._gain * self._pace / self._root, 1.0 - self._eta * decay
        numbers = map(real, (self._root, scale, shrink))
        constants = (self._gram, self._targets, *numbers, self._units)
        history = np.empty((count, *self._targets.shape), real)
        work = np.empty((2, self.lanes * self._targets.shape[1] * self._units), real)
        errors = self._errors
        with np.errstate(over="ignore", invalid="ignore"):
            for row in history:
                v = np.ascontiguousarray(self._rule.backward_weights(self._beta, self._b), real)
                self._step(self._H, self._A, self._beta, v, errors, *constants, work, row)
                errors = row
            self._errors = errors.copy()
            return error_norm(history)

    def observe(self, wanted: Set[str]) -> list[dict[Key, float]]:
        beta, b = self._beta, self._b
        v = self._rule.backward_weights(beta, b)
        compared = self._measured.backward_weights(beta, b)
        H = A = S = None
        with np.errstate(over="ignore", invalid="ignore"):
            if wanted & (OF_PREACTIVATIONS | OF_ACTIVATIONS | OF_SLOPES):
                H = self._by_unit(self._H)
            if H is not None and wanted & (OF_ACTIVATIONS | OF_SLOPES):
                A, S = np.empty_like(H), np.empty_like(H)
                self._activation.apply(H, A)
                self._activation.slope(H, A, S)
            return [
                observe_shallow(
                    wanted,
                    beta[i],
                    compared[i],
                    v[i],
                    self._errors[i],
                    self._gain,
                    self._gram[i],
                    *(None if X is None else X[i].T for X in (H, A, S)),
                )
                for i in range(self.lanes)
            ]

    def keep(self, lanes: np.ndarray) -> None:
        self._gram, self._targets = self._gram[lanes], self._targets[lanes]
        self._errors, self._H, self._A = self._errors[lanes], self._H[lanes], self._A[lanes]
        self._beta, self._b = self._beta[lanes], self._b[lanes]

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        return self._beta, self._by_unit(self._H).mT

    def _tiles(self) -> list[slice]:
        """The hidden units of each tile."""
        width = self._beta.shape[1]
        return [slice(i, min(i + self._units, width)) for i in range(0, width, self._units)]

    def _by_unit(self, X: np.ndarray) -> np.ndarray:
        """H or A as (L, n, p)."""
        lanes, n = self._targets.shape
        parts = [X[:, n * t.start : n * t.stop].reshape(lanes, n, -1) for t in self._tiles()]
        return np.concatenate(parts, axis=2)


def numpy_step(
    activation: Activation,
    H: np.ndarray,
    A: np.ndarray,
    beta: np.ndarray,
    v: np.ndarray,
    errors: np.ndarray,
    gram: np.ndarray,
    targets: np.ndarray,
    root: np.floating,
    scale: np.floating,
    shrink: np.floating,
    units: int,
    work: np.ndarray,
    out: np.ndarray,
) -> None:
    """One step of L networks, of which H, A = psi(H) (L, p n) and beta (L, p) are changed.

    Args:
        activation: psi.
        H: pre-activations, in tiles of `units` hidden units, each (n, units).
        A: psi(H) likewise.
        beta: output weights.
        v: backward weights (L, p) of before the step.
        errors: e (L, n) of before the step.
        gram: K (L, n, n).
        targets: y (L, n).
        root: sqrt(p), in mean field p.
        scale: eta / sqrt(p), in mean field eta, times the loss in units of 1/2 ||e||^2.
        shrink: 1 - eta lambda.
        units: hidden units of a tile but for the last; with L > 1 all.
        work: two arrays (2, L n units).
        out: e of after the step (L, n).
    """
    (lanes, n), width = errors.shape, beta.shape[1]
    scaled = (scale * errors)[:, None]
    signed_gram = gram * scaled
    out.fill(0.0)
    for first in range(0, width, units):
        last = min(first + units, width)
        tile, shape = slice(n * first, n * last), (lanes, n, last - first)
        h, a = H[:, tile].reshape(shape), A[:, tile].reshape(shape)
        signal, change = (x[: h.size].reshape(shape) for x in work)
        beta_tile = beta[:, None, first:last]
        activation.slope(h, a, signal)
        np.multiply(signal, v[:, None, first:last], out=signal)
        np.matmul(signed_gram, signal, out=change)
        np.subtract(h, change, out=h)
        beta_tile *= shrink
        beta_tile -= scaled @ a
        activation.apply(h, a)
        out += (a @ beta_tile.mT)[..., 0]
    np.divide(out, root, out=out)
    np.subtract(out, targets, out=out)
