"""The snapshots in docs/results: whole, and of the configs in the tree."""

import json
from pathlib import Path

from feedback_alignment.jobs import make_plan
from feedback_alignment.project import read_project
from feedback_alignment.snapshots.manifest import damages
from feedback_alignment.snapshots.pieces import asked, pieces_of

ROOT = Path(__file__).parents[2]


def test_every_snapshot_is_whole_and_has_the_settings_of_the_tree():
    for path in sorted((ROOT / "docs/results").glob("*/manifest.json")):
        assert damages(path.parent) == []
        manifest = json.loads(path.read_text())
        configs = [ROOT / config for config in manifest["configs"]]
        plan = make_plan(read_project(ROOT, configs), ROOT)
        wanted = {name: asked(job.specification) for name, job in pieces_of(plan).items()}
        there = {name: piece["asked"] for name, piece in manifest["pieces"].items()}
        assert there == wanted, f"{path.parent}: make the snapshot again"
