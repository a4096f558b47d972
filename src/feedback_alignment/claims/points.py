"""Published values and our replicates at the same settings, one point for each value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from feedback_alignment.claims.equivalence import mean_of, welch_interval
from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.exclusions import in_words, leave_out
from feedback_alignment.claims.filters import OneOf, named
from feedback_alignment.claims.panel import Panel, Rows, read_panel
from feedback_alignment.claims.readings import Reading
from feedback_alignment.claims.threshold import Threshold
from feedback_alignment.claims.verdicts import INCONCLUSIVE, MIN_REPLICATES, PointVerdict
from feedback_alignment.published import PublishedPoint

# Published values, by the name of their file without its ending.
Tables = Mapping[str, Sequence[PublishedPoint]]


@dataclass(frozen=True)
class Point:
    """A published value, and our replicates at its settings.

    Attributes:
        published: the value.
        panel: the one condition that has its settings, without the replicates that diverged.
    """

    published: PublishedPoint
    panel: Panel

    @property
    def values(self) -> np.ndarray:
        """Our values (S,); none if more than half of the replicates diverged."""
        return self.panel.values.reshape(-1)


def name_of(value: PublishedPoint) -> str:
    """The settings of a published value in words, and its step if it has one."""
    said = [named(setting, column) for column, setting in value.settings.items()]
    return ", ".join(said if value.step is None else [*said, f"step {value.step}"])


def read_points(rows: Rows, reading: Reading, values: Sequence[PublishedPoint]) -> list[Point]:
    """Our replicates at the settings of published values, without values that no run has.

    What is read at the end is, of a value with a step, read at exactly that step. Each point has
    all replicates of its condition.

    Raises:
        NotRunError: two conditions have the settings of one value, or no run has any of them.
    """
    rows = rows.keep(rows.passing(reading.where))
    # Of each run the metric, and a row in any case, which says how it ended.
    frame = rows.frame
    kept = (frame["metric"] == reading.quantity) | ~frame.duplicated(["condition", "replicate"])
    rows = Rows(frame[kept], rows.settings)
    recorded = {None, *rows.frame["step"].unique().tolist()}
    points = []
    for value in values:
        own = rows.keep(rows.passing({c: OneOf((v,)) for c, v in value.settings.items()}))
        if value.step not in recorded or not own.settings:
            continue
        time = "end" if value.step is None else value.step
        panel = read_panel(own, replace(reading, time=time))
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
    mean = float(ours.mean()) if ours.size else None
    sd = float(ours.std(ddof=1)) if ours.size > 1 else None
    difference = low = high = side = None
    if mean is not None and not (log and min(mean, theirs.mean) <= 0):
        one = mean_of(mean, sd, ours.size, log=log)
        # Runs whose spread was not published are taken to spread as ours do.
        other = mean_of(theirs.mean, sd if theirs.sd is None else theirs.sd, theirs.n, log=log)
        difference = one.value - other.value
        if sd is not None:
            low, high = welch_interval(one, other, confidence)
            low, high = low - reading_error, high + reading_error
            side = accept.side(low, high) if ours.size >= MIN_REPLICATES else None
    return PointVerdict(
        point=name_of(theirs),
        published_mean=theirs.mean,
        published_sd=theirs.sd,
        published_n=theirs.n,
        n=ours.size,
        threshold=str(accept),
        verdict=INCONCLUSIVE if side is None else words[0] if side else words[1],
        left_out=in_words(point.panel.excluded),
        mean=mean,
        sd=sd,
        difference=difference,
        ci_low=low,
        ci_high=high,
    )
