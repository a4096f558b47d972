"""Measure the engines on a GPU against the usual way on the same GPU: one seed at a time in torch.

All train the same networks in the same precision, in turn (A B C A B C ...), and the least wall
time of each counts, until the GPU has finished. Writes benchmarks/gpu.md; takes a minute.

    python benchmarks/gpu.py
"""

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)

import sys
import time
from pathlib import Path

import engines
import minibatch
import torch
from in_turn import least_times

from feedback_alignment.provenance import processor

ROUNDS, SECONDS = 3, 0.1
REPLICATES = 50
MNIST = minibatch.Case("MNIST, 10 replicates", 784, 1000, 1, 600, 60000, 10, "relu")


def clock() -> float:
    """Wall time once the GPU has done what it was told."""
    torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    """Measure, print and write the table."""
    if not torch.cuda.is_available():
        sys.exit("error: this machine has no GPU")
    lines = [
        "# Engines on a GPU against the usual way",
        "",
        "Microseconds per step and replicate, least of three rounds in turn; float32, FA. Usual: a",
        "torch module, autograd and SGD, one at a time. By hand: the same step in torch, its",
        f"gradients written out. Engine: {REPLICATES} replicates at once, or as many as are named.",
        f"{torch.cuda.get_device_name()}, torch {torch.__version__}; host {processor()}.",
        "",
        "| network | usual | by hand | engine | usual / engine |",
        "|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    for activation in engines.SONG:
        for width in engines.WIDTHS:
            case = (width, activation, "float32", "cuda")
            sides = [engines.usual_way(*case), engines.by_hand(*case)]
            sides.append(engines.our_way(*case, lanes=REPLICATES))
            times = [1e6 * each for each in least_times(sides, ROUNDS, SECONDS, clock)]
            usual, hand, ours = *times[:2], times[2] / REPLICATES
            lines.append(
                f"| {activation}, p = {width} | {usual:.0f} | {hand:.0f} | {ours:.4g} "
                f"| {usual / ours:.1f} |"
            )
            print(lines[-1], flush=True)
    samples = minibatch.draw_samples(MNIST)
    sides = [way(MNIST, samples, "cuda") for way in (minibatch.usual_way, minibatch.our_way)]
    usual, ours = (1e6 * each for each in least_times(sides, ROUNDS, SECONDS, clock))
    lines.append(
        f"| {MNIST.name}, 784-1000-10, batch 600 | {usual:.0f} | | {ours / MNIST.lanes:.4g} "
        f"| {usual * MNIST.lanes / ours:.1f} |"
    )
    print(lines[-1])
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
