"""Run the notebook of a figure: it saves the figure, and is kept executed, also as HTML."""

import argparse
import sys
from pathlib import Path

from feedback_alignment.files import DamagedFileError, report_in_one_line
from feedback_alignment.notebooks import NotebookError, execute
from feedback_alignment.receipts import making
from feedback_alignment.specification import read_specification

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--notebook", type=Path, required=True, help="the notebook to run")
parser.add_argument("--figure", required=True, help="name of the figure")
parser.add_argument("--tables", type=Path, nargs="*", default=[], help="tidy tables, as Parquet")
parser.add_argument("--out-figures", type=Path, required=True, help="folder for the figure's files")
parser.add_argument("--out-ipynb", type=Path, required=True, help="the executed notebook")
parser.add_argument("--out-html", type=Path, required=True, help="the executed notebook as a page")
parser.add_argument("--spec", type=Path, required=True, help="specification of the job")
parser.add_argument("--receipt", type=Path, required=True, help="the receipt of all of these")
parser.add_argument("--upstream", type=Path, nargs="*", default=[], help="the tables' receipts")
args = parser.parse_args()
report_in_one_line()

made = [args.out_figures / f"{args.figure}.{end}" for end in ("svg", "pdf", "png")]
made += [args.out_ipynb, args.out_html]
try:
    with making(args.receipt, read_specification(args.spec), made, args.upstream):
        execute(
            args.notebook,
            args.out_ipynb,
            args.out_html,
            {"figure": args.figure, "tables": args.tables, "out": args.out_figures},
        )
        missing = [str(path) for path in made if not path.is_file()]
        if missing:
            raise NotebookError(
                f"{args.notebook}: it ran, but saved no {', '.join(missing)}; it must save "
                "{out}/{figure}.svg, .pdf and .png"
            )
except (NotebookError, DamagedFileError) as error:
    # What a user edits is the notebook of the project, not the copy that runs.
    sys.exit(f"error: {error}".replace(f"{args.notebook.parents[1]}/", ""))
