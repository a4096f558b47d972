"""Root seeds that follow from the claims, so that a changed threshold meets new data."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from feedback_alignment.claims.declaration import Claim
from feedback_alignment.claims.errors import ClaimsError
from feedback_alignment.claims.filters import plain
from feedback_alignment.claims.verdicts import ClaimVerdict
from feedback_alignment.claims.writing import csv_rows
from feedback_alignment.rows import read_lines

SEEDS = 5
# With the same verdict under fewer seeds a claim is fragile.
_ENOUGH = 4
_COLUMNS = ["claims", "claim", *(f"verdict_{k}" for k in range(1, SEEDS + 1))]


def digest_of_claims(claims: Sequence[Claim]) -> str:
    """sha256 of all that decides a verdict: statistics, conditions and thresholds."""
    content = [
        [
            claim.id,
            check.label,
            check.statistic.name,
            plain(check.statistic.reading.where),
            dict(check.statistic.arguments),
            check.statistic.reading.each,
            check.threshold.plain(),
        ]
        for claim in claims
        for check in claim.checks
    ]
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def root_seeds(claims: Sequence[Claim]) -> tuple[int, ...]:
    """The first 8 hex digits of sha256 of the claims' digest and k, for k from 1."""
    digest = digest_of_claims(claims)
    return tuple(
        int(hashlib.sha256(f"{digest} {k}".encode()).hexdigest()[:8], 16)
        for k in range(1, SEEDS + 1)
    )


def table_of_seeds(claims: Sequence[Claim], verdicts: Sequence[Sequence[ClaimVerdict]]) -> str:
    """A table as CSV: a row each claim, its verdict under each seed, in their order."""
    digest = digest_of_claims(claims)
    found = [{verdict.id: verdict.verdict for verdict in one} for one in verdicts]
    rows = [[digest, claim.id, *(one[claim.id] for one in found)] for claim in claims]
    return csv_rows(_COLUMNS, rows)


def read_seeds(path: Path, digest: str) -> dict[str, tuple[str, ...]]:
    """Verdicts under each root seed, by claim; none if these claims have another digest.

    Raises:
        ClaimsError: the file is no such table.
    """
    rows = [(place, line.split(",")) for place, line in read_lines(path)]
    if not rows or rows[0][1] != _COLUMNS:
        raise ClaimsError(
            f"{path}: is not a table of make seeds; restore it, or leave one line in it: "
            f"{','.join(_COLUMNS)}"
        )
    for place, cells in rows:
        if len(cells) != len(_COLUMNS):
            raise ClaimsError(f"{place}: has {len(cells)} cells, but {len(_COLUMNS)} columns")
    return {claim: tuple(found) for _, (claims, claim, *found) in rows if claims == digest}


def fragile(verdicts: Sequence[str]) -> bool:
    """Whether no verdict is that of four of the five seeds."""
    return max(Counter(verdicts).values()) < _ENOUGH
