"""Measure the engines against the usual way: a torch module, autograd and SGD, one by one.

Both sides train the same networks in double precision on one thread, in turn (A B A B ...), and the
least processor time of each counts. Writes benchmarks/engines.md; takes about two minutes.

    python benchmarks/engines.py
"""

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from in_turn import least_times

from feedback_alignment.conditions import Condition
from feedback_alignment.data.synthetic import teacher_student
from feedback_alignment.engines.gram import wishart_gram
from feedback_alignment.engines.linear import LinearFeedback
from feedback_alignment.engines.preactivation import PreactivationEngine
from feedback_alignment.networks.parameters import draw_shallow
from feedback_alignment.provenance import processor
from feedback_alignment.streams import Streams
from feedback_alignment.training.setup import set_up

SAMPLES, DIMENSION, LANES, L2 = 50, 150, 8, 0.1
WIDTHS = (100, 1600, 12800)
ROUNDS = 12
SECONDS = 0.15
USUAL = {
    "linear": lambda h: h,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "erf": torch.erf,
    "softplus": torch.nn.functional.softplus,
}


class FeedbackLinear(torch.autograd.Function):
    """A linear layer whose error returns through fixed weights."""

    @staticmethod
    def forward(ctx, inputs, weight, feedback):
        """Outputs of the layer."""
        ctx.save_for_backward(inputs, feedback)
        return inputs @ weight.t()

    @staticmethod
    def backward(ctx, gradient):
        """Gradients by feedback alignment."""
        inputs, feedback = ctx.saved_tensors
        return gradient @ feedback, gradient.t() @ inputs, None


class UsualNetwork(torch.nn.Module):
    """The two-layer network as one would write it for torch."""

    def __init__(self, width: int, activation: str) -> None:
        super().__init__()
        self.hidden = torch.nn.Linear(DIMENSION, width, bias=False)
        self.output = torch.nn.Linear(width, 1, bias=False)
        self.register_buffer("feedback", torch.randn(1, width))
        for layer in (self.hidden, self.output):
            torch.nn.init.normal_(layer.weight)
        self.activation, self.scale = USUAL[activation], width**-0.5

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Outputs (n,)."""
        hidden = self.activation(self.hidden(inputs))
        return self.scale * FeedbackLinear.apply(hidden, self.output.weight, self.feedback)[:, 0]


def usual_way(width: int, activation: str, eta: float) -> Callable[[int], None]:
    """A function that trains one usual network for some steps."""
    torch.manual_seed(0)
    inputs, targets = map(
        torch.from_numpy, teacher_student(Streams(0), 0, activation, width, SAMPLES, DIMENSION)
    )
    network = UsualNetwork(width, activation).double()
    groups = [
        {"params": [network.hidden.weight]},
        {"params": [network.output.weight], "weight_decay": L2},
    ]
    optimizer = torch.optim.SGD(groups, lr=eta)

    def train(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = 0.5 * (network(inputs) - targets).square().sum()
            loss.backward()
            optimizer.step()

    return train


def our_way(width: int, activation: str, eta: float) -> Callable[[int], None]:
    """A function that trains LANES networks at once for some steps."""
    draws = [
        teacher_student(Streams(0), r, activation, width, SAMPLES, DIMENSION) for r in range(LANES)
    ]
    inputs, targets = (np.stack(arrays) for arrays in zip(*draws, strict=True))
    if activation == "linear":
        powers, modes = np.linalg.eigh(inputs @ inputs.mT)
        gram = np.stack([wishart_gram(k, Streams(0), r, width) for r, k in enumerate(powers)])
        engine = LinearFeedback(gram, powers, np.matvec(modes.mT, targets), width**0.5, eta)
    else:
        networks = [draw_shallow(Streams(0), r, width, DIMENSION) for r in range(LANES)]
        condition = Condition(
            activation=activation, width=width, eta=eta, samples=SAMPLES, dimension=DIMENSION
        )
        engine = PreactivationEngine(set_up(condition, DIMENSION, 1), inputs, targets, networks)
    return lambda steps: engine.advance(steps, L2)


def compare(width: int, activation: str) -> tuple[float, float]:
    """Microseconds per step and replicate, usual and ours."""
    eta = 1e-5
    sides = [usual_way(width, activation, eta), our_way(width, activation, eta)]
    usual, ours = least_times(sides, ROUNDS, SECONDS)
    return 1e6 * usual, 1e6 * ours / LANES


def main() -> None:
    """Measure, print and write the table."""
    torch.set_num_threads(1)
    lines = [
        "# Engines against the usual way",
        "",
        "Microseconds of processor time per step and replicate, least of twelve rounds in turn;",
        "n = 50, d = 150, float64, one thread, FA with decay.",
        "Usual: torch module, autograd and SGD, one at a time. Engine: eight replicates at once;",
        "the linear engine for linear networks, the pre-activation engine for the others.",
        f"{processor()}, numpy {np.__version__}, torch {torch.__version__}.",
        "",
        "| activation | p | usual | engine | ratio |",
        "|---|---|---|---|---|",
    ]
    for activation in USUAL:
        for width in WIDTHS:
            usual, ours = compare(width, activation)
            row = f"| {activation} | {width} | {usual:.0f} | {ours:.4g} | {usual / ours:.1f} |"
            print(row, flush=True)
            lines.append(row)
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
