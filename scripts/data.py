"""Make the data of a block of replicates, or those that all replicates share."""

import argparse
import os
import signal
import sys
from pathlib import Path

from feedback_alignment.archive import write_arrays
from feedback_alignment.data.draw import draw, loader
from feedback_alignment.data.own import inspect_own
from feedback_alignment.data.preparation import DataError
from feedback_alignment.files import DamagedFileError, report_in_one_line
from feedback_alignment.specification import read_specification

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=Path, required=True, help="specification of the job")
parser.add_argument("--place", type=Path, help="file or folder of the data, if the config names it")
parser.add_argument("--out", type=Path, required=True, help="the arrays (.npz)")
parser.add_argument("--progress", type=int, metavar="FD", help="file descriptor of the terminal")
args = parser.parse_args()
report_in_one_line()

# As an exit a signal lets a download take its unfinished file away.
for stop in (signal.SIGINT, signal.SIGTERM):
    signal.signal(stop, lambda number, _: sys.exit(128 + number))

try:
    spec = read_specification(args.spec)
except DamagedFileError as error:
    sys.exit(f"error: {error}")
settings = spec["settings"]
try:
    if spec["source"] and inspect_own(args.place).digest != spec["source"]:
        raise DataError(
            f"{args.place}: the file has changed since the run was planned; start again"
        )
    terminal = None if args.progress is None else os.fdopen(args.progress, "w")
    load = loader(settings["data"], args.place, os.environ, terminal)
    arrays = draw(settings, spec["seed"], spec["replicates"], load)
except DataError as error:
    name = settings["data"]
    sys.exit(f"error: {error}" if args.place is None else f"error: data_sources.{name}: {error}")
write_arrays(args.out, arrays, spec)
