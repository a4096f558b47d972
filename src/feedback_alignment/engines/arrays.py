"""Array libraries: numpy on the CPU, torch on CUDA; here is where their ways differ.

Code on arrays of either kind uses operators, `@`, `.mT` and the methods below. Measured on one
core, numpy beats torch at every size here: tanh by a factor of 7, stacked products by 1.3 to 3 on
small networks, and not at all on large ones.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from feedback_alignment.networks.activations import Activation

# A numpy array or a torch tensor.
Array = Any


class DeviceError(ValueError):
    """A device that is not there; the message is one line for the user."""


def sign(x: Array) -> Array:
    """Elementwise sign of an array of either kind."""
    return np.sign(x) if isinstance(x, np.ndarray) else x.sign()


class Arrays(Protocol):
    """What engines need of an array library. Every `out` must be a separate array.

    Attributes:
        cached: whether work goes in pieces that stay in a processor's cache, of which lanes (first
            axis) never change a bit of one another's results; else all lanes are one piece.
    """

    cached: bool

    def asarray(self, values: np.ndarray) -> Array:
        """In the library's form and the run's floating-point type, perhaps the argument itself."""
        ...

    def indices(self, values: np.ndarray) -> Array:
        """Whole numbers in the library's form."""
        ...

    def numpy(self, array: Array) -> np.ndarray:
        """As numpy array, copied or not."""
        ...

    def empty(self, *shape: int) -> Array:
        """An array without values."""
        ...

    def matmul(self, a: Array, b: Array, out: Array) -> None:
        """Products of stacked matrices, `a[i] @ b[i]`; a may have one lane for all."""
        ...

    def subtract_product(self, a: Array, b: Array, work: Array, out: Array) -> None:
        """`out -= a @ b` of stacked matrices, with a separate array like `out` to work in."""
        ...

    def repeated(self, step: Callable[[], None]) -> Callable[[], None]:
        """A step that changes arrays in place, in the form that is quickest to call many times."""
        ...

    def gather(self, rows: Array, index: Array, out: Array) -> None:
        """Rows (N, k) picked by index (L, B) into out (L, B, k)."""
        ...

    def apply(self, activation: Activation, H: Array, out: Array) -> None:
        """psi(H)."""
        ...

    def slope(self, activation: Activation, H: Array, A: Array, out: Array) -> None:
        """psi'(H), given A = psi(H)."""
        ...

    def softmax(self, x: Array, out: Array) -> None:
        """Softmax over the last axis."""
        ...

    def log_sum_exp(self, x: Array) -> Array:
        """`log sum exp x` over the last axis."""
        ...

    def norms(self, x: Array) -> Array:
        """Norm of each lane (L,)."""
        ...

    def inner(self, x: Array, y: Array) -> float:
        """Sum of x y over all elements, in double precision."""
        ...


class NumpyArrays:
    """Arrays of numpy, on the CPU.

    Args:
        dtype: floating-point type of the run.
    """

    cached = True

    def __init__(self, dtype: str) -> None:
        self._dtype = np.dtype(dtype)

    def asarray(self, values: np.ndarray) -> np.ndarray:
        """See `Arrays`."""
        return np.ascontiguousarray(values, self._dtype)

    def indices(self, values: np.ndarray) -> np.ndarray:
        """See `Arrays`."""
        return values

    def numpy(self, array: np.ndarray) -> np.ndarray:
        """See `Arrays`."""
        return array

    def empty(self, *shape: int) -> np.ndarray:
        """See `Arrays`."""
        return np.empty(shape, self._dtype)

    def matmul(self, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
        """See `Arrays`; numpy calls BLAS for each lane."""
        np.matmul(a, b, out=out)

    def subtract_product(
        self, a: np.ndarray, b: np.ndarray, work: np.ndarray, out: np.ndarray
    ) -> None:
        """See `Arrays`."""
        np.matmul(a, b, out=work)
        out -= work

    def repeated(self, step: Callable[[], None]) -> Callable[[], None]:
        """See `Arrays`."""
        return step

    def gather(self, rows: np.ndarray, index: np.ndarray, out: np.ndarray) -> None:
        """See `Arrays`."""
        # Mode clip writes into out directly; raise would make a copy first.
        np.take(rows, index, axis=0, out=out, mode="clip")

    def apply(self, activation: Activation, H: np.ndarray, out: np.ndarray) -> None:
        """See `Arrays`."""
        activation.apply(H, out)

    def slope(self, activation: Activation, H: np.ndarray, A: np.ndarray, out: np.ndarray) -> None:
        """See `Arrays`."""
        activation.slope(H, A, out)

    def softmax(self, x: np.ndarray, out: np.ndarray) -> None:
        """See `Arrays`."""
        np.subtract(x, x.max(axis=-1, keepdims=True), out=out)
        np.exp(out, out=out)
        np.divide(out, out.sum(axis=-1, keepdims=True), out=out)

    def log_sum_exp(self, x: np.ndarray) -> np.ndarray:
        """See `Arrays`."""
        highest = x.max(axis=-1, keepdims=True)
        return np.log(np.exp(x - highest).sum(axis=-1)) + highest[..., 0]

    def norms(self, x: np.ndarray) -> np.ndarray:
        """See `Arrays`."""
        flat = x.reshape(len(x), -1)
        return np.sqrt(np.vecdot(flat, flat))

    def inner(self, x: np.ndarray, y: np.ndarray) -> float:
        """See `Arrays`."""
        return float(np.sum(x * y, dtype=np.float64))


def arrays_for(device: str, dtype: str) -> Arrays:
    """The library that computes on a device.

    Args:
        device: `cpu` or `cuda`.
        dtype: `float64` or `float32`.

    Raises:
        ValueError: the device is unknown, or is not there.
    """
    if device == "cpu":
        return NumpyArrays(dtype)
    if device == "cuda":
        from feedback_alignment.engines.torch_arrays import TorchArrays

        return TorchArrays(dtype, device)
    raise ValueError(f"unknown device {device!r}; allowed: cpu, cuda")
