"""Engines for linear two-layer networks whose cost a step is n^2, whatever the width.

With K = X X^T = U diag(k) U^T, all that training reaches lies in the span of the columns of
B = [H_0 U, beta_0, b]: `beta = B w` and `H U = B P`. Of B only `M = B^T B / p` matters. Errors and
targets are turned by U^T, which leaves norms, cosines and eigenvalues alone. Then

    e = sqrt(p) P^T M w - y                    outputs H^T beta / sqrt(p), less targets
    w <- (1 - eta lambda) w - eta / sqrt(p) P e
    P <- P - eta / sqrt(p) v (k * e)^T         v = w (BP), the unit vector of b (FA)

with w and P of before the step on every right side. Under FA only the last row of P changes, so a
step costs one matrix-vector product.
"""

from abc import ABC, abstractmethod

import numpy as np

from feedback_alignment.metrics.kernels import kernel_metrics
from feedback_alignment.metrics.magnitude import error_norm, loss
from feedback_alignment.rules import BP, FA, Rule


class LinearEngine(ABC):
    """Linear two-layer networks, full batch, reduced to 2 n + 4 coordinates at least.

    Args:
        gram: M (R, n + 2, n + 2).
        powers: k (R, n), eigenvalues of K.
        targets: U^T y (R, n).
        width: p.
        eta: step size.
    """

    _rule: Rule

    def __init__(
        self, gram: np.ndarray, powers: np.ndarray, targets: np.ndarray, width: int, eta: float
    ) -> None:
        self._gram, self._powers, self._targets = gram, powers, targets
        self._root, self._eta = np.sqrt(width), eta

    @abstractmethod
    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps; see `driver.Engine`."""

    @abstractmethod
    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """The state: w (R, n + 2) and P (R, n + 2, n)."""

    def observe(self, kernels: bool) -> dict[str, np.ndarray]:
        """Metrics of each lane; see `driver.Engine`.

        With psi' = 1 every hidden unit counts alike, so signals and gradients are aligned exactly
        as the weights are.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            w, P = self.coordinates()
            products = np.matvec(self._gram, w)
            power = np.vecdot(w, products)
            alignment = products[:, -1] / np.sqrt(power * self._gram[:, -1, -1])
            output_kernel = P.mT @ self._gram @ P
            values = {
                "loss": loss(self._errors),
                "error_norm": error_norm(self._errors),
                "weight_alignment": alignment,
                "signal_alignment": alignment,
                "gradient_alignment": alignment,
                "beta_norm": np.sqrt(power),
                "hidden_norm": np.sqrt(np.trace(output_kernel, axis1=1, axis2=2) / P.shape[2]),
            }
            if kernels:
                v = self._rule.backward_weights(w, np.eye(w.shape[1])[-1])
                hidden = np.vecdot(products, v)[:, None] * self._powers
                pairs = zip(output_kernel, hidden, strict=True)
                rows = [kernel_metrics(output, np.diag(k)) for output, k in pairs]
                values |= {metric: np.array([row[metric] for row in rows]) for metric in rows[0]}
        return values

    def keep(self, lanes: np.ndarray) -> None:
        """Drop the other lanes; see `driver.Engine`."""
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(self, name, value[lanes])


class LinearFeedback(LinearEngine):
    """Feedback alignment.

    A step is few calls on short arrays, so constants are absorbed: the state is
    `s = [sqrt(p) / eta w, 1]`, and `Q s` gives the rows of `sqrt(p) M w` for H U, less the targets,
    and for b.
    """

    _rule = FA

    def __init__(
        self, gram: np.ndarray, powers: np.ndarray, targets: np.ndarray, width: int, eta: float
    ) -> None:
        super().__init__(gram, powers, targets, width, eta)
        lanes, samples = targets.shape
        rows = np.delete(gram, samples, axis=1)
        constant = np.append(-targets, np.zeros((lanes, 1)), axis=1)
        self._matrix = np.append(eta * rows, constant[:, :, None], axis=2)
        self._state = np.zeros((lanes, samples + 3))
        self._state[:, samples] = self._root / eta
        self._state[:, -1] = 1.0
        # The last row of P.
        self._path = np.zeros((lanes, samples))
        self._errors = np.matvec(self._matrix, self._state)[:, :-1]

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps; see `driver.Engine`."""
        lanes, samples = self._targets.shape
        history = np.empty((count, lanes, samples))
        shrink = np.full(samples + 3, 1.0 - self._eta * decay)
        shrink[-1] = 1.0
        step = self._eta / self._root * self._powers
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
        return self._eta / self._root * self._state[:, :-1], P


class LinearBackprop(LinearEngine):
    """Backpropagation. The feedback b takes no part, so w and P have no entry for it here."""

    _rule = BP

    def __init__(
        self, gram: np.ndarray, powers: np.ndarray, targets: np.ndarray, width: int, eta: float
    ) -> None:
        super().__init__(gram, powers, targets, width, eta)
        lanes, samples = targets.shape
        # sqrt(p) w
        self._weights = np.zeros((lanes, samples + 1))
        self._weights[:, -1] = self._root
        self._basis = np.zeros((lanes, samples + 1, samples))
        self._basis[:, :samples] = np.eye(samples)
        products = np.matvec(gram[:, :-1, :-1], self._weights)
        self._errors = np.vecmat(products, self._basis) - targets

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps; see `driver.Engine`."""
        lanes, samples = self._targets.shape
        history = np.empty((count, lanes, samples))
        shrink = 1.0 - self._eta * decay
        step = self._eta / self._root**2 * self._powers
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
                np.multiply(output_step, self._eta, out=output_step)
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
