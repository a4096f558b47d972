"""Replicates stepped together: manual forward and backward passes, buffers reused."""

from collections.abc import Sequence, Set

import numpy as np

from feedback_alignment.engines.arrays import Array, Arrays
from feedback_alignment.engines.lanes import intervene, null_feedback, start_lane
from feedback_alignment.metrics.observe import State, observe
from feedback_alignment.metrics.walk import WALK, Walk
from feedback_alignment.networks.parameters import Network
from feedback_alignment.streams import Streams
from feedback_alignment.training.batches import BatchOrder, Samples
from feedback_alignment.training.interventions import Stage, acts_at
from feedback_alignment.training.recording import Key
from feedback_alignment.training.setup import Setup


class TrainingRows:
    """Training samples as rows; with biases, a one follows each input."""

    def __init__(self, arrays: Arrays, samples: Samples, setup: Setup) -> None:
        settings = setup.condition
        self.size, self.shared = samples.size, samples.shared
        self.dimension = samples.inputs.shape[-1]
        inputs = samples.inputs.reshape(-1, self.dimension)
        rows = np.ones((len(inputs), self.dimension + settings.bias), settings.dtype)
        rows[:, : self.dimension] = inputs
        self.inputs = arrays.asarray(rows)
        self.targets = arrays.asarray(samples.targets.reshape(-1, samples.targets.shape[-1]))

    def of_lane(self, lane: int) -> tuple[Array, Array]:
        """Inputs (N, d) and targets (N, C)."""
        first = 0 if self.shared else lane * self.size
        rows = slice(first, first + self.size)
        return self.inputs[rows, : self.dimension], self.targets[rows]


class HeldOut:
    """Held-out samples."""

    def __init__(self, arrays: Arrays, samples: Samples) -> None:
        self._samples = samples
        self._inputs = arrays.asarray(samples.inputs)

    def of_lane(self, lane: int) -> tuple[Array, np.ndarray]:
        """Inputs (M, d) and labels (M,)."""
        inputs = self._inputs if self._samples.shared else self._inputs[lane]
        return inputs, self._samples.of_lane(lane)[1].argmax(axis=-1)


