"""The statistics that a claim can name: what each is declared of, and how a panel becomes it.

What several take: `along`, the setting or `case` in which the conditions that are compared differ;
`start` and `end`, its values in the two of a pair, of which None is every other; a criterion, a
comparison of a reading with a number; `every`, whether the claim is of every replicate: of 29 that
all pass the interval then starts above 0.9. Two readings are of the same conditions. Each raises
ClaimsError where what it is declared of does not fit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from feedback_alignment.claims.errors import ClaimsError, NotRunError, pick, shown
from feedback_alignment.claims.estimates import (
    Estimate,
    Extreme,
    area_under_curve,
    geometric_mean_of_replicates,
    log_or_nan,
    mean_of_replicates,
    median_of_replicates,
    share_of,
)
from feedback_alignment.claims.filters import ALONG, NUMBER_AXES, passes, plain
from feedback_alignment.claims.groups import (
    Conditions,
    Pairs,
    groups,
    pairs,
    pairs_between,
    strata,
)
from feedback_alignment.claims.panel import Panel
from feedback_alignment.claims.readings import Criterion, Reading
from feedback_alignment.claims.threshold import Comparable, Comparison

Average = Literal["mean", "rms", "geometric"]


@dataclass(frozen=True)
class Statistic(Comparable):
    """A number that a check computes; compared with a number it is what a claim yields.

    Attributes:
        name: its name, for the record.
        reading: the quantity it is computed from.
        compute: from a panel to the estimate; it may leave out replicates to which it does not
            apply, and raises NotRunError where the conditions do not allow it.
        arguments: what it was declared with, in plain values, for the record.
        other: a second quantity beside the first, or None.
        keep: what of the replicates without a value it keeps, as failures; see `leave_out`.
    """

    name: str
    reading: Reading
    compute: Callable[[Panel], Estimate]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    other: Reading | None = None
    keep: str = ""
    # Nothing must hold beside the threshold, as it must of a comparison with published values.
    beside: ClassVar[str] = ""


def _statistic(
    name: str,
    reading: Reading,
    compute: Callable[[Panel], Estimate],
    other: Reading | None = None,
    *,
    keep: str = "",
    **own: Any,
) -> Statistic:
    """A statistic with its record: of its `own` arguments those that are not None."""
    for one in (reading, other):
        if one is not None and not isinstance(one, Reading):
            raise ClaimsError(f"{name} is of a reading, as in part.final(...), not {shown(one)}")
    said = {"metric": reading.quantity, "layer": reading.layer, "at": reading.time}
    said |= {"relative_to": reading.relative_to, **own}
    if other is not None:
        if (other.where, other.each) != (reading.where, reading.each):
            raise ClaimsError(f"{name}: both quantities must be of the same conditions")
        if other.relative_to is not None:
            raise ClaimsError(f"{name}: the second quantity cannot be a ratio of two times")
        said |= {"other": other.quantity, "other_layer": other.layer, "other_at": other.time}
    record = {key: value for key, value in said.items() if value is not None}
    return Statistic(name, reading, compute, record, other, keep)


def lowest_mean(reading: Reading, *, average: Average = "mean") -> Statistic:
    """Smallest replicate mean of all conditions; `geometric` for what spreads over decades."""
    return _extreme_mean("lowest_mean", reading, "least", average)


def highest_mean(reading: Reading, *, average: Average = "mean") -> Statistic:
    """Largest replicate mean of all conditions; `geometric` for what spreads over decades."""
    return _extreme_mean("highest_mean", reading, "largest", average)


def _extreme_mean(name: str, reading: Reading, extreme: Extreme, average: Average) -> Statistic:
    pick(average, ("mean", "geometric"), "average")
    compute = mean_of_replicates if average == "mean" else geometric_mean_of_replicates
    said = None if average == "mean" else average
    return _statistic(name, reading, lambda p: compute(p.values, extreme), average=said)


def grand_mean(reading: Reading) -> Statistic:
    """Mean over replicates and conditions."""

    def compute(panel: Panel) -> Estimate:
        return mean_of_replicates(panel.values.mean(axis=0, keepdims=True))

    return _statistic("grand_mean", reading, compute)


def slope(reading: Reading, *, along: str, average: Average = "geometric") -> Statistic:
    """Exponent: least-squares slope of the log of the replicate average on the log of `along`.

    Conditions that differ in another axis share the slope and have an intercept each. Of an average
    that is no mean of logarithms the interval is the jackknife's (Tukey 1958).
    """
    pick(along, NUMBER_AXES, "axis")
    pick(average, get_args(Average), "average")

    def compute(panel: Panel) -> Estimate:
        weights, used = np.zeros(len(panel.conditions)), set()
        for members in groups(panel.conditions, along):
            levels = np.array([panel.conditions[i][along] for i in members], dtype=float)
            if (levels <= 0).any():
                raise NotRunError(f"needs values of {along} above 0 for a logarithm")
            weights[members] = np.log(levels) - np.log(levels).mean()
            used |= {*members}
        chosen = sorted(used)
        weights, values = (weights / (weights**2).sum())[chosen], panel.values[chosen]
        if average == "geometric":
            return mean_of_replicates((weights @ log_or_nan(values))[None])
        power = 2 if average == "rms" else 1
        return _jackknife(values**power, lambda means: weights @ log_or_nan(means) / power)

    return _statistic("slope", reading, compute, along=along, average=average)


def _jackknife(values: np.ndarray, of_means: Callable[[np.ndarray], np.ndarray]) -> Estimate:
    """A function (...) of replicate means (C, ...), with the interval of its pseudo-values."""
    replicates = values.shape[1]
    whole = float(of_means(values.mean(axis=1)))
    if replicates < 2:
        return Estimate(whole, None, replicates)
    without = of_means((values.sum(axis=1, keepdims=True) - values) / (replicates - 1))
    found = mean_of_replicates((replicates * whole - (replicates - 1) * without)[None])
    return replace(found, value=whole)


def _of_pairs(
    name: str, reading: Reading, compared: Pairs, ratio: Extreme | None = None, **own: Any
) -> Statistic:
    """Over pairs of conditions the least difference of means, second less first.

    Or an extreme ratio of geometric means, second over first.
    """

    def compute(panel: Panel) -> Estimate:
        first, second = map(list, zip(*compared(panel.conditions), strict=True))
        if ratio is None:
            return mean_of_replicates(panel.values[second] - panel.values[first])
        logs = log_or_nan(panel.values)
        return geometric_mean_of_replicates(np.exp(logs[second] - logs[first]), ratio)

    return _statistic(name, reading, compute, **own)


def lowest_gain(reading: Reading, *, along: str, start: Any = None, end: Any = None) -> Statistic:
    """Smallest paired difference of means, `end` minus `start`, over comparable conditions."""
    compared, own = pairs_between(along, start, end)
    return _of_pairs("lowest_gain", reading, compared, **own)


def lowest_margin(reading: Reading, *, over: Reading) -> Statistic:
    """Smallest difference of the conditions' means from those of `over`, in other conditions.

    For conditions that differ in more than one axis, which no setting would pair.
    """
    if not isinstance(over, Reading) or replace(over, where={}) != replace(reading, where={}):
        raise ClaimsError("a margin is of one quantity in two kinds of conditions")
    shared = {c: f for c, f in reading.where.items() if over.where.get(c) == f}
    chosen = {
        name: {column: f for column, f in part.where.items() if column not in shared}
        for name, part in (("of", reading), ("over", over))
    }

    def compared(conditions: Conditions) -> list[tuple[int, int]]:
        passing = {
            name: [i for i, settings in enumerate(conditions) if passes(settings, where)]
            for name, where in chosen.items()
        }
        for name, found in passing.items():
            if not found:
                raise NotRunError(f"no condition of the config matches `{name}`")
        return [(i, j) for i in passing["over"] for j in passing["of"]]

    said: dict[str, Any] = {name: plain(where) for name, where in chosen.items()}
    return _of_pairs("lowest_margin", replace(reading, where=shared), compared, **said)


def highest_ratio(reading: Reading, *, along: str, start: Any = None, end: Any = None) -> Statistic:
    """Largest ratio of geometric means, `end` over `start`, over comparable conditions."""
    compared, own = pairs_between(along, start, end)
    return _of_pairs("highest_ratio", reading, compared, "largest", **own)


def lowest_ratio(reading: Reading, *, along: str, start: Any = None, end: Any = None) -> Statistic:
    """Smallest ratio of geometric means, `end` over `start`, over comparable conditions."""
    compared, own = pairs_between(along, start, end)
    return _of_pairs("lowest_ratio", reading, compared, "least", **own)


def lowest_step_ratio(reading: Reading, *, along: str) -> Statistic:
    """Smallest ratio of geometric means at successive values of a setting that is a number."""
    pick(along, NUMBER_AXES, "axis")

    def compared(conditions: Conditions) -> list[tuple[int, int]]:
        found = []
        for members in groups(conditions, along):
            levels = [conditions[i][along] for i in members]
            for i, own in zip(members, levels, strict=True):
                above = min((other for other in levels if other > own), default=None)
                found += [(i, j) for j, its in zip(members, levels, strict=True) if its == above]
        return found

    return _of_pairs("lowest_step_ratio", reading, compared, "least", along=along)


def widest_spread(reading: Reading, *, along: str) -> Statistic:
    """Largest ratio between geometric means of conditions that differ in `along` only."""
    pick(along, ALONG, "axis")

    def compared(conditions: Conditions) -> list[tuple[int, int]]:
        return pairs(conditions, along)

    return _of_pairs("widest_spread", reading, compared, "largest", along=along)


def rank_correlation(reading: Reading, *, along: str) -> Statistic:
    """Median over replicates of Spearman's correlation with a setting that is a number.

    Averaged over conditions that differ in another axis.
    """
    pick(along, NUMBER_AXES, "axis")

    def compute(panel: Panel) -> Estimate:
        from scipy.stats import rankdata

        rows = []
        for members in groups(panel.conditions, along):
            levels = np.array([[panel.conditions[i][along]] for i in members], dtype=float)
            values = panel.values[members]
            rows.append(_correlation(rankdata(levels, axis=0), rankdata(values, axis=0)))
        return median_of_replicates(np.mean(rows, axis=0))

    return _statistic("rank_correlation", reading, compute, along=along)


def correlation(reading: Reading, other: Reading) -> Statistic:
    """Median over replicates of Pearson's correlation of two quantities over all conditions."""

    def compute(panel: Panel) -> Estimate:
        if len(panel.conditions) < 3:
            raise NotRunError("needs three conditions for a correlation")
        return median_of_replicates(_correlation(panel.values, panel.other))

    # Named, since the record is what the claims' digest, and with it the root seeds, is of.
    return _statistic("correlation", reading, compute, other, kind="pearson")


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation down the columns of two arrays (C, S), or (C, 1) and (C, S): (S,)."""
    x, y = one - one.mean(axis=0), other - other.mean(axis=0)
    scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    # Values that all agree have no order: correlation 0.
    return np.divide((x * y).sum(axis=0), scale, out=np.zeros(scale.shape), where=scale > 0)


def auc(reading: Reading, *, tells: Criterion, within: str | None = None) -> Statistic:
    """Share of pairs, one that passes and one that fails, in which the first has more.

    Pairs are two runs, of any conditions and replicates, of which one satisfies the criterion and
    the other does not; equal values count half (Mann and Whitney 1947). A replicate that diverged
    before the criterion is read, or has no value of it, does not pass.

    Args:
        reading: the quantity that may tell the one from the other.
        tells: the criterion, in the same conditions.
        within: a setting in which the two runs of a pair must agree, so that what it does to both
            quantities is no part of the share; None for any two runs.
    """
    _one_comparison("auc tells runs", tells)
    if within is not None:
        pick(within, ALONG, "axis")

    def compute(panel: Panel) -> Estimate:
        from scipy.stats import rankdata

        passing, known = tells.threshold.holds(panel.other), ~np.isnan(panel.values)
        kinds = passing & known, ~passing & known
        won, compared, paired = 0.0, 0, np.zeros((2, panel.replicates.size), dtype=bool)
        for stratum in strata(panel.conditions, within):
            one, other = (panel.values[stratum][kind[stratum]] for kind in kinds)
            if one.size and other.size:
                ranks = rankdata(np.concatenate([one, other]))
                won += ranks[: one.size].sum() - one.size * (one.size + 1) / 2
                compared += one.size * other.size
                paired |= [kind[stratum].any(axis=0) for kind in kinds]
        if not compared:
            alike = "" if within is None else f" at one {within}"
            raise NotRunError(f"no two runs{alike} of which one passes `other_passes` and one not")
        stay, leave = paired.sum(axis=1).tolist()
        return area_under_curve(won, compared, stay, leave, panel.replicates.size)

    said = {"other_passes": tells.threshold.plain(), "within": within}
    return _statistic("auc", reading, compute, tells.of, keep="diverged", **said)


def share_concordant(one: Criterion, other: Criterion) -> Statistic:
    """Share of runs, of all conditions and replicates, that satisfy both criteria or neither.

    A run without a value of the first is not concordant; one without a value of the second does
    not satisfy it.
    """
    _one_comparison("runs are concordant", one, other)

    def compute(panel: Panel) -> Estimate:
        alike = one.threshold.holds(panel.values) == other.threshold.holds(panel.other)
        return share_of(alike & ~np.isnan(panel.values))

    said = {"run_passes": one.threshold.plain(), "other_passes": other.threshold.plain()}
    return _statistic("share_concordant", one.of, compute, other.of, keep="all", **said)


def share_among(passing: Criterion, *, given: Criterion, every: bool = False) -> Statistic:
    """Share of replicates that satisfy a criterion among those that satisfy a given one.

    Both in every condition; what has no value does not satisfy it.
    """
    _one_comparison("a share among replicates is told", passing, given)

    def compute(panel: Panel) -> Estimate:
        asked = given.threshold.holds(panel.values).all(axis=0)
        if not asked.any():
            raise NotRunError("no replicate satisfies `given`")
        passed = passing.threshold.holds(panel.other).all(axis=0)
        return share_of(passed[None, asked], every=every)

    said = {"needed": "every" if every else "most", "given": given.threshold.plain()}
    said |= {"other_passes": passing.threshold.plain()}
    return _statistic("share_among", given.of, compute, passing.of, keep="all", **said)


def share_of_replicates(passing: Criterion, *, every: bool = False) -> Statistic:
    """Share of replicates that satisfy the criterion, or two joined by `&`, in every condition.

    A replicate that diverged before it is read, or has no value, does not satisfy it.
    """
    if not _is_criterion(passing):
        raise ClaimsError("a share is of a comparison of a reading with a number")
    second = passing.other

    def compute(panel: Panel) -> Estimate:
        passed = passing.threshold.holds(panel.values)
        if second is not None:
            passed &= second.threshold.holds(panel.other)
        return share_of(passed.all(axis=0)[None], every=every)

    said = {"replicate_passes": passing.threshold.plain(), "needed": "every" if every else "most"}
    if second is not None:
        said["other_passes"] = second.threshold.plain()
    other = None if second is None else second.of
    return _statistic("share_of_replicates", passing.of, compute, other, keep="all", **said)


def _is_criterion(given: Any) -> bool:
    return isinstance(given, Comparison) and isinstance(given.of, Reading)


def _one_comparison(what: str, *given: Any) -> None:
    for criterion in given:
        if not _is_criterion(criterion) or criterion.other is not None:
            raise ClaimsError(f"{what} by one comparison of a reading with a number")
