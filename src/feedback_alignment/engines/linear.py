"""Engine for linear networks with one hidden layer whose cost a step is n^2, whatever the width.

With K = X X^T = U diag(k) U^T, all that training reaches lies in the span of the columns of
B = [H_0 U, beta_0, b]: `beta = B w` and `H U = B P`. Of B only `M = B^T B / p` matters. Errors and
targets are turned by U^T, which leaves norms, cosines and eigenvalues alone. Then

    e = sqrt(p) P^T M w - y                    outputs H^T beta / sqrt(p), less targets
    w <- (1 - eta lambda) w - eta / sqrt(p) P e
    P <- P - eta / sqrt(p) v (k * e)^T         v = w (BP), the unit vector of b (FA)

with w and P of before the step on every right side. Under FA only the last row of P changes, so a
step costs one matrix-vector product. In mean field 1 takes the place of sqrt(p).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

import numpy as np

from feedback_alignment.engines.gram import expected_gram, explicit_gram, wishart_gram
from feedback_alignment.engines.law import LawBeside
from feedback_alignment.engines.protocol import Engine
from feedback_alignment.engines.serving import SHALLOW, outside
from feedback_alignment.metrics.kernels import KERNEL_METRICS, kernel_metrics
from feedback_alignment.metrics.magnitude import error_norm, loss
from feedback_alignment.rules.bp import BP
from feedback_alignment.rules.fa import FA
from feedback_alignment.rules.rule import Rule
from feedback_alignment.streams import Streams
from feedback_alignment.training.batches import Samples
from feedback_alignment.training.recording import Key
from feedback_alignment.training.setup import Setup

if TYPE_CHECKING:
    from feedback_alignment.conditions import Condition


def unserved(condition: "Condition") -> str | None:
    """Why this engine does not serve a condition; see `engines`."""
    # The algebra is each rule's own, and needs the range of float64.
    own = {"activation": ("linear",), "rule": tuple(LINEAR_ENGINES), "dtype": ("float64",)}
    return outside("linear", condition, {**own, **SHALLOW, "law": (False, True)})


def build(
    setup: Setup,
    training: Samples,
    held_out: Samples | None,
    streams: Streams,
    replicates: Sequence[int],
) -> Engine:
    """The engine at its initial state; see `engines`."""
    condition, width = setup.condition, setup.condition.width
    pairs = [training.of_lane(lane) for lane in range(len(replicates))]
    inputs, targets = np.stack([x for x, _ in pairs]), np.stack([y[:, 0] for _, y in pairs])
    powers, modes = np.linalg.eigh(inputs @ inputs.mT)
    powers = np.maximum(powers, 0.0)
    grams = []
    for x, k, U, replicate in zip(inputs, powers, modes, replicates, strict=True):
        if condition.weights == "explicit":
            grams.append(explicit_gram(U, x, streams, replicate, width))
        elif condition.weights == "wishart":
            grams.append(wishart_gram(k, streams, replicate, width))
        else:
            raise ValueError(f"unknown weights {condition.weights!r}; allowed: explicit, wishart")
    rotated = np.matvec(modes.mT, targets)
    gain, root = setup.loss.gain(condition.samples), setup.divisor / setup.rates[0]

    def with_gram(gram: np.ndarray) -> LinearEngine:
        kind = LINEAR_ENGINES[condition.rule]
        return kind(gram, powers, rotated, root, condition.eta, gain)

    engine = with_gram(np.stack(grams))
    if not condition.law:
        return engine
    return LawBeside(engine, with_gram(np.stack([expected_gram(k) for k in powers])))


class LinearEngine(ABC):
    """Linear networks with one hidden layer, full batch, reduced to 2 n + 4 coordinates at least.

    Args:
        gram: M (R, n + 2, n + 2).
        powers: k (R, n), eigenvalues of K.
        targets: U^T y (R, n).
        root: sqrt(p), or 1 in mean field.
        eta: step size.
        gain: the loss over 1/2 ||e||^2; above, eta of the gradients is eta times this.
    """

    _rule: Rule
    _errors: np.ndarray

    def __init__(
        self,
        gram: np.ndarray,
        powers: np.ndarray,
        targets: np.ndarray,
        root: float,
        eta: float,
        gain: float = 1.0,
    ) -> None:
        self._gram, self._powers, self._targets = gram, powers, targets
        self._root, self._eta, self._gain = root, eta, gain
        self._rate = eta * gain
        self._start()

    @abstractmethod
    def _start(self) -> None:
        """Set the initial state."""

    @abstractmethod
    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps; see `protocol.Engine`."""

    @abstractmethod
    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """The state: w (R, n + 2) and P (R, n + 2, n)."""

    def observe(self, wanted: Set[str]) -> dict[Key, np.ndarray]:
        """Metrics of each lane; see `protocol.Engine`.

        With psi' = 1 every hidden unit counts alike, so signals and gradients are aligned exactly
        as the weights are.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            w, P = self.coordinates()
            products = np.matvec(self._gram, w)
            power = np.vecdot(w, products)
            alignment = products[:, -1] / np.sqrt(power * self._gram[:, -1, -1])
            values = {
                ("loss", ""): self._gain * loss(self._errors),
                ("error_norm", ""): error_norm(self._errors),
                ("weight_alignment", "output"): alignment,
                ("signal_alignment", "hidden"): alignment,
                ("gradient_alignment", "hidden"): alignment,
                ("beta_norm", "output"): np.sqrt(power),
            }
            if wanted & {"hidden_norm", *KERNEL_METRICS}:
                output_kernel = P.mT @ self._gram @ P
                squares = np.trace(output_kernel, axis1=1, axis2=2)
                values["hidden_norm", "hidden"] = np.sqrt(squares / P.shape[2])
            if wanted & KERNEL_METRICS:
                v = self._rule.backward_weights(w, np.eye(w.shape[1])[-1])
                hidden = np.vecdot(products, v)[:, None] * self._powers
                pairs = zip(output_kernel, hidden, strict=True)
                rows = [kernel_metrics(output, np.diag(k)) for output, k in pairs]
                values |= {(name, ""): np.array([row[name] for row in rows]) for name in rows[0]}
        return {key: value for key, value in values.items() if key[0] in wanted}

    def keep(self, lanes: np.ndarray) -> None:
        """Drop the other lanes; see `protocol.Engine`."""
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(self, name, value[lanes])


class LinearFeedback(LinearEngine):
    """Feedback alignment.

    A step is few calls on short arrays, so constants are absorbed: the state is
    `s = [sqrt(p) / rate w, 1]`, and `Q s` gives the rows of `sqrt(p) M w` for H U, less the
    targets, and for b.
    """

    _rule = FA

    def _start(self) -> None:
        lanes, samples = self._targets.shape
        rows = np.delete(self._gram, samples, axis=1)
        constant = np.append(-self._targets, np.zeros((lanes, 1)), axis=1)
        self._matrix = np.append(self._rate * rows, constant[:, :, None], axis=2)
        self._state = np.zeros((lanes, samples + 3))
        self._state[:, samples] = self._root / self._rate
        self._state[:, -1] = 1.0
        # The last row of P.
        self._path = np.zeros((lanes, samples))
        self._errors = np.matvec(self._matrix, self._state)[:, :-1]

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps; see `protocol.Engine`."""
        lanes, samples = self._targets.shape
        history = np.empty((count, lanes, samples))
        shrink = np.full(samples + 3, 1.0 - self._eta * decay)
        shrink[-1] = 1.0
        step = self._rate / self._root * self._powers
        products, change = np.empty((lanes, samples + 1)), np.empty((lanes, samples))
        along_b = np.empty(lanes)
        matrix, state, path, errors = self._matrix, self._state, self._path, self._errors
        state_H, state_b = state[:, :samples], state[:, samples + 1]
        product_H, product_b = products[:, :samples], products[:, samples:]
        with np.errstate(over="ignore", invalid="ignore"):
            for row in history:
                np.vecdot(path, errors, out=along_b)
                if decay:
                    np.multiply(state, shrink, out=state)
                np.subtract(state_H, errors, out=state_H)
                np.subtract(state_b, along_b, out=state_b)
                np.multiply(step, errors, out=change)
                np.subtract(path, change, out=path)
                np.matvec(matrix, state, out=products)
                np.multiply(path, product_b, out=row)
                np.add(row, product_H, out=row)
                errors = row
            self._errors = errors.copy()
            return error_norm(history)

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """The state; see `LinearEngine`."""
        lanes, samples = self._targets.shape
        P = np.zeros((lanes, samples + 2, samples))
        P[:, :samples] = np.eye(samples)
        P[:, -1] = self._path
        return self._rate / self._root * self._state[:, :-1], P


