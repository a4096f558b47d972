"""Check a config, the claims, and the sources beside it, and print its results folder."""

import argparse
import sys
from pathlib import Path

from feedback_alignment.claims import ClaimsError, load_claims
from feedback_alignment.config import ConfigError, load_config
from feedback_alignment.plan import known_figures
from feedback_alignment.report.sources import load_sources

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("config", type=Path, nargs="+", help="config file; later ones win")
args = parser.parse_args()

root = Path(__file__).parents[1]
try:
    figures = known_figures(root)
    load_claims(figures)
    load_sources(root / "config/sources.yaml")
    config = load_config(
        args.config,
        schema=root / "workflow/schemas/config.schema.json",
        known_figures=figures,
    )
except (ConfigError, ClaimsError) as error:
    sys.exit(f"error: {error}")
print(f"results/{config.name}")
