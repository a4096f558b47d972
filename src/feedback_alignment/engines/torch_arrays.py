"""Arrays of torch, for CUDA."""

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

    def gather(self, rows: torch.Tensor, index: torch.Tensor, out: torch.Tensor) -> None:
        """See `arrays.Arrays`."""
        torch.index_select(rows, 0, index.flatten(), out=out.view(-1, rows.shape[1]))

    def apply(self, activation: Activation, H: torch.Tensor, out: torch.Tensor) -> None:
        """See `arrays.Arrays`."""
        out.copy_(activation.tensor(H))

    def slope(
        self, activation: Activation, H: torch.Tensor, A: torch.Tensor, out: torch.Tensor
    ) -> None:
        """See `arrays.Arrays`."""
        # An activation's own slope is for numpy alone.
        if activation.name == "linear":
            out.fill_(1.0)
        elif activation.name == "relu":
            out.copy_(A > 0.0)
        elif activation.name == "tanh":
            out.copy_(1.0 - A * A)
        elif activation.name == "sigmoid":
            out.copy_(A - A * A)
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
