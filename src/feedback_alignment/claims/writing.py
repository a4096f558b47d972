"""Write verdicts as CSV, JSON, Markdown and for the console, and read them back."""

import csv
import io
import json
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from feedback_alignment.claims.errors import ClaimsError
from feedback_alignment.claims.estimates import CONFIDENCE
from feedback_alignment.claims.verdicts import (
    MIN_REPLICATES,
    NOT_RUN,
    CheckVerdict,
    ClaimVerdict,
    PointVerdict,
)
from feedback_alignment.files import write_text

# How they are made, for whoever reads the verdicts.
INTERVALS = (
    "Intervals are 95 % over replicates: Student's of means (of logarithms, or of the jackknife's "
    "pseudo-values, for an exponent); of the least or largest of several means, of each; the sign "
    "test's of a median, as of correlations; Clopper and Pearson's of a share, of runs as if there "
    "were only as many as tell the same independently; Newcombe's of an area under the curve. "
    "Where every replicate must pass, the lower bound of the share is at 95 % by itself. "
    "Differences from published values are ours less theirs, with Welch's interval, at 90 % for "
    "agreement."
)
CSV_COLUMNS = (
    "claim",
    "paper",
    "statement",
    "statistic",
    "estimate",
    "ci_low",
    "ci_high",
    "threshold",
    "n",
    "verdict",
    "figure",
)
# Of the console: characters of a line, and of its cells but the last.
_COLUMNS = 100
_WIDTHS = (16, 30, 26, 6)
_HEADINGS = ("", "estimate [95 % interval]", "threshold", "replicates", "verdict")


def write_verdicts(verdicts: Sequence[ClaimVerdict], folder: Path, digest: str) -> None:
    """Write `claims.csv`, `claims.json` and `claims.md`, each whole or not at all.

    The digest is that of the claims, `root_seeds.digest_of_claims`.
    """
    write_text(folder / "claims.csv", csv_text(verdicts))
    write_text(folder / "claims.json", json_text(verdicts, digest))
    write_text(folder / "claims.md", markdown_text(verdicts))


