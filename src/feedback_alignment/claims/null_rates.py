"""How often each check passes on its null: at most one time in twenty if it can fail."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from feedback_alignment.claims.comparisons import Statistic
from feedback_alignment.claims.declaration import Check, Claim
from feedback_alignment.claims.equivalence import stream_of
from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.filters import Filter
from feedback_alignment.claims.judging import parts_of
from feedback_alignment.claims.kept import leave_out
from feedback_alignment.claims.nulls import Null, resampled
from feedback_alignment.claims.panel import Panel, Rows, matching, read_panel, rows_of
from feedback_alignment.claims.points import Point, Tables, read_points
from feedback_alignment.claims.published import Published
from feedback_alignment.claims.readings import Reading
from feedback_alignment.claims.verdicts import REPLICATED, decide

if TYPE_CHECKING:
    import pandas as pd

# A verdict on a null is `replicated` at most so often.
LEVEL = 0.05


@dataclass(frozen=True)
class NullRate:
    """How often a check passes on its null.

    Attributes:
        claim: the claim's id.
        check: the check's name.
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
    """Judge every check on samples of its null.

    Args:
        claims: the claims.
        judged: by figure, the tidy rows that the claims are judged by: a sample has their size.
        nulls: by figure, the tidy rows of these and of all conditions that are nulls.
        published: the values that claims are compared with, by table.
        resamples: number of samples.

    Returns:
        a rate for each check, and for each value of a column by which it is judged.
    """
    own = {figure: rows_of(table) for figure, table in judged.items()}
    others = {figure: rows_of(table) for figure, table in nulls.items()}
    return [
        rate
        for claim in claims
        if claim.figure in own
        for check in claim.checks
        for rate in _rates(claim, check, own[claim.figure], others[claim.figure], published,
                           resamples)
    ]  # fmt: skip


def _rates(
    claim: Claim, check: Check, rows: Rows, nulls: Rows, published: Tables, resamples: int
) -> Iterator[NullRate]:
    for name, part in parts_of(check, rows):
        label = f"{name}: {check.label}" if name else check.label
        blank = NullRate(claim.id, label, check.null.words, str(check.threshold))
        rng = np.random.default_rng(stream_of(f"{claim.id}\n{label}"))
        try:
            passes, size, population = _passing(check, part, rows, nulls, published, rng)
            found = [next(passes) for _ in range(resamples)]
        except NotRunError as error:
            yield replace(blank, reason=str(error))
            continue
        if found.count(None) > resamples / 2:
            yield replace(blank, reason="most samples of the null have nothing to judge")
            continue
        passed = found.count(True)
        share = passed / resamples
        error = math.sqrt(max(share, 1 / resamples) * (1 - share) / resamples)
        yield replace(blank, population=population, size=size, share=share, error=error)


def _passing(
    check: Check,
    part: Mapping[str, Filter],
    rows: Rows,
    nulls: Rows,
    published: Tables,
    rng: np.random.Generator,
) -> tuple[Iterator[bool | None], int, int]:
    """Whether each of any number of samples passes (None: nothing to judge), and two sizes.

    The sizes are that of a sample and that of the population.
    """
    statistic, null = check.statistic, check.null
    where = {**check.where, **part}
    if isinstance(statistic, Published):
        points = read_points(matching(rows, where), statistic.reading, statistic.values(published))
        size = min(point.values.size for point in points)
        return _published(statistic, check, points, rng), size, size
    size = read_panel(matching(rows, where), statistic.reading, statistic.other).replicates.size

    def reread(reading: Reading) -> Reading:
        return null.reread(replace(reading, where=where))

    own, second = reread(statistic.reading), statistic.other
    other = None if second is None else reread(second)
    panel = read_panel(matching(nulls, own.where), own, other)
    panel = null.prepare(leave_out(panel, keep=statistic.keep).panel)
    return _samples(statistic, check, panel, size, rng), size, panel.replicates.size


def _samples(
    statistic: Statistic, check: Check, panel: Panel, size: int, rng: np.random.Generator
) -> Iterator[bool | None]:
    while True:
        try:
            found = statistic.compute(
                check.null.draw(resampled(panel, size, rng, check.null.smooth), rng)
            )
        except NotRunError:
            yield None
            continue
        yield decide(check.threshold, found.value, found.interval, found.n)[0] == REPLICATED


def _published(
    statistic: Published, check: Check, points: Sequence[Point], rng: np.random.Generator
) -> Iterator[bool]:
    while True:
        drawn = [_differing(point, statistic, check.null, rng) for point in points]
        stream = str(rng.integers(2**63))
        yield statistic.judge(drawn, check.threshold, stream)["verdict"] == REPLICATED


def _differing(point: Point, statistic: Published, null: Null, rng: np.random.Generator) -> Point:
    """A sample of our replicates, and a published mean that differs from ours as the null says."""
    panel, theirs = point.kept.panel, point.published
    size = point.values.size
    difference = (null.difference or 0.0) * (rng.choice([-1, 1]) if null.sign == "either" else 1)
    mean, sd = float(point.values.mean()), theirs.sd
    if statistic.arguments.get("log"):
        mean /= 10**difference
    else:
        mean -= difference
    spread = float(point.values.std(ddof=1)) if sd is None else sd
    mean += spread / math.sqrt(theirs.n) * rng.standard_normal()
    kept = replace(point.kept, panel=resampled(panel, size, rng))
    return replace(point, published=replace(theirs, mean=mean), kept=kept)
