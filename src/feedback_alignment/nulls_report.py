"""Judge the nulls of a finished config, and write how often each check passes on its own."""

from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path

from pyarrow import ArrowInvalid
from pyarrow.parquet import read_schema

from feedback_alignment.claims import load_claims
from feedback_alignment.claims.null_rates import LEVEL, NullRate, null_rates
from feedback_alignment.claims.writing import csv_rows, number, row
from feedback_alignment.code import PUBLISHED
from feedback_alignment.config import Config
from feedback_alignment.errors import InputError
from feedback_alignment.files import write_text
from feedback_alignment.project import read_project
from feedback_alignment.published import read_all
from feedback_alignment.tables import StoredTables

SAMPLES = 1000


def write_null_rates(
    root: Path, config: Path, into: Path, samples: int = SAMPLES
) -> tuple[Path, list[NullRate]]:
    """Judge samples of each null of a config, from its tables and those of `config/nulls.yaml`.

    Returns:
        the table that was written into a folder, `<name of the config>.md` beside its `.csv`, and
        the rates.

    Raises:
        InputError: a config is wrong, or a table is not there.
    """
    judged, nulls = (read_project(root, [path]) for path in (config, root / "config/nulls.yaml"))
    claims = load_claims()
    figures = {claim.figure for claim in claims} & {*judged.figures}
    own = {figure: _tables(judged, figure) for figure in figures}
    more = {figure: [*paths, *_tables(nulls, figure)] for figure, paths in own.items()}
    published = read_all(root.glob(PUBLISHED))
    rates = null_rates(claims, StoredTables(own), StoredTables(more), published, samples)
    columns = [field.name for field in fields(NullRate)]
    table = into / f"{judged.name}.md"
    write_text(table.with_suffix(".csv"), csv_rows(columns, [astuple(rate) for rate in rates]))
    write_text(table, _markdown(rates, samples, config))
    return table, rates


def _tables(config: Config, figure: str) -> list[Path]:
    paths = [
        Path("results") / config.name / f"metrics/{experiment.name}.parquet"
        for experiment in config.feeding(figure)
    ]
    for path in paths:
        try:
            read_schema(path)
        except (OSError, ArrowInvalid):
            run = "run snakemake with this config first"
            raise InputError(f"{path}: is not there, or damaged; {run}") from None
    return paths


def _markdown(rates: Sequence[NullRate], samples: int, config: Path) -> str:
    head = ["claim", "check", "threshold", "null", "replicates", "n", "replicated"]
    lines = [
        "# How often each check passes where what it looks for is absent",
        "",
        f"Written by `make nulls CONFIG={config.as_posix()}`: the share of {samples} samples of n",
        "replicates that get the verdict `replicated`, with its Monte Carlo error. It is at most",
        f"{LEVEL:g}, and two errors, of a check that can fail. `replicates` are those of the null.",
        "",
        row(head),
        "|---" * len(head) + "|",
    ]
    for rate in rates:
        found = rate.reason or f"{number(rate.share)} ({number(round(rate.error, 4))})"
        sizes = [str(rate.population), str(rate.size)]
        lines.append(row([rate.claim, rate.check, rate.threshold, rate.null, *sizes, found]))
    return "\n".join(lines) + "\n"
