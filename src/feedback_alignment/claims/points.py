"""Published values and our replicates at the same settings, one point for each value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from feedback_alignment.claims.equivalence import mean_of, welch_interval
from feedback_alignment.claims.errors import ClaimsError, NotRunError, pick
from feedback_alignment.claims.filters import AXES, TEXT_COLUMNS, Filter, named
from feedback_alignment.claims.kept import Kept, leave_out
from feedback_alignment.claims.panel import Rows, matching, read_panel
from feedback_alignment.claims.readings import Reading
from feedback_alignment.claims.threshold import Threshold
from feedback_alignment.claims.verdicts import (
    INCONCLUSIVE,
    MIN_REPLICATES,
    PointVerdict,
    exclusions,
)
from feedback_alignment.published import PublishedPoint

# Published values, by the name of their file without its ending.
Tables = Mapping[str, Sequence[PublishedPoint]]


@dataclass(frozen=True)
class Point:
    """A published value, and our replicates at its settings.

    Attributes:
        published: the value.
        kept: the one condition that has its settings, without the replicates that diverged.
    """

    published: PublishedPoint
    kept: Kept

    @property
    def values(self) -> np.ndarray:
        """Our values (S,); none if more than half of the replicates diverged."""
        return self.kept.panel.values.reshape(-1)

    @property
    def name(self) -> str:
        """Its settings in words, and its step if it has one."""
        return name_of(self.published)


def name_of(value: PublishedPoint) -> str:
    """The settings of a published value in words, and its step if it has one."""
    said = [
        str(setting) if column in TEXT_COLUMNS else f"{column} {named(setting)}"
        for column, setting in value.settings.items()
    ]
    return ", ".join([*said, *([] if value.step is None else [f"step {value.step}"])])


def values_of(
    tables: Tables, name: str, reading: Reading, steps: Sequence[int] | None = None
) -> list[PublishedPoint]:
    """The published values that a reading is compared with.

    A filter of the reading chooses among values whose file has its column.

    Args:
        tables: published values, by table.
        name: the table.
        reading: what is read of our runs.
        steps: the steps of the values; None for all.

    Raises:
        ClaimsError: the table is unknown or has a column that is no setting, or none of its values
            is of the metric, layer and filters at one of the steps.
    """
    found = []
    where: Mapping[str, Filter] = reading.where
    for value in tables[pick(name, tables, "table of published values")]:
        for column in value.settings:
            pick(column, AXES, f"column in {name}")
        if (
            [(value.metric, value.layer)] == reading.rows
            and (steps is None or value.step in steps)
            and all(where[c].passes(v) for c, v in value.settings.items() if c in where)
        ):
            found.append(value)
    if not found:
        raise ClaimsError(f"{name} has no value of {reading.quantity} for these conditions")
    if missing := sorted(set(steps or ()) - {value.step for value in found}):
        raise ClaimsError(f"{name} has no value of {reading.quantity} at step {missing[0]}")
    return found


def read_points(rows: Rows, reading: Reading, values: Sequence[PublishedPoint]) -> list[Point]:
    """Our replicates at the settings of published values.

    Args:
        rows: tidy rows of the conditions that may be read.
        reading: what is read at the end; of a value with a step it is read at exactly that step.
        values: the published values.

    Returns:
        the points, without values that no run has; each with all replicates of its condition.

    Raises:
        NotRunError: two conditions have the settings of one value, or no run has any of them.
    """
    # Of each run the metric, and a row in any case, which says how it ended.
    frame = rows.frame
    kept = (frame["metric"] == reading.quantity) | ~frame.duplicated(["condition", "replicate"])
    rows = Rows(frame[kept], rows.settings)
    recorded = {None, *rows.frame["step"].unique().tolist()}
    points = []
    for value in values:
        own = matching(rows, {c: Filter(values=(wanted,)) for c, wanted in value.settings.items()})
        if value.step not in recorded or not own.settings:
            continue
        panel = read_panel(
            own, reading if value.step is None else replace(reading, time=value.step)
        )
        if len(panel.conditions) > 1:
            names = " and ".join(chosen["condition"] for chosen in panel.conditions)
            raise NotRunError(f"the published value cannot be told to be of {names}")
        if (panel.diverged | np.isfinite(panel.values)).all():
            points.append(Point(value, leave_out(panel)))
    if not points:
        raise NotRunError(f"none of the {len(values)} published points is run")
    return points


def judge_point(
    point: Point,
    accept: Threshold,
    words: tuple[str, str],
    confidence: float,
    *,
    log: bool = False,
    reading_error: float = 0.0,
) -> PointVerdict:
    """The verdict of one point: on which side the interval of the difference of means lies.

    Args:
        point: the published value and ours.
        accept: which differences, ours less the published one, are good.
        words: the verdicts of an interval that is good as a whole, and of one no part of which is.
        confidence: level of the interval.
        log: whether common logarithms of the means are compared.
        reading_error: by how much the published value may be misread, in units of the difference.
    """
    ours, theirs = point.values, point.published
    verdict = PointVerdict(
        point=point.name,
        published_mean=theirs.mean,
        published_sd=theirs.sd,
        published_n=theirs.n,
        n=ours.size,
        threshold=str(accept),
        verdict=INCONCLUSIVE,
        left_out=exclusions(point.kept.excluded, failing=False),
    )
    if not ours.size:
        return verdict
    mean, sd = float(ours.mean()), float(ours.std(ddof=1)) if ours.size > 1 else None
    verdict = replace(verdict, mean=mean, sd=sd)
    if log and min(mean, theirs.mean) <= 0:
        return verdict
    one = mean_of(mean, sd, ours.size, log=log)
    # Runs whose spread was not published are taken to spread as ours do.
    other = mean_of(theirs.mean, sd if theirs.sd is None else theirs.sd, theirs.n, log=log)
    verdict = replace(verdict, difference=one.value - other.value)
    if sd is None:
        return verdict
    low, high = welch_interval(one, other, confidence)
    low, high = low - reading_error, high + reading_error
    side = accept.side(low, high) if ours.size >= MIN_REPLICATES else None
    word = INCONCLUSIVE if side is None else words[0] if side else words[1]
    return replace(verdict, ci_low=low, ci_high=high, verdict=word)
