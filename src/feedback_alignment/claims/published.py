"""The statistics that compare with published values, and the verdicts of their checks.

What several take: a reading of a metric at the end, which of published values with a step is read
at exactly that step, and the name of their table, as `song2021_loss` of `resources/published/`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from feedback_alignment.claims.equivalence import JOINT_CONFIDENCE, Mean, joint_test, mean_of
from feedback_alignment.claims.errors import ClaimsError, finite, pick, shown
from feedback_alignment.claims.estimates import CONFIDENCE, Estimate
from feedback_alignment.claims.exclusions import in_words
from feedback_alignment.claims.filters import AXES, passes
from feedback_alignment.claims.groups import strata
from feedback_alignment.claims.panel import Rows
from feedback_alignment.claims.points import Point, Tables, judge_point, read_points
from feedback_alignment.claims.readings import Reading
from feedback_alignment.claims.threshold import Comparable, Threshold, between
from feedback_alignment.claims.verdicts import (
    AGREES,
    DIFFERS,
    INCONCLUSIVE,
    NOT_REPLICATED,
    REPLICATED,
    decide,
    overall,
)
from feedback_alignment.metrics.registry import METRICS
from feedback_alignment.published import PublishedPoint

# Two one-sided tests at 5 % are an interval of 90 %.
EQUIVALENCE_CONFIDENCE = 0.9

# From points, the check's threshold and the name of its random stream, what the check has found.
Judge = Callable[[Sequence[Point], Threshold, str], Mapping[str, Any]]


@dataclass(frozen=True)
class Published(Comparable):
    """A number that a check computes from our means and published ones.

    Attributes:
        name: its name, for the record.
        reading: what is compared.
        table: the published values: the name of their file, without its ending.
        steps: at which steps; None for all.
        judge: from points to attributes of a verdict.
        arguments: what it was declared with, in plain values, for the record.
        beside: what must hold of the verdicts that published values have of their own beside the
            threshold, in words; empty if they have none.
    """

    name: str
    reading: Reading
    table: str
    steps: Sequence[int] | None
    judge: Judge
    arguments: Mapping[str, Any] = field(default_factory=dict)
    beside: str = ""

    @property
    def by_point(self) -> bool:
        """Whether each published value has a verdict of its own."""
        return bool(self.beside)

    def values(self, tables: Tables) -> list[PublishedPoint]:
        """The published values that it is computed from.

        A filter of the reading chooses among values whose file has its column.

        Raises:
            ClaimsError: the table is unknown or has a column that is no setting, or none of its
                values is of the metric, layer and filters at one of the steps.
        """
        found, asked = [], self.reading
        for value in tables[pick(self.table, tables, "table of published values")]:
            for column in value.settings:
                pick(column, AXES, f"column in {self.table}")
            where = {c: accept for c, accept in asked.where.items() if c in value.settings}
            if (
                {value.metric: value.layer} == asked.rows
                and (self.steps is None or value.step in self.steps)
                and passes(value.settings, where)
            ):
                found.append(value)
        what = f"{self.table} has no value of {asked.quantity}"
        if not found:
            raise ClaimsError(f"{what} for these conditions")
        if missing := sorted(set(self.steps or ()) - {value.step for value in found}):
            raise ClaimsError(f"{what} at step {missing[0]}")
        return found


def agreement(
    reading: Reading,
    table: str,
    *,
    margin: float,
    log: bool = False,
    reading_error: float = 0.0,
    steps: Sequence[int] | None = None,
) -> Published:
    """Share of published means that ours agree with; none may differ.

    A mean agrees if the 90 % interval of the difference, ours less the published one, lies within
    the margin on both sides, and differs if it lies wholly outside. Runs that were published
    without their sd are taken to spread as ours do.

    Args:
        reading: what is compared.
        table: the published values.
        margin: the largest difference that counts as agreement.
        log: whether common logarithms of the means are compared.
        reading_error: by how much published values may be misread, in units of the difference.
        steps: at which steps; None for all.
    """
    if finite(margin, "margin must be a number") <= 0:
        raise ClaimsError(f"margin must be above 0, not {shown(margin)}")
    if finite(reading_error, "reading_error must be a number") < 0:
        raise ClaimsError(f"reading_error must be 0 or above, not {shown(reading_error)}")
    within = between(-margin, margin)

    def judge(points: Sequence[Point], threshold: Threshold, stream: str) -> dict[str, Any]:
        found = tuple(
            judge_point(
                point,
                within,
                (AGREES, DIFFERS),
                EQUIVALENCE_CONFIDENCE,
                log=log,
                reading_error=reading_error,
            )
            for point in points
        )
        tally = Counter(point.verdict for point in found)
        share = tally[AGREES] / len(found)
        held = REPLICATED if threshold.holds(share) else INCONCLUSIVE
        return {
            "verdict": NOT_REPLICATED if tally[DIFFERS] else held,
            "reason": f"{tally[AGREES]} of {len(found)} points agree; {tally[DIFFERS]} differing, "
            f"{tally[INCONCLUSIVE]} inconclusive",
            "estimate": share,
            "points": found,
        }

    own = {"margin": margin, "log": log, "reading_error": reading_error}
    return _published("agreement", reading, table, steps, judge, "none differs, ", **own)


def highest_difference(reading: Reading, table: str) -> Published:
    """Largest difference of means, ours less the published one; every one is judged."""

    def judge(points: Sequence[Point], threshold: Threshold, stream: str) -> dict[str, Any]:
        words = (REPLICATED, NOT_REPLICATED)
        found = tuple(judge_point(point, threshold, words, CONFIDENCE) for point in points)
        highest = max(found, key=lambda p: -np.inf if p.difference is None else p.difference)
        verdict = overall([point.verdict for point in found])
        return {
            "verdict": verdict,
            "reason": "some point is inconclusive" if verdict == INCONCLUSIVE else "",
            "estimate": highest.difference,
            "ci_low": highest.ci_low,
            "ci_high": highest.ci_high,
            "points": found,
        }

    return _published("highest_difference", reading, table, None, judge, "every point, ")


def joint_p(reading: Reading, table: str) -> Published:
    """Two-sided p-value of the sum over points of squared z; see `equivalence.joint_test`.

    A replicate shares its data and initial weights with all conditions of its width. Published
    values without an sd do not count.
    """

    def judge(points: Sequence[Point], threshold: Threshold, stream: str) -> dict[str, Any]:
        counted = [p for p in points if p.values.size and p.published.sd is not None]
        groups = _groups(counted)
        count = min((values.shape[1] for values, _ in groups), default=0)
        test = joint_test(groups, stream) if count > 1 else None
        if test is None:
            verdict, reason = decide(threshold, Estimate(np.nan, None, count))
            return {"verdict": verdict, "reason": reason, "n": count}
        verdict, reason = decide(threshold, Estimate(test.p, (test.p, test.p), count))
        said = (
            f"the sum over {len(counted)} points is {test.statistic:.4g}, and of agreement "
            f"{JOINT_CONFIDENCE:.0%} lie in [{test.low:.4g}, {test.high:.4g}]"
        )
        reason = f"{reason}; {said}" if reason else said
        return {"verdict": verdict, "reason": reason, "estimate": test.p, "n": count}

    # The axis is named for the claims' digest, from which the root seeds follow.
    return _published("joint_p", reading, table, None, judge, apart="width")


def judge_published(
    statistic: Published, threshold: Threshold, rows: Rows, tables: Tables, stream: str
) -> dict[str, Any]:
    """What a check against published values finds, as attributes of its verdict.

    Raises:
        ClaimsError: the published values do not fit the check.
        NotRunError: no run has any of them.
    """
    values = statistic.values(tables)
    points = read_points(rows, statistic.reading, values)
    diverged, unstable = {}, {}
    for point in points:
        diverged |= point.panel.excluded.get("diverged", {})
        unstable |= dict.fromkeys(point.panel.excluded.get("mostly_diverged", ()))
    kinds = {"diverged": diverged, "mostly_diverged": [*unstable]}
    excluded = {kind: found for kind, found in kinds.items() if found}
    absent = len(values) - len(points)
    missing = (f"{absent} of {len(values)} points not run",) if absent else ()
    return {
        "n": min(point.values.size for point in points),
        "excluded": excluded,
        "left_out": (*missing, *in_words(excluded)),
        **statistic.judge(points, threshold, stream),
    }


def _published(
    name: str,
    reading: Reading,
    table: str,
    steps: Sequence[int] | None,
    judge: Judge,
    beside: str = "",
    **own: Any,
) -> Published:
    if not isinstance(reading, Reading):
        raise ClaimsError(f"{name} is of a reading, as in part.final(...), not {shown(reading)}")
    plain = reading.quantity in METRICS and reading.time == "end" and reading.relative_to is None
    if not plain or reading.each is not None:
        raise ClaimsError(f"{name} is of a metric at the end, and of all conditions in one")
    said = {"metric": reading.quantity, "layer": reading.layer, "published": table, **own}
    said["steps"] = None if steps is None else list(steps)
    arguments = {key: value for key, value in said.items() if value is not None}
    return Published(name, reading, table, steps, judge, arguments, beside)


def _groups(points: Sequence[Point]) -> list[tuple[np.ndarray, list[Mean]]]:
    """Values (C, S) and published means of the points of each width.

    Of the replicates, those that diverged in no condition of their group.
    """
    groups = []
    for chosen in strata([point.published.settings for point in points], "width"):
        members = [points[i] for i in chosen]
        replicates = [point.panel.replicates for point in members]
        left = reduce(np.intersect1d, replicates)
        values = [p.values[np.isin(own, left)] for p, own in zip(members, replicates, strict=True)]
        theirs = [mean_of(p.mean, p.sd, p.n) for p in (point.published for point in members)]
        groups.append((np.array(values), theirs))
    return groups
