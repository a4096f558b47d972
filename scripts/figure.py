"""Run the notebook of a figure: it saves the figure, and is kept executed, also as HTML."""

import argparse
import sys
from pathlib import Path

from feedback_alignment.notebooks import NotebookError, execute

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--notebook", type=Path, required=True, help="the notebook to run")
parser.add_argument("--figure", required=True, help="name of the figure")
parser.add_argument("--tables", type=Path, nargs="*", default=[], help="tidy tables, as Parquet")
parser.add_argument("--out-figures", type=Path, required=True, help="folder for the figure's files")
parser.add_argument("--out-ipynb", type=Path, required=True, help="the executed notebook")
parser.add_argument("--out-html", type=Path, required=True, help="the executed notebook as a page")
args = parser.parse_args()

try:
    execute(
        args.notebook,
        args.out_ipynb,
        args.out_html,
        {"figure": args.figure, "tables": args.tables, "out": args.out_figures},
    )
except NotebookError as error:
    sys.exit(f"error: {error}")
