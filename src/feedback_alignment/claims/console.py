"""The verdicts as a plain table for the console."""

import itertools
import textwrap
from collections import Counter
from collections.abc import Sequence

from feedback_alignment.claims.verdicts import NOT_RUN, CheckVerdict, ClaimVerdict

_COLUMNS = 100
_WIDTHS = (16, 30, 26, 6)
_HEADINGS = ("", "estimate [95 % interval]", "threshold", "replicates", "verdict")


def table(verdicts: Sequence[ClaimVerdict]) -> str:
    """A table of at most 100 columns: each claim, its checks below it, and a count at the end."""
    lines = [_row(_HEADINGS)]
    for claim in verdicts:
        lines += ["-" * _COLUMNS, f"{claim.id:<{sum(_WIDTHS) + 2}}{claim.verdict.upper()}"]
        reasons = {check.reason for check in claim.checks}
        if claim.verdict == NOT_RUN and len(reasons) == 1:
            lines.append(f"  because {reasons.pop()}")
            continue
        for label, checks in itertools.groupby(claim.checks, lambda check: check.label):
            lines += textwrap.wrap(label, _COLUMNS, initial_indent="  ", subsequent_indent="  ")
            for (reason, gone), alike in itertools.groupby(checks, _remarks):
                lines += [_check_line(check) for check in alike]
                if reason:
                    lines += textwrap.wrap(reason, _COLUMNS, initial_indent="      because ")
                if gone:
                    lines += textwrap.wrap(gone, _COLUMNS, initial_indent="      note: ")
    tally = Counter(claim.verdict for claim in verdicts)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in tally.items())
    lines += ["-" * _COLUMNS, f"{len(verdicts)} claims: {counts or 'none'}"]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _remarks(check: CheckVerdict) -> tuple[str, str]:
    return check.reason, "; ".join(check.left_out)


def _check_line(check: CheckVerdict) -> str:
    estimate = "" if check.estimate is None else f"{check.estimate:.3g}"
    if check.ci_low is not None:
        estimate += f" [{check.ci_low:.3g}, {check.ci_high:.3g}]"
    return _row((check.part, estimate, check.threshold, str(check.n), check.verdict))


def _row(cells: Sequence[str]) -> str:
    *fixed, last = cells
    return "  " + "".join(f"{c:<{w}}" for c, w in zip(fixed, _WIDTHS, strict=True)) + last
