"""Measure how the cost of training grows, and what a config's run was spent on.

Seconds of processor time a step against width, samples and replicates, one thread, float32, with
the exponents of a power law; and the jobs of a results folder, from the records that Snakemake
keeps. Writes docs/performance.md; takes a minute or two beside the results.

    python benchmarks/growth.py results/laptop
"""

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)

import csv
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from in_turn import least_times

from feedback_alignment.conditions import Condition
from feedback_alignment.data.synthetic import teacher_student
from feedback_alignment.engines.preactivation import PreactivationEngine
from feedback_alignment.networks.parameters import draw_shallow
from feedback_alignment.provenance import processor
from feedback_alignment.streams import Streams
from feedback_alignment.training.setup import set_up

DIMENSION = 150
BASE = {"width": 1600, "samples": 50, "replicates": 4}
VALUES = {
    "width": (400, 800, 1600, 3200, 6400, 12800),
    "samples": (25, 50, 100, 200),
    "replicates": (1, 2, 4, 8, 16),
}
STEPS = ("data", "train", "tables", "figure", "claims", "record", "page")


def training(width: int, samples: int, replicates: int) -> Callable[[int], None]:
    """A function that trains ReLU networks at once for some steps."""
    streams, lanes = Streams(0), range(replicates)
    draws = [teacher_student(streams, r, "relu", width, samples, DIMENSION) for r in lanes]
    inputs, targets = (np.stack(arrays) for arrays in zip(*draws, strict=True))
    networks = [draw_shallow(streams, r, width, DIMENSION) for r in lanes]
    condition = Condition(
        activation="relu",
        width=width,
        samples=samples,
        dimension=DIMENSION,
        eta=1e-5,
        dtype="float32",
    )
    engine = PreactivationEngine(set_up(condition, DIMENSION, 1), inputs, targets, networks)
    return lambda steps: engine.advance(steps, 0.1)


def growth(axis: str) -> tuple[list[float], float]:
    """Seconds a step at each value of an axis, and the exponent of the last three."""
    values = VALUES[axis]
    seconds = least_times([training(**BASE | {axis: value}) for value in values], 5, 0.1)
    exponent = np.polyfit(np.log(values[-3:]), np.log(seconds[-3:]), 1)[0]
    return seconds, float(exponent)


def jobs(results: Path) -> list[tuple[str, int, float, float, float]]:
    """Of each kind of job: how many, seconds from start to end, of the processor, peak in MB."""
    found = []
    for step in STEPS:
        records = []
        for path in sorted((results / "benchmarks" / step).rglob("*.tsv")):
            with path.open(newline="", encoding="utf-8") as file:
                records += list(csv.DictReader(file, delimiter="\t"))
        if records:
            sums = [sum(_number(r[key]) for r in records) for key in ("s", "cpu_time")]
            found.append((step, len(records), *sums, max(_number(r["max_rss"]) for r in records)))
    return found


def _number(text: str) -> float:
    # Snakemake writes NA where a job was over before it looked.
    return float(text) if text not in ("", "NA", "-") else 0.0


def main(results: Sequence[str]) -> None:
    """Measure, print and write the page."""
    lines = [
        "# Cost",
        "",
        f"Written by `python benchmarks/growth.py {' '.join(results)}` on {processor()}.",
        "",
        "## As work grows",
        "",
        "Milliseconds of processor time a step of all replicates: ReLU, float32, one thread; where",
        "nothing else is said p = 1600, n = 50 and 4 replicates. The exponent is that of the last",
        "three values.",
        "",
        "| axis | values | ms a step | exponent |",
        "|---|---|---|---|",
    ]
    for axis, values in VALUES.items():
        seconds, exponent = growth(axis)
        shown = " / ".join(f"{1e3 * s:.3g}" for s in seconds)
        lines.append(f"| {axis} | {' / '.join(map(str, values))} | {shown} | {exponent:.2f} |")
        print(lines[-1], flush=True)
    for folder in results:
        found = jobs(Path(folder))
        whole, cpu = (sum(row[i] for row in found) for i in (2, 3))
        lines += [
            "",
            f"## {folder}",
            "",
            "Seconds summed over jobs, which ran side by side; peak memory of one job.",
            "",
            "| job | number | from start to end | share | processor | peak MB |",
            "|---|---|---|---|---|---|",
        ]
        for step, count, wall, processor_time, peak in found:
            row = f"| {step} | {count} | {wall:.0f} | {wall / whole:.0%} "
            lines.append(f"{row}| {processor_time:.0f} | {peak:.0f} |")
        lines.append(f"| all | {sum(row[1] for row in found)} | {whole:.0f} | | {cpu:.0f} | |")
        train = next(row for row in found if row[0] == "train")
        lines += [
            "",
            f"A training job takes {train[2] / train[1]:.1f} s on average. With ten times the",
            f"conditions the whole takes about {10 * whole / 3600:.1f} hours of one core, with a",
            f"hundred times {100 * whole / 3600:.0f}: jobs are independent, so cores divide it.",
        ]
    text = "\n".join(lines) + "\n"
    print(text)
    (Path(__file__).parents[1] / "docs/performance.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
