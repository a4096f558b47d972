"""Data in which what a check looks for is absent: a check that can fail seldom passes on them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from feedback_alignment.claims.errors import ClaimsError, NotRunError, finite, pick
from feedback_alignment.claims.estimates import log_or_nan
from feedback_alignment.claims.filters import ALONG, NUMBER_AXES, filters
from feedback_alignment.claims.groups import Conditions, groups, pairs_between, strata
from feedback_alignment.claims.panel import Panel
from feedback_alignment.claims.readings import Criterion, Reading

Scale = Literal["values", "logarithms"]


@dataclass(frozen=True)
class Null:
    """How data without the phenomenon are made.

    Attributes:
        words: what they are, for the record.
        reread: what is read in place of a reading of the check.
        prepare: what is done to all replicates once.
        draw: what is done, at random, to each sample of replicates.
        smooth: the scale on which samples of few replicates are smoothed, or None where what is
            drawn is random anyway.
        difference: of a comparison with published values, by how much ours differ from them.
        sign: `either` if they differ to either side at random, else `given`.
    """

    words: str
    reread: Callable[[Reading], Reading] = lambda reading: reading
    prepare: Callable[[Panel], Panel] = lambda panel: panel
    draw: Callable[[Panel, np.random.Generator], Panel] = lambda panel, rng: panel
    smooth: Scale | None = None
    difference: float | None = None
    sign: Literal["either", "given"] = "given"


def untrained() -> Null:
    """What is read at the start, before any training."""

    def reread(reading: Reading) -> Reading:
        other = None if reading.relative_to is None else "start"
        return replace(reading, time="start", relative_to=other)

    return Null("an untrained network", reread=reread)


def instead(**where: Any) -> Null:
    """Other conditions, in which the phenomenon is absent: filters in place of the check's."""
    added = filters(where)

    def reread(reading: Reading) -> Reading:
        return replace(reading, where={**reading.where, **added})

    return Null(", ".join(f"{column} {value}" for column, value in where.items()), reread=reread)


def shuffled(along: str | None = None) -> Null:
    """The values of the conditions exchanged at random within each replicate.

    Among those that differ in a setting, or `case`, alone; without one among all.
    """
    if along is not None:
        pick(along, ALONG, "axis")

    def draw(panel: Panel, rng: np.random.Generator) -> Panel:
        every = [list(range(len(panel.conditions)))]
        values = panel.values.copy()
        for group in every if along is None else groups(panel.conditions, along):
            values[group] = rng.permuted(values[group], axis=0)
        return replace(panel, values=values)

    what = "of all conditions" if along is None else f"of {along}"
    return Null(f"labels {what} shuffled within a replicate", draw=draw)


def unrelated(within: str | None = None) -> Null:
    """The first quantity of every run is that of another run.

    Args:
        within: the other run has the same value of this setting; None for any run.
    """
    if within is not None:
        pick(within, ALONG, "axis")

    def draw(panel: Panel, rng: np.random.Generator) -> Panel:
        values = panel.values.copy()
        for rows in strata(panel.conditions, within):
            values[rows] = rng.permutation(values[rows].ravel()).reshape(values[rows].shape)
        return replace(panel, values=values)

    alike = f" at the same {within}" if within else ""
    return Null(f"the first quantity is another run's{alike}", draw=draw)


def tells_at(area: float, criterion: Criterion) -> Null:
    """The first quantity a score that tells runs that pass from others as often as the edge says.

    Normal, shifted where a run passes (the binormal model), with one deviation for all runs of a
    replicate, which are then as alike as they can be.

    Args:
        area: share of pairs, of runs of two replicates, in which the one that passes has more.
        criterion: what a run passes, of the second quantity.
    """
    if not 0 < finite(area, "an area must be a number") < 1:
        raise ClaimsError(f"an area must be between 0 and 1, not {area:g}")
    shift = math.sqrt(2) * NormalDist().inv_cdf(area)

    def draw(panel: Panel, rng: np.random.Generator) -> Panel:
        passes = criterion.threshold.holds(panel.other)
        score = shift * passes + rng.standard_normal(panel.values.shape[1])
        return replace(panel, values=np.where(np.isnan(panel.values), np.nan, score))

    return Null(f"a score that tells with an area of {area:g}", draw=draw)


def mean_at(bound: float) -> Null:
    """The mean of every condition at the edge of what passes."""
    finite(bound, "a mean must be a number")
    return _centred(f"means of {bound:g}", lambda conditions: bound, "values")


