"""Measure the engines against the usual way and against the processor's own limit.

The usual way is a torch module with autograd and SGD, one network at a time; beside it a step as
one would write it in torch by hand. The limit is the rate of a large matrix product. All train the
same networks in the same precision on one thread, in turn (A B C A B C ...), and the least
processor time of each counts. Writes benchmarks/engines.md; takes about five minutes.

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
ETA = 1e-5
ROUNDS = 10
SECONDS = 0.1
# Rows of a large square matrix.
LARGE = 1500
# Activation, and its slope at h given a, for torch.
USUAL = {
    "linear": (lambda h: h, lambda h, a: torch.ones_like(h)),
    "relu": (torch.relu, lambda h, a: (a > 0).to(a.dtype)),
    "tanh": (torch.tanh, lambda h, a: 1 - a * a),
    "sigmoid": (torch.sigmoid, lambda h, a: a * (1 - a)),
    "erf": (torch.erf, lambda h, a: 2 / np.pi**0.5 * torch.exp(-h * h)),
    "softplus": (torch.nn.functional.softplus, lambda h, a: torch.sigmoid(h)),
}
# Those of Song 2021 that are not linear.
SONG = ("relu", "tanh", "sigmoid")


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
        self.activation, self.scale = USUAL[activation][0], width**-0.5

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Outputs (n,)."""
        hidden = self.activation(self.hidden(inputs))
        return self.scale * FeedbackLinear.apply(hidden, self.output.weight, self.feedback)[:, 0]


def draw_samples(width: int, activation: str, lanes: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (lanes, n, d) and targets (lanes, n) of a teacher."""
    draws = [
        teacher_student(Streams(0), r, activation, width, SAMPLES, DIMENSION) for r in range(lanes)
    ]
    inputs, targets = (np.stack(arrays) for arrays in zip(*draws, strict=True))
    return inputs, targets


def usual_way(
    width: int, activation: str, dtype: str, device: str = "cpu"
) -> Callable[[int], None]:
    """A function that trains one usual network for some steps."""
    torch.manual_seed(0)
    kind = {"dtype": getattr(torch, dtype), "device": device}
    inputs, targets = (torch.tensor(a[0], **kind) for a in draw_samples(width, activation, 1))
    network = UsualNetwork(width, activation).to(**kind)
    groups = [
        {"params": [network.hidden.weight]},
        {"params": [network.output.weight], "weight_decay": L2},
    ]
    optimizer = torch.optim.SGD(groups, lr=ETA)

    def train(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = 0.5 * (network(inputs) - targets).square().sum()
            loss.backward()
            optimizer.step()

    return train


def by_hand(width: int, activation: str, dtype: str, device: str = "cpu") -> Callable[[int], None]:
    """A function that trains one network for some steps, its gradients written out for torch."""
    torch.manual_seed(0)
    kind = {"dtype": getattr(torch, dtype), "device": device}
    inputs, targets = (torch.tensor(a[0], **kind) for a in draw_samples(width, activation, 1))
    apply, slope = USUAL[activation]
    W = torch.randn(width, DIMENSION, **kind)
    beta, b = torch.randn(2, width, **kind)
    root = width**0.5

    def train(steps: int) -> None:
        for _ in range(steps):
            H = inputs @ W.t()
            A = apply(H)
            scaled = ETA / root * (A @ beta / root - targets)
            W.sub_((slope(H, A) * b * scaled[:, None]).t() @ inputs)
            beta.mul_(1 - ETA * L2).sub_(scaled @ A)

    return train


def our_way(
    width: int, activation: str, dtype: str, device: str = "cpu", lanes: int = LANES
) -> Callable[[int], None]:
    """A function that trains some networks at once for some steps."""
    inputs, targets = draw_samples(width, activation, lanes)
    if activation == "linear":
        powers, modes = np.linalg.eigh(inputs @ inputs.mT)
        gram = np.stack([wishart_gram(k, Streams(0), r, width) for r, k in enumerate(powers)])
        engine = LinearFeedback(gram, powers, np.matvec(modes.mT, targets), width**0.5, ETA)
    else:
        networks = [draw_shallow(Streams(0), r, width, DIMENSION) for r in range(lanes)]
        condition = Condition(
            activation=activation,
            width=width,
            eta=ETA,
            samples=SAMPLES,
            dimension=DIMENSION,
            dtype=dtype,
            device=device,
        )
        engine = PreactivationEngine(set_up(condition, DIMENSION, 1), inputs, targets, networks)
    return lambda steps: engine.advance(steps, L2)


def large_product(dtype: str) -> Callable[[int], None]:
    """A function that multiplies large matrices some times."""
    a, b = np.random.default_rng(0).standard_normal((2, LARGE, LARGE)).astype(dtype)
    out = np.empty_like(a)

    def multiply(times: int) -> None:
        for _ in range(times):
            np.matmul(a, b, out=out)

    return multiply


def compare(width: int, activation: str, dtype: str) -> tuple[float, float, float, float]:
    """Microseconds per step and replicate, usual, by hand and ours, and our share of the limit.

    The share is in operations: those of our one product of a step, `2 n^2 p`, over its time,
    against those of a large product over its time.
    """
    sides = [make(width, activation, dtype) for make in (usual_way, by_hand, our_way)]
    *seconds, product = least_times([*sides, large_product(dtype)], ROUNDS, SECONDS)
    usual, hand, ours = seconds[0], seconds[1], seconds[2] / LANES
    share = (2 * SAMPLES**2 * width / ours) / (2 * LARGE**3 / product)
    return 1e6 * usual, 1e6 * hand, 1e6 * ours, share


def main() -> None:
    """Measure, print and write the table."""
    torch.set_num_threads(1)
    lines = [
        "# Engines against the usual way, and against the processor's limit",
        "",
        "Microseconds of processor time per step and replicate, least of ten rounds in turn;",
        "n = 50, d = 150, one thread, FA with decay.",
        "Usual: torch module, autograd and SGD, one at a time. By hand: the same step in torch,",
        "its gradients written out. Engine: eight replicates at once; the linear engine, always in",
        "float64, for linear networks, the pre-activation engine for the others. Limit: the rate",
        "of its one matrix product a step, as part of that of a product of two matrices of",
        f"{LARGE} rows in the same precision.",
        f"{processor()}, numpy {np.__version__}, torch {torch.__version__}.",
        "",
        "| precision | activation | p | usual | by hand | engine | usual / engine | limit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for dtype in ("float32", "float64"):
        ratios = []
        for activation in USUAL:
            for width in WIDTHS:
                usual, hand, ours, share = compare(width, activation, dtype)
                ratios += [usual / ours] if activation in SONG else []
                row = f"| {dtype} | {activation} | {width} | {usual:.0f} | {hand:.0f} "
                row += f"| {ours:.4g} | {usual / ours:.1f} "
                row += "| |" if activation == "linear" else f"| {share:.0%} |"
                print(row, flush=True)
                lines.append(row)
        mean = np.exp(np.mean(np.log(ratios)))
        row = f"| {dtype} | {', '.join(SONG)} | | | | | {mean:.1f} (geometric mean) | |"
        print(row, flush=True)
        lines.append(row)
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