class LinearBackprop(LinearEngine):
    """Backpropagation. The feedback b takes no part, so w and P have no entry for it here."""

    _rule = BP

    def _start(self) -> None:
        lanes, samples = self._targets.shape
        # sqrt(p) w
        self._weights = np.zeros((lanes, samples + 1))
        self._weights[:, -1] = self._root
        self._basis = np.zeros((lanes, samples + 1, samples))
        self._basis[:, :samples] = np.eye(samples)
        products = np.matvec(self._gram[:, :-1, :-1], self._weights)
        self._errors = np.vecmat(products, self._basis) - self._targets

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps; see `protocol.Engine`."""
        lanes, samples = self._targets.shape
        history = np.empty((count, lanes, samples))
        shrink = 1.0 - self._eta * decay
        step = self._rate / self._root**2 * self._powers
        gram = np.ascontiguousarray(self._gram[:, :-1, :-1])
        products, output_step = np.empty((2, lanes, samples + 1))
        scaled, change = np.empty((lanes, samples)), np.empty_like(self._basis)
        weights, basis, errors = self._weights, self._basis, self._errors
        with np.errstate(over="ignore", invalid="ignore"):
            for row in history:
                np.matvec(basis, errors, out=output_step)
                np.multiply(step, errors, out=scaled)
                np.multiply(weights[:, :, None], scaled[:, None, :], out=change)
                np.subtract(basis, change, out=basis)
                if decay:
                    np.multiply(weights, shrink, out=weights)
                np.multiply(output_step, self._rate, out=output_step)
                np.subtract(weights, output_step, out=weights)
                np.matvec(gram, weights, out=products)
                np.vecmat(products, basis, out=row)
                np.subtract(row, self._targets, out=row)
                errors = row
            self._errors = errors.copy()
            return error_norm(history)

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """The state; see `LinearEngine`."""
        lanes, samples = self._targets.shape
        w, P = np.zeros((lanes, samples + 2)), np.zeros((lanes, samples + 2, samples))
        w[:, :-1] = self._weights / self._root
        P[:, :-1] = self._basis
        return w, P


# The algebra is each rule's own.
LINEAR_ENGINES = {"bp": LinearBackprop, "fa": LinearFeedback}
