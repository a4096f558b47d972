"""Measure the minibatch engine against the usual way: torch modules, autograd and SGD, one by one.

Both sides train the same networks on one thread, in turn (A B A B ...), and the least time of each
counts. The data are noise of the real shapes: the time is the same. Writes benchmarks/minibatch.md;
takes about two minutes.

    python benchmarks/minibatch.py
"""

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from in_turn import least_times

from feedback_alignment.conditions import Condition
from feedback_alignment.provenance import processor
from feedback_alignment.simulate import build_engine
from feedback_alignment.training.batches import Samples

ROUNDS = 8
SECONDS = 0.3


@dataclass(frozen=True)
class Case:
    """A network, its data and its lanes."""

    name: str
    inputs: int
    width: int
    depth: int
    batch: int
    samples: int
    lanes: int
    activation: str


CASES = (
    Case("digits, 10 replicates", 64, 64, 1, 50, 1437, 10, "tanh"),
    Case("digits, 10 replicates", 64, 64, 3, 50, 1437, 10, "tanh"),
    Case("digits, 1 replicate", 64, 64, 1, 50, 1437, 1, "tanh"),
    Case("digits, full batch, 10 replicates", 64, 64, 3, 0, 1437, 10, "tanh"),
    Case("digits, 10 replicates", 64, 1024, 3, 50, 1437, 10, "tanh"),
    Case("MNIST, 1 replicate", 784, 1000, 1, 600, 60000, 1, "relu"),
    Case("MNIST, 3 replicates", 784, 1000, 1, 600, 60000, 3, "relu"),
)


class FeedbackLinear(torch.autograd.Function):
    """A linear layer whose error returns through fixed weights."""

    @staticmethod
    def forward(ctx, inputs, weight, bias, feedback):
        """Outputs of the layer."""
        ctx.save_for_backward(inputs, feedback)
        return torch.addmm(bias, inputs, weight.t())

    @staticmethod
    def backward(ctx, gradient):
        """Gradients by feedback alignment."""
        inputs, feedback = ctx.saved_tensors
        return gradient @ feedback, gradient.t() @ inputs, gradient.sum(0), None


class UsualNetwork(torch.nn.Module):
    """The network as one would write it for torch; its first layer needs no feedback."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        sizes = [case.inputs, *[case.width] * case.depth, 10]
        self.layers = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in pairwise(sizes))
        for index, layer in enumerate(self.layers):
            self.register_buffer(f"feedback{index}", torch.randn_like(layer.weight))
        self.activation = getattr(torch, case.activation)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Outputs (n, 10)."""
        x = self.activation(self.layers[0](inputs))
        for index, layer in enumerate(self.layers[1:-1], start=1):
            feedback = getattr(self, f"feedback{index}")
            x = self.activation(FeedbackLinear.apply(x, layer.weight, layer.bias, feedback))
        last, feedback = self.layers[-1], getattr(self, f"feedback{len(self.layers) - 1}")
        return FeedbackLinear.apply(x, last.weight, last.bias, feedback)


def draw_samples(case: Case) -> Samples:
    """Noise of the data's shape."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((case.samples, case.inputs), dtype=np.float32)
    return Samples(inputs, np.eye(10, dtype=np.float32)[rng.integers(0, 10, case.samples)])


def usual_way(case: Case, samples: Samples, device: str = "cpu") -> Callable[[int], None]:
    """A function that trains one usual network for some steps."""
    torch.manual_seed(0)
    inputs, targets = (
        torch.tensor(array, device=device) for array in (samples.inputs, samples.targets)
    )
    network = UsualNetwork(case).to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-6)
    batch = case.batch or case.samples
    order = torch.randperm(case.samples)

    def train(steps: int) -> None:
        nonlocal order
        first = 0
        for _ in range(steps):
            x, y = inputs, targets
            if case.batch:
                if first + batch > case.samples:
                    order, first = torch.randperm(case.samples), 0
                index = order[first : first + batch]
                x, y, first = inputs[index], targets[index], first + batch
            optimizer.zero_grad()
            loss = 0.5 * (network(x) - y).square().sum() / batch
            loss.backward()
            optimizer.step()

    return train


def our_way(case: Case, samples: Samples, device: str = "cpu") -> Callable[[int], None]:
    """A function that trains all lanes at once for some steps."""
    condition = Condition(
        rule="fa",
        schedule="none",
        parametrisation="standard",
        loss_function="half_mean",
        bias=True,
        data="digits",
        samples=case.samples,
        dimension=case.inputs,
        width=case.width,
        depth=case.depth,
        activation=case.activation,
        batch_size=case.batch,
        eta=1e-6,
        engine="minibatch",
        dtype="float32",
        device=device,
    )
    data = {"inputs": samples.inputs, "targets": samples.targets}
    _, engine = build_engine(condition, data, range(case.lanes), seed=0)
    return lambda steps: engine.advance(steps, 0.0)


def compare(case: Case) -> tuple[float, float]:
    """Microseconds per step and replicate, usual and ours."""
    samples = draw_samples(case)
    sides = [usual_way(case, samples), our_way(case, samples)]
    usual, ours = least_times(sides, ROUNDS, SECONDS)
    return 1e6 * usual, 1e6 * ours / case.lanes


def main() -> None:
    """Measure, print and write the table."""
    torch.set_num_threads(1)
    lines = [
        "# Minibatch engine against the usual way",
        "",
        "Microseconds per step and replicate; float32, one thread, FA with biases. Usual: torch",
        "modules, custom autograd functions and SGD, one replicate at a time. Engine: all at once.",
        f"{processor()}, numpy {np.__version__}, torch {torch.__version__}.",
        "",
        "| case | network | batch | usual | engine | ratio |",
        "|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    for case in CASES:
        usual, ours = compare(case)
        sizes = "-".join(map(str, [case.inputs, *[case.width] * case.depth, 10]))
        row = f"| {case.name} | {sizes} | {case.batch or case.samples} "
        row += f"| {usual:.0f} | {ours:.4g} | {usual / ours:.2f} |"
        print(row, flush=True)
        lines.append(row)
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
