"""Extract the tidy table of an experiment from its recorded runs."""

import argparse
import json
from pathlib import Path

import pandas as pd

from feedback_alignment.conditions import Condition
from feedback_alignment.store import read_arrays
from feedback_alignment.tables import extract, write_table
from feedback_alignment.training.recording import Recording

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=Path, required=True, help="specification of the job")
parser.add_argument("--results", type=Path, required=True, help="results folder of the config")
parser.add_argument("--parquet", type=Path, required=True, help="the table, as Parquet")
parser.add_argument("--csv", type=Path, required=True, help="the table, as CSV")
args = parser.parse_args()

spec = json.loads(args.spec.read_text())
frames = []
for run in spec["runs"]:
    made_from = json.loads((args.results / "specs/train" / f"{run}.json").read_text())
    recording = Recording.of_arrays(read_arrays(args.results / "runs" / f"{run}.npz"))
    identifier = run.rpartition("/")[0]
    condition = Condition(**made_from["settings"], case=spec["cases"][identifier])
    frames.append(
        extract(spec["experiment"], condition, identifier, made_from["replicates"], recording)
    )
write_table(pd.concat(frames, ignore_index=True), args.parquet, args.csv)
