"""Machine-checked verdicts: claims in, tidy tables in, a verdict with its interval out."""

from feedback_alignment.claims.console import table
from feedback_alignment.claims.errors import ClaimsError
from feedback_alignment.claims.judging import judge
from feedback_alignment.claims.loading import load_claims, parse_claims
from feedback_alignment.claims.model import Check, Claim
from feedback_alignment.claims.threshold import Threshold
from feedback_alignment.claims.verdicts import CheckVerdict, ClaimVerdict, overall
from feedback_alignment.claims.writing import read_verdicts, write_verdicts

__all__ = [
    "Check",
    "CheckVerdict",
    "Claim",
    "ClaimVerdict",
    "ClaimsError",
    "Threshold",
    "judge",
    "load_claims",
    "overall",
    "parse_claims",
    "read_verdicts",
    "table",
    "write_verdicts",
]
