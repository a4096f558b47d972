"""Record what was run and with what: settings, environment, statuses and the manifest."""

import argparse
import json
import sys
from pathlib import Path

from feedback_alignment.files import DamagedFileError, report_in_one_line, write_text
from feedback_alignment.provenance import count_statuses, describe, environment
from feedback_alignment.receipts import making, read_receipt
from feedback_alignment.specification import digest_of, read_specification
from feedback_alignment.tables import read_tables

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=Path, required=True, help="specification of the job")
parser.add_argument("--results", type=Path, required=True, help="results folder of the config")
parser.add_argument("--lock", type=Path, required=True, help="the lock file")
parser.add_argument("--receipt", type=Path, required=True, help="the receipt of the record")
parser.add_argument("--upstream", type=Path, nargs="*", default=[], help="receipts of all recorded")
args = parser.parse_args()
report_in_one_line()


def record(spec: dict) -> dict[str, object]:
    """Content of each file, by name."""
    experiments = spec["experiments"]
    versions = environment(args.lock.read_text(encoding="utf-8"))
    # What the jobs upstream say that they made, and `making` has compared with the files.
    receipts = [read_receipt(path) or {} for path in args.upstream]
    files = {name: entry["sha256"] for each in receipts for name, entry in each["made"].items()}
    return {
        "settings": describe(spec),
        "environment": versions,
        "status": {
            name: count_statuses(read_tables([args.results / f"metrics/{name}.parquet"]))
            for name in experiments
        },
        "manifest": {
            "config": digest_of({"name": spec["name"], "seed": spec["seed"], **experiments}),
            "from": digest_of(spec["from"]),
            "code": spec["code"],
            "lock": spec["lock"],
            "environment": digest_of(versions),
            "files": dict(sorted(files.items())),
        },
    }


made = [args.results / f"{name}.json" for name in ("manifest", "settings", "environment", "status")]
try:
    specification = read_specification(args.spec)
    with making(args.receipt, specification, made, args.upstream):
        for name, content in record(specification).items():
            write_text(args.results / f"{name}.json", json.dumps(content, indent=1) + "\n")
except DamagedFileError as error:
    sys.exit(f"error: {error}")
