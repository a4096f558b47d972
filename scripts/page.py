"""Write the results page: verdicts, figures, settings with their sources, environment."""

import argparse
import sys
from pathlib import Path

from feedback_alignment.errors import InputError
from feedback_alignment.files import DamagedFileError, report_in_one_line
from feedback_alignment.page.page import write_page
from feedback_alignment.receipts import making
from feedback_alignment.specification import read_specification

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--spec", type=Path, required=True, help="specification of the job")
parser.add_argument("--results", type=Path, required=True, help="results folder of the config")
parser.add_argument("--figures", nargs="*", default=[], help="the figures to show, in order")
parser.add_argument("--captions", type=Path, nargs="*", default=[], help="captions, <figure>.rst")
parser.add_argument("--sources", type=Path, required=True, help="config/sources.yaml")
parser.add_argument("--seeds", type=Path, required=True, help="verdicts under other root seeds")
parser.add_argument("--receipt", type=Path, required=True, help="the receipt of the page")
parser.add_argument(
    "--upstream", type=Path, nargs="*", default=[], help="receipts of what it shows"
)
args = parser.parse_args()
report_in_one_line()

made = [args.results / "index.html"]
try:
    with making(args.receipt, read_specification(args.spec), made, args.upstream):
        write_page(args.results, args.figures, args.captions, args.sources, args.seeds)
except (InputError, DamagedFileError) as error:
    sys.exit(f"error: {error}")
