"""Generate the data of a block of replicates."""

import argparse
import json
from pathlib import Path

from feedback_alignment.data import draw
from feedback_alignment.store import write_arrays

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=Path, required=True, help="specification of the job")
parser.add_argument("--out", type=Path, required=True, help="arrays inputs, targets (.npz)")
args = parser.parse_args()

spec = json.loads(args.spec.read_text())
inputs, targets = draw(seed=spec["seed"], replicates=spec["replicates"], **spec["settings"])
write_arrays(args.out, {"inputs": inputs, "targets": targets})