class LaneGroup:
    """L lanes that are stepped together.

    Arrays have the lane first. `W[l]` (L, n_l + 1, n_{l+1}) is W_{l+1}^T over the biases, and the
    activations `A[l]` (L, B, n_l + 1) end in a one; without biases both lack the last.

    Args:
        setup: of the run.
        arrays: array library.
        data: training samples of these lanes, or those of all.
        judged: held-out samples of the whole block, if any.
        streams: the run's random streams.
        lanes: place in the block and replicate of each lane.
    """

    def __init__(
        self,
        setup: Setup,
        arrays: Arrays,
        data: TrainingRows,
        judged: HeldOut | None,
        streams: Streams,
        lanes: Sequence[tuple[int, int]],
    ) -> None:
        self._setup, self._arrays, self._sizes = setup, arrays, setup.sizes
        self._settings = settings = setup.condition
        self._data, self._judged, self._root = data, judged, streams
        self._places = list(range(len(lanes)))
        self._psi, self._loss, self._rates = setup.activation, setup.loss, setup.rates
        self._indices, self._replicates = [list(numbers) for numbers in zip(*lanes, strict=True)]
        self._rows = settings.batch_size or data.size
        self._order = None
        if settings.batch_size:
            self._order = BatchOrder(data.size, self._rows, streams, self._replicates)
        starts = [start_lane(setup, streams, replicate) for replicate in self._replicates]
        self._streams = [streams for _, streams in starts]
        self._step = 0
        self._load([intervene(setup, 0, *start) for start in starts])
        self._draw()
        self._allocate()
        self._walk = Walk(arrays, self._W[:-1]) if setup.wanted & WALK else None

    @property
    def lanes(self) -> int:
        """Number of lanes."""
        return len(self._replicates)

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps; see `protocol.Engine`."""
        arrays, history = self._arrays, self._arrays.empty(count, self.lanes)
        scale = np.sqrt(self._data.size / self._rows)
        with np.errstate(over="ignore", invalid="ignore"):
            if not self._ready:
                self._forward()
            for row in history:
                self._update(1.0 - self._settings.eta * decay)
                self._step += 1
                if any(acts_at(each, self._step) for each in self._setup.interventions):
                    self._intervene()
                if self._walk is not None:
                    self._walk.follow(self._W[:-1])
                self._draw()
                self._forward()
                row[:] = arrays.norms(self._errors)
        # Read once: until then a GPU works on while Python asks for the next step.
        return scale * arrays.numpy(history)

    def observe(self, wanted: Set[str]) -> list[dict[Key, float]]:
        """The wanted metrics of each lane."""
        with np.errstate(over="ignore", invalid="ignore"):
            found = [observe(self._state(lane), wanted) for lane in range(self.lanes)]
            if self._walk is not None:
                # In their own order: that of a set changes from one process to the next.
                for name, distances in self._walk.distances().items():
                    if name in wanted:
                        for values, value in zip(found, distances, strict=True):
                            values[name, "hidden"] = float(value)
        return found

    def keep(self, lanes: np.ndarray) -> None:
        """Drop the other lanes; see `protocol.Engine`."""
        kept = np.flatnonzero(lanes)
        for name in ("_places", "_indices", "_replicates", "_streams", "_drawn"):
            setattr(self, name, [getattr(self, name)[lane] for lane in kept])
        if not self.lanes:
            return
        self._W = [W[kept.tolist()] for W in self._W]
        self._B = [B[kept.tolist()] for B in self._B]
        if self._walk is not None:
            self._walk.keep(kept.tolist())
        if self._order is not None:
            self._order.keep(lanes)
            self._index = self._index[kept.tolist()]
        self._allocate()

    def network(self, lane: int) -> Network:
        """Parameters of a lane, in double precision."""
        parts = self._view(lane)
        return Network(
            *(
                tuple(self._arrays.numpy(x).astype(np.float64) for x in part)
                for part in (parts.weights, parts.biases, parts.feedback)
            )
        )

    def _load(self, stages: Sequence[Stage]) -> None:
        """Take over lanes that interventions have made."""
        networks = [stage.network for stage in stages]
        layers = zip(*(network.weights for network in networks), strict=True)
        self._W = [np.stack(weights).mT for weights in layers]
        if self._settings.bias:
            shifts = zip(*(network.biases for network in networks), strict=True)
            rows = [np.stack(biases)[:, None, :] for biases in shifts]
            self._W = [np.concatenate(pair, axis=1) for pair in zip(self._W, rows, strict=True)]
        self._W = [self._arrays.asarray(W) for W in self._W]
        feedback = zip(*(network.feedback for network in networks), strict=True)
        self._B = [self._arrays.asarray(np.stack(each)) for each in feedback]
        self._drawn = [stage.drawn for stage in stages]
        self._rule, self._measured = stages[0].rule, stages[0].measured
        self._frozen = stages[0].frozen

    def _intervene(self) -> None:
        trained = (self._rule, self._measured, self._frozen)
        stages = [
            Stage(self.network(lane), *trained, drawn) for lane, drawn in enumerate(self._drawn)
        ]
        pairs = zip(stages, self._streams, strict=True)
        self._load([intervene(self._setup, self._step, *pair) for pair in pairs])

    def _draw(self) -> None:
        """Choose the samples of the next step."""
        if self._order is not None:
            offsets = np.array(self._places)[:, None] * self._data.size
            index = self._order.draw() + (0 if self._data.shared else offsets)
            self._index = self._arrays.indices(index)

    def _allocate(self) -> None:
        """Buffers of a step: A, H = W a, S = psi'(H), D = signals, G = gradients."""
        empty, lanes, rows, sizes = self._arrays.empty, self.lanes, self._rows, self._sizes
        self._A = [empty(lanes, rows, W.shape[1]) for W in self._W]
        for A, size in zip(self._A, sizes, strict=False):
            A[..., size:] = 1.0
        self._H = [empty(lanes, rows, size) for size in sizes[1:]]
        self._S = [empty(lanes, rows, size) for size in sizes[1:-1]]
        self._D = [empty(lanes, rows, size) for size in sizes[1:]]
        self._G = [empty(*W.shape) for W in self._W]
        self._errors = self._D[-1]
        if self._order is not None:
            self._Y = empty(lanes, rows, sizes[-1])
        else:
            shape = (1 if self._data.shared else -1, rows)
            inputs, targets = self._data.inputs, self._data.targets
            inputs, targets = (x.reshape(*shape, x.shape[1]) for x in (inputs, targets))
            self._A[0] = inputs if self._data.shared else inputs[self._places]
            self._Y = targets if self._data.shared else targets[self._places]
        self._ready = False

    def _forward(self) -> None:
        """Activations and errors of the chosen samples."""
        arrays, A, H = self._arrays, self._A, self._H
        if self._order is not None:
            arrays.gather(self._data.inputs, self._index, A[0])
            arrays.gather(self._data.targets, self._index, self._Y)
        for layer, W in enumerate(self._W):
            arrays.matmul(A[layer], W, H[layer])
            if layer < len(H) - 1:
                arrays.apply(self._psi, H[layer], A[layer + 1][..., : H[layer].shape[-1]])
        self._loss.errors(arrays, H[-1], self._Y, self._errors)
        self._ready = True

    def _update(self, shrink: float) -> None:
        """One step from the errors at hand."""
        arrays, rule, settings = self._arrays, self._rule, self._settings
        scale = settings.eta * self._loss.gain(self._rows)
        source = rule.source(self._errors, self._Y)
        if source is not self._errors:
            source = source * scale
        self._errors *= scale
        last = len(self._W) - 1
        if not self._frozen:
            self._signals(source)
        for layer in range(last if self._frozen else 0, last + 1):
            W, G = self._W[layer], self._G[layer]
            arrays.matmul(self._A[layer].mT, self._D[layer], G)
            if self._rates[layer] != 1.0:
                G *= self._rates[layer]
            decays = shrink != 1.0 and (layer == last or settings.decay_layers == "all")
            below = self._sizes[layer]
            if layer > 0 and rule.feedback_gradient is not None:
                B = self._B[layer - 1]
                gradient = rule.feedback_gradient(G[:, :below].mT, W[:, :below].mT, B)
                if decays:
                    B *= shrink
                B -= gradient
            if decays:
                W[:, :below] *= shrink
            W -= G

    def _signals(self, source: Array) -> None:
        """Error signals of the hidden layers, from what the output sends back."""
        direct = self._rule.path == "direct"
        origin = source
        for layer in range(len(self._W) - 2, -1, -1):
            H, S, D = self._H[layer], self._S[layer], self._D[layer]
            above = None if direct else self._W[layer + 1][:, : H.shape[-1]].mT
            weights = self._rule.backward_weights(above, self._B[layer])
            self._arrays.matmul(source if direct else origin, weights, D)
            self._arrays.slope(self._psi, H, self._A[layer + 1][..., : H.shape[-1]], S)
            D *= S
            origin = D

    def _view(self, lane: int) -> Network:
        """Parameters of a lane, as the group holds them."""
        sizes = self._sizes[:-1]
        weights = tuple(W[lane, :n].mT for W, n in zip(self._W, sizes, strict=True))
        biases = tuple(W[lane, -1] for W in self._W) if self._settings.bias else ()
        return Network(weights, biases, tuple(B[lane] for B in self._B))

    def _state(self, lane: int) -> State:
        arrays, setup, replicate = self._arrays, self._setup, self._replicates[lane]
        inputs, targets = self._data.of_lane(self._places[lane])

        def null() -> list[Array]:
            drawn = null_feedback(setup, self._measured, self._root, replicate)
            return [arrays.asarray(B) for B in drawn]

        return State(
            arrays=arrays,
            setup=setup,
            network=self._view(lane),
            rule=self._rule,
            measured=self._measured,
            frozen=self._frozen,
            null_feedback=null,
            inputs=inputs,
            targets=targets,
            held_out=self._judged and self._judged.of_lane(self._indices[lane]),
            moment=self._step in setup.moments,
        )
