"""Train one condition for a block of replicates and record its course."""

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from feedback_alignment.archive import read_arrays, write_arrays
from feedback_alignment.conditions import Condition
from feedback_alignment.engines.arrays import DeviceError
from feedback_alignment.files import DamagedFileError, report_in_one_line
from feedback_alignment.machine import trainer
from feedback_alignment.simulate import simulate
from feedback_alignment.specification import read_specification

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=Path, required=True, help="specification of the job")
parser.add_argument("--data", type=Path, required=True, help="arrays to train on (.npz)")
parser.add_argument("--out", type=Path, required=True, help="recorded arrays (.npz)")
args = parser.parse_args()
report_in_one_line()

try:
    spec = read_specification(args.spec)
except DamagedFileError as error:
    sys.exit(f"error: {error}")
try:
    data, _ = read_arrays(args.data, spec["from"][0][1])
except DamagedFileError as error:
    args.data.unlink(missing_ok=True)
    sys.exit(f"error: {error}; the next run makes it again")
condition = Condition(**spec["settings"])
# The first line of the log, for the record of what took how long.
print(f"on: {trainer(condition.device)}", flush=True)
# A line every five seconds is enough for a log.
with tqdm(total=condition.steps, unit="step", mininterval=5, maxinterval=5, ascii=True) as bar:
    try:
        recording = simulate(
            condition,
            data,
            spec["replicates"],
            seed=spec["seed"],
            progress=lambda step: bar.update(step - bar.n),
        )
    except DeviceError as error:
        sys.exit(f"error: {error}")
write_arrays(args.out, recording.arrays(), spec)
