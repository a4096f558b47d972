"""Arrays of torch, for CUDA."""

from collections.abc import Callable

import numpy as np
import torch

from feedback_alignment.engines.arrays import DeviceError
from feedback_alignment.networks.activations import Activation


class TorchArrays:
    """Tensors of torch.

    Args:
        dtype: floating-point type of the run.
        device: `cuda` or `cpu`.

    Raises:
        DeviceError: the device is `cuda` and there is none.
    """

    # The bits of a batched product depend on the number of lanes: results repeat for blocks of one
    # size.
    cached = False

    def __init__(self, dtype: str, device: str) -> None:
        if device == "cuda" and not torch.cuda.is_available():
            raise DeviceError("device: cuda is not available, torch finds no GPU; allowed: cpu")
        self._dtype, self._device = getattr(torch, dtype), device
        self._one = torch.ones((), dtype=self._dtype, device=device)

    def asarray(self, values: np.ndarray) -> torch.Tensor:
        """See `arrays.Arrays`."""
        return torch.tensor(values, dtype=self._dtype, device=self._device)

    def indices(self, values: np.ndarray) -> torch.Tensor:
        """See `arrays.Arrays`."""
        return torch.tensor(values, device=self._device)

    def numpy(self, array: torch.Tensor) -> np.ndarray:
        """See `arrays.Arrays`."""
        return array.cpu().numpy()

    def empty(self, *shape: int) -> torch.Tensor:
        """See `arrays.Arrays`."""
        return torch.empty(shape, dtype=self._dtype, device=self._device)

    def matmul(self, a: torch.Tensor, b: torch.Tensor, out: torch.Tensor) -> None:
        """See `arrays.Arrays`."""
        torch.matmul(a, b, out=out)

    def subtract_product(
        self, a: torch.Tensor, b: torch.Tensor, work: torch.Tensor, out: torch.Tensor
    ) -> None:
        """See `arrays.Arrays`; all at once, `work` is left as it is."""
        out.baddbmm_(a, b, alpha=-1)

    def repeated(self, step: Callable[[], None]) -> Callable[[], None]:
        """See `arrays.Arrays`; on a GPU a CUDA graph, of which one launch makes all of a step's."""
        return _Captured(step) if self._device == "cuda" else step

    def gather(self, rows: torch.Tensor, index: torch.Tensor, out: torch.Tensor) -> None:
        """See `arrays.Arrays`."""
        torch.index_select(rows, 0, index.flatten(), out=out.view(-1, rows.shape[1]))

    def apply(self, activation: Activation, H: torch.Tensor, out: torch.Tensor) -> None:
        """See `arrays.Arrays`."""
        # In one pass, where torch has one.
        if activation.name == "relu":
            torch.clamp_min(H, 0.0, out=out)
        elif activation.name in ("tanh", "sigmoid"):
            getattr(torch, activation.name)(H, out=out)
        else:
            out.copy_(activation.tensor(H))

    def slope(
        self, activation: Activation, H: torch.Tensor, A: torch.Tensor, out: torch.Tensor
    ) -> None:
        """See `arrays.Arrays`."""
        # An activation's own slope is for numpy alone.
        if activation.name == "linear":
            out.fill_(1.0)
        elif activation.name == "relu":
            torch.gt(A, 0.0, out=out)
        elif activation.name == "tanh":
            torch.addcmul(self._one, A, A, value=-1, out=out)
        elif activation.name == "sigmoid":
            torch.addcmul(A, A, A, value=-1, out=out)
        elif activation.name == "erf":
            out.copy_((-H * H).exp() * (2.0 / np.sqrt(np.pi)))
        else:
            self._slope_by_autograd(activation, H, out)

    def _slope_by_autograd(
        self, activation: Activation, H: torch.Tensor, out: torch.Tensor
    ) -> None:
        with torch.enable_grad():
            variable = H.detach().requires_grad_()
            values = activation.tensor(variable).sum()
        out.copy_(torch.autograd.grad(values, variable)[0])

    def softmax(self, x: torch.Tensor, out: torch.Tensor) -> None:
        """See `arrays.Arrays`."""
        torch.softmax(x, -1, out=out)

    def log_sum_exp(self, x: torch.Tensor) -> torch.Tensor:
        """See `arrays.Arrays`."""
        return x.logsumexp(-1)

    def norms(self, x: torch.Tensor) -> torch.Tensor:
        """See `arrays.Arrays`."""
        return x.flatten(1).norm(dim=1)

    def inner(self, x: torch.Tensor, y: torch.Tensor) -> float:
        """See `arrays.Arrays`."""
        return float((x * y).sum(dtype=torch.float64))


class _Captured:
    """A step as a CUDA graph, captured once it has been taken a few times the usual way.

    Args:
        step: works on the same arrays at every call, and waits for nothing.
    """

    # torch's libraries set themselves up in their first calls, which cannot be captured.
    _FIRST = 3

    def __init__(self, step: Callable[[], None]) -> None:
        self._step, self._taken = step, 0
        self._stream = torch.cuda.Stream()
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        if self._graph is None and self._taken == self._FIRST:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, stream=self._stream):
                self._step()
        if self._graph is not None:
            self._graph.replay()
            return
        # Where it will be captured, so that what is set up is set up there.
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            self._step()
        current.wait_stream(self._stream)
        self._taken += 1
