"""Train one condition for a block of replicates and record its course."""

import argparse
import json
import sys
import time
from pathlib import Path

from feedback_alignment.conditions import Condition
from feedback_alignment.engines.arrays import DeviceError
from feedback_alignment.simulate import simulate
from feedback_alignment.store import read_arrays, write_arrays

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=Path, required=True, help="specification of the job")
parser.add_argument("--data", type=Path, required=True, help="arrays to train on (.npz)")
parser.add_argument("--out", type=Path, required=True, help="recorded arrays (.npz)")
parser.add_argument("--every", type=float, default=5, help="seconds between progress lines")
args = parser.parse_args()

started = last = time.monotonic()


def progress(step: int) -> None:
    """Log the speed and the time left, every few seconds."""
    global last
    now = time.monotonic()
    if now - last < args.every:
        return
    last = now
    speed = step / (now - started)
    left = (condition.steps - step) / speed if step else float("inf")
    text = f"step {step} of {condition.steps}, {speed:.0f} steps/s, at most {left:.0f} s left"
    print(text, file=sys.stderr, flush=True)


spec = json.loads(args.spec.read_text())
condition = Condition(**spec["settings"])
try:
    recording = simulate(
        condition,
        read_arrays(args.data),
        spec["replicates"],
        seed=spec["seed"],
        progress=progress,
    )
except DeviceError as error:
    sys.exit(f"error: {error}")
write_arrays(args.out, recording.arrays())
