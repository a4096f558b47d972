"""Machine-checked verdicts: claims in, tidy tables in, a verdict with its interval out."""

from collections.abc import Collection
from pathlib import Path

from feedback_alignment.claims.declaration import Check, Claim, Part, claim
from feedback_alignment.claims.errors import ClaimsError, LocatedError, located, pick
from feedback_alignment.claims.judging import judge
from feedback_alignment.claims.points import Tables
from feedback_alignment.claims.published import Published
from feedback_alignment.claims.threshold import Threshold
from feedback_alignment.claims.verdicts import CheckVerdict, ClaimVerdict, overall
from feedback_alignment.claims.writing import console_text, read_verdicts, write_verdicts

__all__ = [
    "Check",
    "CheckVerdict",
    "Claim",
    "ClaimVerdict",
    "ClaimsError",
    "Part",
    "Threshold",
    "claim",
    "console_text",
    "judge",
    "load_claims",
    "overall",
    "read_verdicts",
    "write_verdicts",
]


def load_claims(
    figures: Collection[str] | None = None, published: Tables | None = None
) -> tuple[Claim, ...]:
    """The claims that this project declares, in the order of their files.

    Args:
        figures: the figures that exist, or None to take any name.
        published: the published values that exist, by table, or None to take any name.

    Raises:
        ClaimsError: anything is wrong; one line with file and line of the declaration.
    """
    try:
        from feedback_alignment.claims import chu, ours, song
    except Exception as error:
        declared = [str(Path(__file__).with_name(f"{n}.py")) for n in ("song", "chu", "ours")]
        raise located(error, [__file__, *declared]) from None
    claims = tuple(
        value
        for module in (song, chu, ours)
        for value in vars(module).values()
        if isinstance(value, Claim)
    )
    for one in claims:
        try:
            if figures is not None:
                pick(one.figure, sorted(figures), "figure")
            for check in one.checks:
                if published is not None and isinstance(check.statistic, Published):
                    check.statistic.values(published)
        except ClaimsError as error:
            raise LocatedError(f"{one.declared}: {error}") from None
    return claims
