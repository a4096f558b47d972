"""Write the results page: verdicts, figures, settings with their sources, environment."""

import argparse
import json
import sys
from pathlib import Path

from feedback_alignment.claims.errors import ClaimsError
from feedback_alignment.claims.root_seeds import read_seeds
from feedback_alignment.errors import ConfigError
from feedback_alignment.files import DamagedFileError, report_in_one_line, write_text
from feedback_alignment.page.figures import PageError, collect_figures
from feedback_alignment.page.page import render
from feedback_alignment.receipts import making
from feedback_alignment.sources import load_sources
from feedback_alignment.specification import read_specification

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--claims", type=Path, required=True, help="claims.json")
parser.add_argument("--figures-dir", type=Path, required=True, help="folder of the figures")
parser.add_argument("--notebooks-dir", type=Path, required=True, help="executed notebooks")
parser.add_argument("--captions-dir", type=Path, required=True, help="captions, <figure>.rst")
parser.add_argument("--settings", type=Path, required=True, help="settings.json")
parser.add_argument("--sources", type=Path, required=True, help="config/sources.yaml")
parser.add_argument("--seeds", type=Path, required=True, help="verdicts under other root seeds")
parser.add_argument("--environment", type=Path, required=True, help="environment.json")
parser.add_argument("--status", type=Path, required=True, help="status.json")
parser.add_argument("--figures", nargs="*", help="the figures to show, in order; default all")
parser.add_argument("--spec", type=Path, required=True, help="specification of the job")
parser.add_argument("--receipt", type=Path, required=True, help="the receipt of the page")
parser.add_argument(
    "--upstream", type=Path, nargs="*", default=[], help="receipts of what it shows"
)
parser.add_argument("--out", type=Path, required=True, help="the page")
args = parser.parse_args()
report_in_one_line()

try:
    with making(args.receipt, read_specification(args.spec), [args.out], args.upstream):
        claims = json.loads(args.claims.read_text(encoding="utf-8"))
        page = render(
            claims=claims,
            seeds=read_seeds(args.seeds, claims.get("digest", "")),
            figures=collect_figures(
                args.figures_dir, args.notebooks_dir, args.captions_dir, args.out, args.figures
            ),
            settings=json.loads(args.settings.read_text(encoding="utf-8")),
            sources=load_sources(args.sources),
            environment=json.loads(args.environment.read_text(encoding="utf-8")),
            status=json.loads(args.status.read_text(encoding="utf-8")),
        )
        write_text(args.out, page)
except (ClaimsError, ConfigError, PageError, DamagedFileError, OSError) as error:
    sys.exit(f"error: {error}")
