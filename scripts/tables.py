"""Extract the tidy table of an experiment from its recorded runs."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from feedback_alignment.archive import read_arrays
from feedback_alignment.conditions import Condition
from feedback_alignment.extract import extract
from feedback_alignment.files import DamagedFileError, report_in_one_line
from feedback_alignment.receipts import making
from feedback_alignment.specification import read_specification
from feedback_alignment.tables import write_table
from feedback_alignment.training.recording import Recording

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=Path, required=True, help="specification of the job")
parser.add_argument("--results", type=Path, required=True, help="results folder of the config")
parser.add_argument("--parquet", type=Path, required=True, help="the table, as Parquet")
parser.add_argument("--csv", type=Path, required=True, help="the table, as CSV")
parser.add_argument("--receipt", type=Path, required=True, help="the receipt of both")
args = parser.parse_args()
report_in_one_line()

try:
    spec = read_specification(args.spec)
except DamagedFileError as error:
    sys.exit(f"error: {error}")
frames, damaged = [], []
for run, digest in spec["from"]:
    path = args.results / f"runs/{run.removeprefix('train/')}.npz"
    try:
        arrays, made_from = read_arrays(path, digest)
    except DamagedFileError as error:
        # All are named at once, and gone for the next run to make them.
        path.unlink(missing_ok=True)
        damaged.append(f"error: {error}; the next run makes it again")
        continue
    recording = Recording.of_arrays(arrays)
    identifier, replicates = made_from["condition"], made_from["replicates"]
    # Runs are shared by experiments, in which they may have other roles.
    condition = Condition(**made_from["settings"], case=spec["cases"][identifier])
    frames.append(extract(spec["experiment"], condition, identifier, replicates, recording))
if damaged:
    sys.exit("\n".join(damaged))
with making(args.receipt, spec, [args.parquet, args.csv], []):
    write_table(pd.concat(frames, ignore_index=True), args.parquet, args.csv)
