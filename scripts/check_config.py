"""Check a config and print the folder that its results go to."""

import argparse
import sys
from pathlib import Path

from feedback_alignment.config import ConfigError, load_config
from feedback_alignment.plan import known_figures

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("config", type=Path, nargs="+", help="config file; later ones win")
args = parser.parse_args()

root = Path(__file__).parents[1]
try:
    config = load_config(
        args.config,
        schema=root / "workflow/schemas/config.schema.json",
        known_figures=known_figures(root),
    )
except ConfigError as error:
    sys.exit(f"error: {error}")
print(f"results/{config.name}")