def read_verdicts(path: Path) -> list[ClaimVerdict]:
    """Read the verdicts of a `claims.json`.

    Raises:
        ClaimsError: the file is missing or is no such file.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        return [
            ClaimVerdict(**{**entry, "checks": tuple(map(_check, entry["checks"]))})
            for entry in content["claims"]
        ]
    except OSError as error:
        raise ClaimsError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise ClaimsError(f"{path}: is not a claims.json of this version") from None


def csv_text(verdicts: Sequence[ClaimVerdict]) -> str:
    """One row a check, and below it one a published value that it compares with.

    A number that does not exist is an empty cell.
    """
    rows = []
    for claim in verdicts:
        for check in claim.checks:
            found = [(check.name, check.estimate, check)]
            found += [(f"{check.name}: {p.point}", p.difference, p) for p in check.points]
            for name, estimate, of in found:
                numbers = map(number, (estimate, of.ci_low, of.ci_high))
                cells = [claim.id, claim.paper, claim.statement, name + remark(of), *numbers]
                rows.append([*cells, of.threshold, of.n, of.verdict, claim.figure])
    return csv_rows(CSV_COLUMNS, rows)


def csv_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue()


def json_text(verdicts: Sequence[ClaimVerdict], digest: str = "") -> str:
    """Everything, checks nested under their claim; numbers with six digits."""
    content = {
        "digest": digest,
        "confidence": CONFIDENCE,
        "interval": INTERVALS,
        "min_replicates": MIN_REPLICATES,
        "claims": [asdict(verdict) for verdict in verdicts],
    }
    return json.dumps(_rounded(content), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def markdown_text(verdicts: Sequence[ClaimVerdict]) -> str:
    """A table of the claims, then one of the checks of each."""
    lines = ["# Claims and verdicts", "", "| claim | paper | verdict |", "|---|---|---|"]
    lines += [f"| {_cell(c.id)} | {_cell(c.paper)} | **{c.verdict}** |" for c in verdicts]
    lines += ["", *textwrap.wrap(INTERVALS, 98)]
    for claim in verdicts:
        lines += ["", f"## {_cell(claim.id)}: {claim.verdict}", "", _cell(claim.statement), ""]
        lines += [f"{_cell(claim.paper)}; figure `{claim.figure}`", ""]
        lines += ["| statistic | estimate | interval | threshold | null | n | verdict |"]
        lines += ["|---|---|---|---|---|---|---|"]
        for check in claim.checks:
            verdict = check.verdict + (f": {check.reason}" if check.reason else "")
            cells = [check.name + remark(check), number(check.estimate), interval(check)]
            cells += [check.threshold, check.null, str(check.n), verdict]
            lines.append(row(cells))
        for check in claim.checks:
            if check.points:
                lines += ["", _cell(check.name), "", *_point_table(check)]
    return "\n".join(lines) + "\n"


def remark(check: CheckVerdict | PointVerdict) -> str:
    """What a check or a point left out, to stand behind its label; empty if nothing."""
    return f" ({'; '.join(check.left_out)})" if check.left_out else ""


def interval(check: CheckVerdict | PointVerdict) -> str:
    """An interval as text; empty if there is none."""
    low, high = number(check.ci_low), number(check.ci_high)
    return f"[{low}, {high}]" if low else ""


def number(value: float | None) -> str:
    """A number with six significant digits; empty if there is none."""
    return "" if value is None else f"{value:.6g}"


def _check(content: Mapping[str, Any]) -> CheckVerdict:
    points = tuple(PointVerdict(**point) for point in content.get("points", ()))
    return CheckVerdict(**{**content, "points": points})


def _point_table(check: CheckVerdict) -> list[str]:
    lines = ["| point | published | sd | n | ours | sd | n | difference | interval | verdict |"]
    lines.append("|---" * 10 + "|")
    for point in check.points:
        theirs = [number(point.published_mean), number(point.published_sd), str(point.published_n)]
        ours = [number(point.mean), number(point.sd), str(point.n)]
        found = [number(point.difference), interval(point), point.verdict]
        lines.append(row([point.point + remark(point), *theirs, *ours, *found]))
    return lines


def row(cells: Sequence[str]) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(map(_cell, cells))} |"


def _rounded(content: Any) -> Any:
    if isinstance(content, float):
        return float(number(content))
    if isinstance(content, Mapping):
        return {key: _rounded(value) for key, value in content.items()}
    return [_rounded(v) for v in content] if isinstance(content, list | tuple) else content


def _cell(text: str) -> str:
    return re.sub(r"([|*_])", r"\\\1", text)


def console_text(verdicts: Sequence[ClaimVerdict]) -> str:
    """A table of at most 100 columns: each claim, its checks below it, and a count at the end."""
    lines = [_line(_HEADINGS)]
    for claim in verdicts:
        lines += ["-" * _COLUMNS, f"{claim.id:<{sum(_WIDTHS) + 2}}{claim.verdict.upper()}"]
        reasons = {check.reason for check in claim.checks}
        if claim.verdict == NOT_RUN and len(reasons) == 1:
            lines.append(f"  because {reasons.pop()}")
            continue
        for label, checks in groupby(claim.checks, lambda check: check.label):
            lines += textwrap.wrap(label, _COLUMNS, initial_indent="  ", subsequent_indent="  ")
            for said, alike in groupby(checks, lambda check: (check.reason, check.left_out)):
                reason, gone = said[0], "; ".join(said[1])
                lines += [_check_line(check) for check in alike]
                if reason:
                    lines += textwrap.wrap(reason, _COLUMNS, initial_indent="      because ")
                if gone:
                    lines += textwrap.wrap(gone, _COLUMNS, initial_indent="      note: ")
    tally = Counter(claim.verdict for claim in verdicts)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in tally.items())
    lines += ["-" * _COLUMNS, f"{len(verdicts)} claims: {counts or 'none'}"]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _check_line(check: CheckVerdict) -> str:
    estimate = "" if check.estimate is None else f"{check.estimate:.3g}"
    if check.ci_low is not None:
        estimate += f" [{check.ci_low:.3g}, {check.ci_high:.3g}]"
    return _line((check.part, estimate, check.threshold, str(check.n), check.verdict))


def _line(cells: Sequence[str]) -> str:
    *fixed, last = cells
    return "  " + "".join(f"{c:<{w}}" for c, w in zip(fixed, _WIDTHS, strict=True)) + last
