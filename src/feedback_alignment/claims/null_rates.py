"""How often each check passes on its null: at most one time in twenty if it can fail."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from feedback_alignment.claims.declaration import Check, Claim
from feedback_alignment.claims.equivalence import stream_of
from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.exclusions import leave_out
from feedback_alignment.claims.judging import parts_of
from feedback_alignment.claims.nulls import Null, resampled
from feedback_alignment.claims.panel import Rows, read_panel, rows_of
from feedback_alignment.claims.points import Point, Tables, read_points
from feedback_alignment.claims.published import Published
from feedback_alignment.claims.statistics import Statistic
from feedback_alignment.claims.verdicts import REPLICATED, decide

if TYPE_CHECKING:
    import pandas as pd

# A verdict on a null is `replicated` at most so often.
LEVEL = 0.05
# Whether a sample that is drawn with this generator passes; None if there is nothing to judge.
Passes = Callable[[np.random.Generator], bool | None]


@dataclass(frozen=True)
class NullRate:
    """How often a check passes on its null.

    Attributes:
        claim: the claim's id.
        check: the check's name, with the part's.
        null: what the null is, in words.
        threshold: what the statistic must satisfy.
        population: how many replicates of the null there are.
        size: how many a sample has, as many as the check is judged by.
        share: of the samples, how many give `replicated`; None where the null is not run.
        error: its Monte Carlo error.
        reason: why it is not run; else empty.
    """

    claim: str
    check: str
    null: str
    threshold: str
    population: int = 0
    size: int = 0
    share: float | None = None
    error: float = 0.0
    reason: str = ""

    @property
    def fails(self) -> bool:
        """Whether the share is above the level by more than two errors of it."""
        return self.share is not None and self.share > LEVEL + 2 * self.error


def null_rates(
    claims: Sequence[Claim],
    judged: Mapping[str, "pd.DataFrame"],
    nulls: Mapping[str, "pd.DataFrame"],
    published: Tables,
    resamples: int,
) -> list[NullRate]:
    """A rate for each check, and for each value of a column by which it is judged.

    Args:
        claims: the claims.
        judged: by figure, the tidy rows that the claims are judged by: a sample has their size.
        nulls: by figure, the tidy rows of these and of all conditions that are nulls.
        published: the values that claims are compared with, by table.
        resamples: number of samples of each null.
    """
    rates: dict[str, list[NullRate]] = {}
    # Figure by figure, as they are judged.
    for figure in judged:
        shown = [claim for claim in claims if claim.figure == figure]
        rates |= _of_figure(
            shown, rows_of(judged[figure]), rows_of(nulls[figure]), published, resamples
        )
    return [rate for claim in claims for rate in rates.get(claim.id, [])]


def _of_figure(
    claims: Sequence[Claim], rows: Rows, nulls: Rows, published: Tables, resamples: int
) -> dict[str, list[NullRate]]:
    """The rates of each claim of a figure, by id."""
    return {
        claim.id: [
            rate
            for check in claim.checks
            for rate in _rates(claim, check, rows, nulls, published, resamples)
        ]
        for claim in claims
    }


def _rates(
    claim: Claim, check: Check, rows: Rows, nulls: Rows, published: Tables, resamples: int
) -> Iterator[NullRate]:
    for part, statistic in parts_of(check.statistic, rows):
        label = f"{part}: {check.label}" if part else check.label
        blank = NullRate(claim.id, label, check.null.words, str(check.threshold))
        rng = np.random.default_rng(stream_of(f"{claim.id}\n{label}"))
        try:
            if isinstance(statistic, Published):
                passes, size, population = _of_points(check, statistic, rows, published)
            else:
                passes, size, population = _of_panel(check, statistic, rows, nulls)
            found = [passes(rng) for _ in range(resamples)]
        except NotRunError as error:
            yield replace(blank, reason=str(error))
            continue
        if found.count(None) > resamples / 2:
            yield replace(blank, reason="most samples of the null have nothing to judge")
            continue
        share = found.count(True) / resamples
        error = math.sqrt(max(share, 1 / resamples) * (1 - share) / resamples)
        yield replace(blank, population=population, size=size, share=share, error=error)


def _of_panel(
    check: Check, statistic: Statistic, rows: Rows, nulls: Rows
) -> tuple[Passes, int, int]:
    """Whether samples of the null pass, and how many replicates a sample and the null have."""
    null, second = check.null, statistic.other
    size = read_panel(rows, statistic.reading, second).replicates.size
    other = None if second is None else null.reread(second)
    panel = leave_out(read_panel(nulls, null.reread(statistic.reading), other), keep=statistic.keep)
    panel = null.prepare(panel)

    def passes(rng: np.random.Generator) -> bool | None:
        try:
            sample = null.draw(resampled(panel, size, rng, null.smooth), rng)
            return decide(check.threshold, statistic.compute(sample))[0] == REPLICATED
        except NotRunError:
            return None

    return passes, size, panel.replicates.size


def _of_points(
    check: Check, statistic: Published, rows: Rows, published: Tables
) -> tuple[Passes, int, int]:
    """The same of a comparison with published values."""
    points = read_points(rows, statistic.reading, statistic.values(published))
    size = min(point.values.size for point in points)
    if not size:
        raise NotRunError("no replicate is left")

    def passes(rng: np.random.Generator) -> bool:
        drawn = [_differing(point, statistic, check.null, rng) for point in points]
        stream = str(rng.integers(2**63))
        return statistic.judge(drawn, check.threshold, stream)["verdict"] == REPLICATED

    return passes, size, size


def _differing(point: Point, statistic: Published, null: Null, rng: np.random.Generator) -> Point:
    """A sample of our replicates, and a published mean that differs from ours as the null says."""
    theirs = point.published
    difference = (null.difference or 0.0) * (rng.choice([-1, 1]) if null.sign == "either" else 1)
    ours = float(point.values.mean())
    mean = ours / 10**difference if statistic.arguments.get("log") else ours - difference
    spread = float(point.values.std(ddof=1)) if theirs.sd is None else theirs.sd
    mean += spread / math.sqrt(theirs.n) * rng.standard_normal()
    return Point(replace(theirs, mean=mean), resampled(point.panel, point.values.size, rng))
