"""Machine-checked verdicts: claims in, tidy tables in, a verdict with its interval out.

`CLAIMS` are the claims of this project; they are declared when it is first asked for.
"""

from typing import Any

from feedback_alignment.claims.console import table
from feedback_alignment.claims.declaration import Check, Claim, Part, claim
from feedback_alignment.claims.errors import ClaimsError
from feedback_alignment.claims.judging import judge
from feedback_alignment.claims.shipped import load_claims
from feedback_alignment.claims.threshold import Threshold
from feedback_alignment.claims.verdicts import CheckVerdict, ClaimVerdict, overall
from feedback_alignment.claims.writing import read_verdicts, write_verdicts

CLAIMS: tuple[Claim, ...]

__all__ = [
    "CLAIMS",
    "Check",
    "CheckVerdict",
    "Claim",
    "ClaimVerdict",
    "ClaimsError",
    "Part",
    "Threshold",
    "claim",
    "judge",
    "load_claims",
    "overall",
    "read_verdicts",
    "table",
    "write_verdicts",
]


def __getattr__(name: str) -> Any:
    if name != "CLAIMS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault("CLAIMS", load_claims())
