"""Activation functions: fast array kernels for the engines, torch forms for the reference."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Activation:
    """An elementwise non-linearity psi.

    Attributes:
        name: name in configs and tables.
        label: name in figures.
        equation: psi(h) in LaTeX.
        apply: `apply(H, out)` writes psi(H) into out, which must not be H.
        slope: `slope(H, A, out)` writes psi'(H) into out, which must be neither H nor A = psi(H).
        tensor: psi of a torch tensor, written apart from `apply` so that each checks the other.
    """

    name: str
    label: str
    equation: str
    apply: Callable[[np.ndarray, np.ndarray], None]
    slope: Callable[[np.ndarray, np.ndarray, np.ndarray], None]
    tensor: Callable[["torch.Tensor"], "torch.Tensor"]


def _linear(H: np.ndarray, out: np.ndarray) -> None:
    np.copyto(out, H)


def _linear_slope(H: np.ndarray, A: np.ndarray, out: np.ndarray) -> None:
    out.fill(1.0)


def _relu(H: np.ndarray, out: np.ndarray) -> None:
    np.maximum(H, 0.0, out=out)


def _relu_slope(H: np.ndarray, A: np.ndarray, out: np.ndarray) -> None:
    # psi'(0) = 0, as torch has it.
    np.greater(A, 0.0, out=out, casting="unsafe")


def _tanh(H: np.ndarray, out: np.ndarray) -> None:
    np.tanh(H, out=out)


def _tanh_slope(H: np.ndarray, A: np.ndarray, out: np.ndarray) -> None:
    np.multiply(A, A, out=out)
    np.subtract(1.0, out, out=out)


def _erf(H: np.ndarray, out: np.ndarray) -> None:
    # numpy has no erf and scipy's takes three to five times as long.
    import torch

    torch.erf(torch.from_numpy(H), out=torch.from_numpy(out))


def _erf_slope(H: np.ndarray, A: np.ndarray, out: np.ndarray) -> None:
    # 2 / sqrt(pi) exp(-H^2), its factor in the exponent.
    np.multiply(H, H, out=out)
    np.subtract(np.log(2.0 / np.sqrt(np.pi)), out, out=out)
    np.exp(out, out=out)


def _softplus(H: np.ndarray, out: np.ndarray) -> None:
    # exp must not overflow; where that matters, psi(h) = h to the last bit.
    np.minimum(H, 80.0 if H.dtype == np.float32 else 700.0, out=out)
    np.exp(out, out=out)
    np.log1p(out, out=out)
    np.maximum(out, H, out=out)


def _softplus_slope(H: np.ndarray, A: np.ndarray, out: np.ndarray) -> None:
    # The logistic function e^h / (1 + e^h).
    np.subtract(H, A, out=out)
    np.exp(out, out=out)


def _sigmoid(H: np.ndarray, out: np.ndarray) -> None:
    # (1 + tanh(h / 2)) / 2: one pass that cannot overflow.
    np.multiply(H, 0.5, out=out)
    np.tanh(out, out=out)
    np.multiply(out, 0.5, out=out)
    np.add(out, 0.5, out=out)


def _sigmoid_slope(H: np.ndarray, A: np.ndarray, out: np.ndarray) -> None:
    np.multiply(A, A, out=out)
    np.subtract(A, out, out=out)


def _tensor_softplus(H: "torch.Tensor") -> "torch.Tensor":
    import torch

    # torch's default threshold of 20 would be wrong by 1e-10.
    return torch.nn.functional.softplus(H, threshold=50.0)


ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("linear", "linear", r"h", _linear, _linear_slope, lambda H: H),
        Activation("relu", "ReLU", r"\max(h, 0)", _relu, _relu_slope, lambda H: H.relu()),
        Activation("tanh", "tanh", r"\tanh h", _tanh, _tanh_slope, lambda H: H.tanh()),
        Activation("erf", "erf", r"\mathrm{erf}(h)", _erf, _erf_slope, lambda H: H.erf()),
        Activation(
            "sigmoid",
            "sigmoid",
            r"1 / (1 + e^{-h})",
            _sigmoid,
            _sigmoid_slope,
            lambda H: H.sigmoid(),
        ),
        Activation(
            "softplus", "softplus", r"\log(1 + e^h)", _softplus, _softplus_slope, _tensor_softplus
        ),
    )
}


def activation_named(name: str) -> Activation:
    """Look an activation up.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"unknown activation {name!r}; allowed: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