def factor_at(bound: float) -> Null:
    """The geometric mean of every condition at the edge of what passes, or at a rival law's."""
    if finite(bound, "a factor must be a number") <= 0:
        raise ClaimsError(f"a factor must be above 0, not {bound:g}")
    return _centred(f"geometric means of {bound:g}", lambda conditions: bound, "logarithms")


def exponent_at(bound: float, along: str) -> Null:
    """Geometric means that follow a power law of a setting with this exponent."""
    finite(bound, "an exponent must be a number")
    pick(along, NUMBER_AXES, "axis")

    def law(conditions: Conditions) -> np.ndarray:
        return np.array([chosen[along] for chosen in conditions], dtype=float)[:, None] ** bound

    return _centred(f"a power law of exponent {bound:g}", law, "logarithms")


def _centred(words: str, centre: Callable[[Conditions], Any], scale: Scale) -> Null:
    """Means (C, 1), or one of all, put at a centre, about which replicates spread as they do.

    As wide as what they are a sample of.
    """

    def prepare(panel: Panel) -> Panel:
        count = panel.replicates.size
        own = panel.values if scale == "values" else log_or_nan(panel.values)
        spread = (own - _mean(own)) * np.sqrt(count / max(count - 1, 1))
        at = centre(panel.conditions)
        values = at + spread if scale == "values" else at * np.exp(spread)
        return replace(panel, values=values)

    return Null(words, prepare=prepare, smooth=scale)


def gain_at(bound: float, along: str, *, start: Any, end: Any) -> Null:
    """Means at `end` of a setting, or `case`, that are those at `start` and the margin."""
    finite(bound, "a gain must be a number")
    compared, _ = pairs_between(along, start, end)

    def prepare(panel: Panel) -> Panel:
        values, means = panel.values.copy(), _mean(panel.values)
        for i, j in compared(panel.conditions):
            values[j] += means[i] + bound - means[j]
        return replace(panel, values=values)

    return Null(f"a gain of {bound:g}", prepare=prepare, smooth="values")


def quantile_at(bound: float, share: float) -> Null:
    """Values of every condition of which this share falls below the edge of what passes.

    Args:
        bound: the edge, above 0.
        share: between 0 and 1.
    """
    finite(bound, "an edge must be a number")

    def prepare(panel: Panel) -> Panel:
        edge = np.nanquantile(panel.values, share, axis=1, keepdims=True)
        return replace(panel, values=panel.values * bound / edge)

    return Null(f"{share:.0%} of the replicates below {bound:g}", prepare=prepare)


def apart(difference: float, *, sign: Literal["either", "given"] = "either") -> Null:
    """Means that differ from the published ones, ours less theirs in the units of the check.

    With sign `either` each point draws the sign of its difference.
    """
    finite(difference, "a difference must be a number")
    return Null(f"means {difference:g} from the published ones", difference=difference, sign=sign)


def resampled(
    panel: Panel, size: int, rng: np.random.Generator, smooth: Scale | None = None
) -> Panel:
    """As many replicates as a config runs, drawn with replacement, with all of their conditions.

    A few replicates are no population: smoothed, each is drawn with normal noise of their own
    covariance about it, as wide as Silverman's rule has it, and all is shrunk to the covariance
    that they have (Silverman and Young 1987, Biometrika 74, 469-479).

    Args:
        panel: the replicates to draw from.
        size: how many to draw.
        rng: where randomness comes from.
        smooth: the scale on which the first quantity is smoothed; None for not at all.
    """
    count = panel.replicates.size
    if not count:
        raise NotRunError("no replicate is left")
    drawn = rng.integers(count, size=size)
    values = panel.values[:, drawn]
    if smooth is not None:
        scale = panel.values if smooth == "values" else log_or_nan(panel.values)
        middle = _mean(scale)
        noise = (scale - middle) @ rng.standard_normal((count, size)) / np.sqrt(count)
        wide = (4 / (3 * count)) ** 0.2
        values = middle + (scale[:, drawn] - middle + wide * noise) / np.sqrt(1 + wide**2)
        values = values if smooth == "values" else np.exp(values)
    return replace(
        panel,
        replicates=np.arange(size),
        values=values,
        other=panel.other[:, drawn],
        diverged=panel.diverged[:, drawn],
    )


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean of each condition (C, 1) over the replicates that have a value."""
    return np.nanmean(values, axis=1, keepdims=True)
