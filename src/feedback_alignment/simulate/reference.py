"""Reference engine: plain PyTorch autograd on explicit weights, one lane after another.

Slow and independent of the other engines: it is what they are tested against. Feedback enters in
the backward pass of the output layer; kernels and gradients are taken from autograd.
"""

from collections.abc import Sequence

import numpy as np
import torch

from feedback_alignment.activations import Activation
from feedback_alignment.metrics.kernels import kernel_metrics
from feedback_alignment.networks import TwoLayer
from feedback_alignment.rules import BP, FA, Rule


class _Readout(torch.autograd.Function):
    """`A beta`, whose error returns through other weights than beta."""

    @staticmethod
    def forward(ctx, activations, beta, backward_weights):
        ctx.save_for_backward(activations, backward_weights)
        return activations @ beta

    @staticmethod
    def backward(ctx, signal):
        activations, backward_weights = ctx.saved_tensors
        return torch.outer(signal, backward_weights), activations.T @ signal, None


class ReferenceEngine:
    """Two-layer networks, full batch, any activation and rule.

    Args:
        inputs: X (R, n, d).
        targets: y (R, n).
        networks: initial weights of the R lanes.
        rule: learning rule.
        activation: psi.
        eta: step size.
        dtype: floating-point type of the computation.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        targets: np.ndarray,
        networks: Sequence[TwoLayer],
        rule: Rule,
        activation: Activation,
        eta: float,
        dtype: str,
    ) -> None:
        self._lanes = [
            _Lane(*(torch.tensor(a, dtype=getattr(torch, dtype)) for a in arrays), activation)
            for arrays in (
                (x, y, net.hidden, net.output, net.feedback)
                for x, y, net in zip(inputs, targets, networks, strict=True)
            )
        ]
        self._rule, self._eta = rule, eta

    def advance(self, count: int, decay: float) -> np.ndarray:
        """Take steps; see `driver.Engine`."""
        norms = np.empty((count, len(self._lanes)))
        for column, lane in enumerate(self._lanes):
            for row in range(count):
                norms[row, column] = lane.step(self._rule, self._eta, decay)
        return norms

    def observe(self, kernels: bool) -> dict[str, np.ndarray]:
        """Metrics of each lane; see `driver.Engine`."""
        rows = [lane.observe(self._rule, kernels) for lane in self._lanes]
        return {metric: np.array([row[metric] for row in rows]) for metric in rows[0]}

    def keep(self, lanes: np.ndarray) -> None:
        """Drop the other lanes; see `driver.Engine`."""
        self._lanes = [lane for lane, kept in zip(self._lanes, lanes, strict=True) if kept]

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        """Output weights beta (R, p) and pre-activations H (R, p, n)."""
        beta = np.stack([lane.beta.detach().numpy() for lane in self._lanes])
        return beta, np.stack([(lane.W @ lane.X.T).detach().numpy() for lane in self._lanes])


class _Lane:
    """One network."""

    def __init__(
        self,
        X: torch.Tensor,
        y: torch.Tensor,
        W: torch.Tensor,
        beta: torch.Tensor,
        b: torch.Tensor,
        activation: Activation,
    ) -> None:
        self.X, self.y, self.b, self._activation = X, y, b, activation
        self.W, self.beta = W.requires_grad_(), beta.requires_grad_()

    def step(self, rule: Rule, eta: float, decay: float) -> float:
        """One step of gradient descent; gives the error norm after it."""
        errors, _ = self._forward(rule)
        hidden, output = torch.autograd.grad(0.5 * errors.square().sum(), (self.W, self.beta))
        with torch.no_grad():
            self.W -= eta * hidden
            self.beta -= eta * (output + decay * self.beta)
            return float(self._forward(rule)[0].norm())

    def observe(self, rule: Rule, kernels: bool) -> dict[str, float]:
        """Metrics, by their definitions."""
        gradients, signals = [], []
        for each in (BP, FA):
            errors, H = self._forward(each)
            loss = 0.5 * errors.square().sum()
            signal, gradient = torch.autograd.grad(loss, (H, self.W))
            signals.append(signal.flatten())
            gradients.append(gradient.flatten())
        width = self.beta.numel()
        values = {
            "loss": loss,
            "error_norm": errors.norm(),
            "weight_alignment": _cosine(self.beta, self.b),
            "signal_alignment": _cosine(*signals),
            "gradient_alignment": _cosine(*gradients),
            "beta_norm": self.beta.norm() / width**0.5,
            "hidden_norm": H.norm() / H.numel() ** 0.5,
        }
        values = {metric: float(value.detach()) for metric, value in values.items()}
        if kernels:
            true_hidden, true_output = self._jacobians(BP)
            rule_hidden, _ = self._jacobians(rule)
            values |= kernel_metrics(
                (true_output @ true_output.T).numpy(), (true_hidden @ rule_hidden.T).numpy()
            )
        return values

    def _forward(self, rule: Rule) -> tuple[torch.Tensor, torch.Tensor]:
        H = self.X @ self.W.T
        backward_weights = rule.backward_weights(self.beta.detach(), self.b)
        readout = _Readout.apply(self._activation.tensor(H), self.beta, backward_weights)
        return readout / self.beta.numel() ** 0.5 - self.y, H

    def _jacobians(self, rule: Rule) -> tuple[torch.Tensor, torch.Tensor]:
        """What each sample's unit error changes in W (n, p d) and beta (n, p)."""
        errors, _ = self._forward(rule)
        rows = [
            torch.autograd.grad(error, (self.W, self.beta), retain_graph=True) for error in errors
        ]
        hidden, output = zip(*rows, strict=True)
        return torch.stack(hidden).flatten(1), torch.stack(output)


def _cosine(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x @ y / (x.norm() * y.norm())
