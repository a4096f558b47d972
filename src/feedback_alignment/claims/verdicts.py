"""What a verdict holds, and how it follows from an interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from feedback_alignment.claims.estimates import Estimate
from feedback_alignment.claims.threshold import Threshold

MIN_REPLICATES = 5
REPLICATED, NOT_REPLICATED = "replicated", "not replicated"
INCONCLUSIVE, NOT_RUN = "inconclusive", "not run"
# Of a mean beside a published one.
AGREES, DIFFERS = "agrees", "differs"


@dataclass(frozen=True)
class PointVerdict:
    """What became of one published value, in plain values.

    Attributes:
        point: the settings that it is for, and the step.
        published_mean: the published mean.
        published_sd: the published standard deviation over runs, or None.
        published_n: number of runs in it.
        n: number of our replicates.
        threshold: what the difference must satisfy, as text.
        verdict: `agrees`, `differs` or `inconclusive`; of a check that wants a difference the
            verdicts of checks.
        left_out: which replicates do not count, and why, in words.
        mean: our mean, or None where more than half of the replicates diverged.
        sd: our standard deviation, or None.
        difference: ours less the published one, of the means or of their logarithms, or None.
        ci_low: lower end of its interval, or None.
        ci_high: upper end.
    """

    point: str
    published_mean: float
    published_sd: float | None
    published_n: int
    n: int
    threshold: str
    verdict: str
    left_out: Sequence[str] = ()
    mean: float | None = None
    sd: float | None = None
    difference: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None


@dataclass(frozen=True)
class CheckVerdict:
    """What a check found, in plain values.

    Attributes:
        label: what was computed, for which conditions.
        part: the value of the check's `each` that this is the verdict for; empty if it has none.
        statistic: its name in the registry.
        where: the filters, in plain values.
        arguments: the statistic's arguments, likewise.
        threshold: what the statistic must satisfy, as text.
        null: data in which what it looks for is absent, in words (`nulls.py`).
        verdict: `replicated`, `not replicated`, `inconclusive` or `not run`.
        reason: why it is inconclusive or not run, or what else the verdict rests on; else empty.
        estimate: the statistic, or None.
        ci_low: lower end of its 95 % interval over replicates, or None.
        ci_high: upper end.
        n: number of replicates in it.
        excluded: what was left out, by kind: `diverged` (replicates by condition), `no_value`,
            `not_measured`, `mostly_diverged` (conditions, whole), `unpaired_replicates`.
        left_out: the same in words, a sentence a kind, as every list of verdicts shows it.
        conditions: each condition in it, with mean and sd of the quantity over these replicates.
        points: each published value that it compares with.
    """

    label: str
    part: str
    statistic: str
    where: Mapping[str, Any]
    arguments: Mapping[str, Any]
    threshold: str
    null: str
    verdict: str
    reason: str = ""
    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    n: int = 0
    excluded: Mapping[str, Any] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    conditions: Sequence[Mapping[str, Any]] = ()
    points: Sequence[PointVerdict] = ()

    @property
    def name(self) -> str:
        """Part and label in one text, unlike that of any other check of the claim."""
        return f"{self.part}: {self.label}" if self.part else self.label


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim with the verdicts of its checks, and the verdict that follows from them."""

    id: str
    paper: str
    statement: str
    figure: str
    verdict: str
    checks: tuple[CheckVerdict, ...]


def overall(verdicts: Sequence[str]) -> str:
    """The verdict of a claim from those of its checks."""
    if all(verdict == NOT_RUN for verdict in verdicts):
        return NOT_RUN
    if NOT_REPLICATED in verdicts:
        return NOT_REPLICATED
    return REPLICATED if all(verdict == REPLICATED for verdict in verdicts) else INCONCLUSIVE


def decide(threshold: Threshold, found: Estimate) -> tuple[str, str]:
    """Verdict and reason from a statistic and what it must satisfy."""
    if found.n < MIN_REPLICATES:
        return INCONCLUSIVE, f"replicates left: {found.n}; a verdict needs {MIN_REPLICATES}"
    if found.interval is None or not np.isfinite(found.value):
        return INCONCLUSIVE, "the statistic has no value for these replicates"
    side = threshold.side(*found.interval)
    if side is None:
        return INCONCLUSIVE, "the interval lies across the threshold"
    return (REPLICATED if side else NOT_REPLICATED), ""
