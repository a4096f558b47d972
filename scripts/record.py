"""Record what was run and with what: settings, environment, statuses and the manifest."""

import argparse
import json
from pathlib import Path

from feedback_alignment.conditions import digest_of
from feedback_alignment.files import write_text
from feedback_alignment.provenance import count_statuses, digests, environment, summarise_settings
from feedback_alignment.tables import read_tables

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=Path, required=True, help="specification of the job")
parser.add_argument("--results", type=Path, required=True, help="results folder of the config")
args = parser.parse_args()

spec = json.loads(args.spec.read_text())
results = args.results
lock = (Path(__file__).parents[1] / "requirements.lock").read_text()


def write_json(name: str, content: object) -> None:
    """Write one of the record's files."""
    write_text(results / name, json.dumps(content, indent=1) + "\n")


write_json(
    "settings.json",
    {
        "name": spec["name"],
        "seed": spec["seed"],
        "experiments": {
            name: {
                "figures": experiment["figures"],
                "replicates": experiment["replicates"],
                **summarise_settings(experiment["conditions"]),
            }
            for name, experiment in spec["experiments"].items()
        },
    },
)
write_json("environment.json", environment(lock))
write_json(
    "status.json",
    {
        name: count_statuses(read_tables([results / f"metrics/{name}.parquet"]))
        for name in spec["experiments"]
    },
)
stems = {
    "metrics": (spec["experiments"], ("parquet", "csv")),
    "figures": (spec["figures"], ("svg", "pdf", "png")),
    "notebooks": (spec["figures"], ("ipynb", "html")),
    ".": (("claims",), ("csv", "json", "md")),
}
made = [
    results / folder / f"{name}.{end}"
    for folder, (names, ends) in stems.items()
    for name in names
    for end in ends
]
write_json(
    "manifest.json",
    {
        "config": digest_of({"name": spec["name"], "seed": spec["seed"], **spec["experiments"]}),
        "from": digest_of(spec["from"]),
        "code": spec["code"],
        "lock": spec["lock"],
        "environment": digest_of(environment(lock)),
        "files": digests(made, results),
    },
)
