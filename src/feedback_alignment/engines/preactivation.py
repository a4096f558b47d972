"""Engine for networks with one hidden layer that tracks pre-activations instead of weights.

With the whole data set in every step, W acts only through H = W X^T, and its gradient step is
`H <- H - eta / sqrt(p) (v e^T * psi'(H)) K` with K = X X^T: exact, and p n^2 instead of p n d.
There the loss is 1/2 ||e||^2; for a multiple of it, eta is multiplied likewise. In mean field p
takes the place of sqrt(p), and eta p that of eta but in the decay.
"""

from collections.abc import Callable, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from feedback_alignment.engines.arrays import Array, Arrays, NumpyArrays, arrays_for
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

# Elements of H that a processor steps together, n times a number of units. Measured: at n = 50 the
# widest product that BLAS makes without copying its factors first, and all that it needs stays in
# the L2 cache (1 MB here).
_TILE_SIZE = 20_000
# Those for which a step is compiled, for the processor; the others take a pass of numpy for each
# part of it.
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

    On a processor narrow networks are stacked and stepped together; a wide one is cut into tiles of
    hidden units, and a step goes through them one after another. On a GPU all are stepped at once.

    Args:
        setup: of the run.
        inputs: X (R, n, d).
        targets: y (R, n).
        networks: initial weights of the R lanes.
        arrays: array library; None for that of the condition's device.
    """

    def __init__(
        self,
        setup: Setup,
        inputs: np.ndarray,
        targets: np.ndarray,
        networks: Sequence[Shallow],
        arrays: Arrays | None = None,
    ) -> None:
        arrays = arrays or arrays_for(setup.condition.device, setup.condition.dtype)
        stack = max(1, _TILE_SIZE // (targets.shape[1] * networks[0].output.size))
        if not arrays.cached:
            stack = len(networks)
        groups = []
        for first in range(0, len(networks), stack):
            part = slice(first, first + stack)
            groups.append(_Group(setup, arrays, inputs[part], targets[part], networks[part]))
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
        arrays: Arrays,
        inputs: np.ndarray,
        targets: np.ndarray,
        networks: Sequence[Shallow],
    ) -> None:
        self._rule, self._measured, self._arrays = setup.rule, setup.measured, arrays
        self._activation, dtype = setup.activation, setup.condition.dtype
        self._eta, self._gain = setup.condition.eta, setup.loss.gain(inputs.shape[1])
        self._root, self._pace = setup.divisor, setup.rates[0]
        beta = np.stack([net.output for net in networks]).astype(dtype)
        b = np.stack([net.feedback for net in networks]).astype(dtype)
        lanes, width = beta.shape
        tiles = -(-width * targets.shape[1] // _TILE_SIZE) if arrays.cached else 1
        self._width, self._units = width, -(-width // tiles)
        H = inputs @ np.stack([net.hidden for net in networks]).mT
        parts = [H[..., tile].reshape(lanes, -1) for tile in self._tiles()]
        H = np.concatenate(parts, axis=1, dtype=dtype)
        A = np.empty_like(H)
        self._activation.apply(H, A)
        y = targets.astype(dtype)
        errors = np.matvec(self._by_unit(A), beta) / np.array(self._root, dtype) - y
        self._gram = arrays.asarray(inputs @ inputs.mT)
        self._targets, self._errors, self._beta, self._b, self._H, self._A = map(
            arrays.asarray, (y, errors, beta, b, H, A)
        )
        # Numbers of the type of the arrays: compiled code does not convert them.
        self._real: Callable[[float], Any] = float
        self._kernel: Callable[..., None] = partial(plain_step, arrays, self._activation)
        # Made for the lanes and the decay at hand.
        self._step: Callable[[], None] | None = None
        self._decay = 0.0
        if isinstance(arrays, NumpyArrays) and self._activation.name in _COMPILED:
            # Imports numba, which nobody who only asks what is served should wait for.
            from feedback_alignment.engines.compiled import compiled_step

            self._real = np.dtype(dtype).type
            self._kernel = compiled_step(self._activation.name, dtype)

    @property
    def lanes(self) -> int:
        return len(self._targets)

    def advance(self, count: int, decay: float) -> np.ndarray:
        arrays = self._arrays
        if self._step is None or decay != self._decay:
            self._step, self._decay = self._step_with(decay), decay
        history = arrays.empty(count, *self._errors.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            for row in history:
                self._step()
                row[:] = self._errors
            return error_norm(arrays.numpy(history))

    def _step_with(self, decay: float) -> Callable[[], None]:
        """One step of all lanes, in place."""
        arrays, (lanes, n) = self._arrays, self._targets.shape
        scale, shrink = self._eta * self._gain * self._pace / self._root, 1.0 - self._eta * decay
        numbers = map(self._real, (self._root, scale, shrink))
        constants = (self._gram, self._targets, *numbers, self._units)
        work, out = arrays.empty(2, lanes * n * self._units), arrays.empty(lanes, n)

        def step() -> None:
            v = self._rule.backward_weights(self._beta, self._b)
            self._kernel(self._H, self._A, self._beta, v, self._errors, *constants, work, out)
            self._errors[:] = out

        return arrays.repeated(step)

    def observe(self, wanted: Set[str]) -> list[dict[Key, float]]:
        parts = (self._beta, self._b, self._errors, self._gram)
        beta, b, errors, gram = map(self._arrays.numpy, parts)
        v = self._rule.backward_weights(beta, b)
        compared = self._measured.backward_weights(beta, b)
        H = A = S = None
        with np.errstate(over="ignore", invalid="ignore"):
            if wanted & (OF_PREACTIVATIONS | OF_ACTIVATIONS | OF_SLOPES):
                H = self._arrays.numpy(self._by_unit(self._H))
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
                    errors[i],
                    self._gain,
                    gram[i],
                    *(None if X is None else X[i].T for X in (H, A, S)),
                )
                for i in range(self.lanes)
            ]

    def keep(self, lanes: np.ndarray) -> None:
        kept = np.flatnonzero(lanes).tolist()
        for name in ("_gram", "_targets", "_errors", "_H", "_A", "_beta", "_b"):
            setattr(self, name, getattr(self, name)[kept])
        self._step = None

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        numpy = self._arrays.numpy
        return numpy(self._beta), numpy(self._by_unit(self._H).mT)

    def _tiles(self) -> list[slice]:
        """The hidden units of each tile."""
        width, units = self._width, self._units
        return [slice(i, min(i + units, width)) for i in range(0, width, units)]

    def _by_unit(self, X: Array) -> Array:
        """H or A as (L, n, p)."""
        lanes, n = len(X), X.shape[1] // self._width
        parts = [X[:, n * t.start : n * t.stop].reshape(lanes, n, -1) for t in self._tiles()]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)


def plain_step(
    arrays: Arrays,
    activation: Activation,
    H: Array,
    A: Array,
    beta: Array,
    v: Array,
    errors: Array,
    gram: Array,
    targets: Array,
    root: float,
    scale: float,
    shrink: float,
    units: int,
    work: Array,
    out: Array,
) -> None:
    """One step of L networks, of which H, A = psi(H) (L, p n) and beta (L, p) are changed.

    Args:
        arrays: library of the arrays.
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
    scaled = (errors * scale)[:, None]
    signed_gram = gram * scaled
    out[:] = 0.0
    for first in range(0, width, units):
        last = min(first + units, width)
        size, shape = n * (last - first), (lanes, n, last - first)
        h, a = (X[:, n * first : n * last].reshape(shape) for X in (H, A))
        signal, change = (x[: lanes * size].reshape(shape) for x in work)
        beta_tile = beta[:, None, first:last]
        arrays.slope(activation, h, a, signal)
        signal *= v[:, None, first:last]
        arrays.subtract_product(signed_gram, signal, change, h)
        beta_tile *= shrink
        beta_tile -= scaled @ a
        arrays.apply(activation, h, a)
        out += (a @ beta_tile.mT)[..., 0]
    out /= root
    out -= targets
