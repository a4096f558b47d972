"""The statistics that a claim can name: what each is declared of, and how a panel becomes it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from feedback_alignment.claims.comparisons import (
    Statistic,
    known_axis,
    known_ends,
    known_number_axis,
    statistic_of,
)
from feedback_alignment.claims.errors import ClaimsError, NotRunError, pick
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
from feedback_alignment.claims.groups import groups, pairs
from feedback_alignment.claims.panel import Panel
from feedback_alignment.claims.readings import Criterion, Reading

Average = Literal["mean", "rms", "geometric"]
# Of conditions, the indices (from, to) of those that are compared.
Pairs = Callable[[Sequence[Mapping[str, Any]]], list[tuple[int, int]]]


def lowest_mean(reading: Reading, *, average: Average = "mean") -> Statistic:
    """Smallest replicate mean of all conditions.

    Args:
        reading: the quantity.
        average: `mean`, or `geometric` for what spreads over decades, as losses do.
    """
    return _extreme_mean("lowest_mean", reading, "least", average)


def highest_mean(reading: Reading, *, average: Average = "mean") -> Statistic:
    """Largest replicate mean of all conditions.

    Args:
        reading: the quantity.
        average: `mean`, or `geometric` for what spreads over decades, as losses do.
    """
    return _extreme_mean("highest_mean", reading, "largest", average)


def _extreme_mean(name: str, reading: Reading, extreme: Extreme, average: Average) -> Statistic:
    pick(average, ("mean", "geometric"), "average")
    compute = mean_of_replicates if average == "mean" else geometric_mean_of_replicates
    said = None if average == "mean" else average
    return statistic_of(name, reading, lambda p: compute(p.values, extreme), average=said)


def grand_mean(reading: Reading) -> Statistic:
    """Mean over replicates and conditions."""
    return statistic_of(
        "grand_mean",
        reading,
        lambda panel: mean_of_replicates(panel.values.mean(axis=0, keepdims=True)),
    )


def slope(reading: Reading, *, along: str, average: Average = "geometric") -> Statistic:
    """Exponent: least-squares slope of the log of the replicate average on the log of `along`.

    Conditions that differ in another axis share the slope and have an intercept each. Of an average
    that is no mean of logarithms the interval is the jackknife's (Tukey 1958).

    Args:
        reading: the quantity.
        along: a setting that is a number.
        average: how replicates are averaged before the logarithm.
    """
    known_number_axis(along)
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

    return statistic_of("slope", reading, compute, along=along, average=average)


def _jackknife(values: np.ndarray, of_means: Callable[[np.ndarray], np.ndarray]) -> Estimate:
    """A function (...) of replicate means (C, ...), with the interval of its pseudo-values."""
    replicates = values.shape[1]
    whole = float(of_means(values.mean(axis=1)))
    if replicates < 2:
        return Estimate(whole, None, replicates)
    without = of_means((values.sum(axis=1, keepdims=True) - values) / (replicates - 1))
    found = mean_of_replicates((replicates * whole - (replicates - 1) * without)[None])
    return replace(found, value=whole)


def _gain(name: str, reading: Reading, compared: Pairs, **own: Any) -> Statistic:
    """Least paired difference of means, second less first, over pairs of conditions."""

    def compute(panel: Panel) -> Estimate:
        return mean_of_replicates(_differences(panel.values, compared(panel.conditions)))

    return statistic_of(name, reading, compute, **own)


def _ratio(name: str, reading: Reading, extreme: Extreme, compared: Pairs, **own: Any) -> Statistic:
    """Extreme ratio of geometric means, second over first, over pairs of conditions."""

    def compute(panel: Panel) -> Estimate:
        logs = _differences(log_or_nan(panel.values), compared(panel.conditions))
        return geometric_mean_of_replicates(np.exp(logs), extreme)

    return statistic_of(name, reading, compute, **own)


def _differences(values: np.ndarray, found: Sequence[tuple[int, int]]) -> np.ndarray:
    first, second = map(list, zip(*found, strict=True))
    return values[second] - values[first]


def _between(along: str, start: Any, end: Any) -> tuple[Pairs, dict[str, Any]]:
    """Pairs at the ends of a setting, and what the record says of them."""
    ends = known_ends(along, start, end)
    return (
        lambda conditions: pairs(conditions, along, ends["from"], ends["to"]),
        {"along": along, **ends},
    )


def lowest_gain(reading: Reading, *, along: str, start: Any = None, end: Any = None) -> Statistic:
    """Smallest paired difference of means, `end` minus `start`, over comparable conditions.

    Args:
        reading: the quantity.
        along: the setting, or `case`, in which the conditions of a pair differ.
        start: its value to subtract; None for every other.
        end: its value to subtract from; None for every other.
    """
    compared, own = _between(along, start, end)
    return _gain("lowest_gain", reading, compared, **own)


def lowest_margin(reading: Reading, *, over: Reading) -> Statistic:
    """Smallest difference of the first conditions' means from those of `over`.

    For conditions that differ in more than one axis, which no setting would pair.

    Args:
        reading: the quantity, in some conditions.
        over: the same quantity, in others.
    """
    if not isinstance(over, Reading) or replace(over, where={}) != replace(reading, where={}):
        raise ClaimsError("a margin is of one quantity in two kinds of conditions")
    shared = {c: f for c, f in reading.where.items() if over.where.get(c) == f}
    chosen = {
        name: {column: f for column, f in part.where.items() if column not in shared}
        for name, part in (("of", reading), ("over", over))
    }

    def compared(conditions: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
        passing = {
            name: [
                i
                for i, settings in enumerate(conditions)
                if all(accept.passes(settings[column]) for column, accept in where.items())
            ]
            for name, where in chosen.items()
        }
        for name, found in passing.items():
            if not found:
                raise NotRunError(f"no condition of the config matches `{name}`")
        return [(i, j) for i in passing["over"] for j in passing["of"]]

    said = {
        name: {column: accept.plain() for column, accept in where.items()}
        for name, where in chosen.items()
    }
    return _gain("lowest_margin", replace(reading, where=shared), compared, **said)


def highest_ratio(reading: Reading, *, along: str, start: Any = None, end: Any = None) -> Statistic:
    """Largest ratio of geometric means, `end` over `start`, over comparable conditions.

    Args:
        reading: the quantity.
        along: the setting, or `case`, in which the conditions of a pair differ.
        start: its value to divide by; None for every other.
        end: its value to divide; None for every other.
    """
    compared, own = _between(along, start, end)
    return _ratio("highest_ratio", reading, "largest", compared, **own)


def lowest_ratio(reading: Reading, *, along: str, start: Any = None, end: Any = None) -> Statistic:
    """Smallest ratio of geometric means, `end` over `start`, over comparable conditions.

    Args:
        reading: the quantity.
        along: the setting, or `case`, in which the conditions of a pair differ.
        start: its value to divide by; None for every other.
        end: its value to divide; None for every other.
    """
    compared, own = _between(along, start, end)
    return _ratio("lowest_ratio", reading, "least", compared, **own)


def lowest_step_ratio(reading: Reading, *, along: str) -> Statistic:
    """Smallest ratio of geometric means at successive values of `along`.

    Args:
        reading: the quantity.
        along: a setting that is a number.
    """
    known_number_axis(along)

    def compared(conditions: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
        found = []
        for members in groups(conditions, along):
            levels = [conditions[i][along] for i in members]
            for i, own in zip(members, levels, strict=True):
                above = min((other for other in levels if other > own), default=None)
                found += [(i, j) for j, its in zip(members, levels, strict=True) if its == above]
        return found

    return _ratio("lowest_step_ratio", reading, "least", compared, along=along)


def widest_spread(reading: Reading, *, along: str) -> Statistic:
    """Largest ratio between geometric means of conditions that differ in `along` only.

    Args:
        reading: the quantity.
        along: a setting, or `case`.
    """
    known_axis(along)
    return _ratio(
        "widest_spread",
        reading,
        "largest",
        lambda conditions: pairs(conditions, along),
        along=along,
    )


def rank_correlation(reading: Reading, *, along: str) -> Statistic:
    """Median over replicates of Spearman's correlation with `along`, averaged over other settings.

    Args:
        reading: the quantity.
        along: a setting that is a number.
    """
    known_number_axis(along)

    def compute(panel: Panel) -> Estimate:
        from scipy.stats import rankdata

        rows = []
        for members in groups(panel.conditions, along):
            levels = np.array([[panel.conditions[i][along]] for i in members], dtype=float)
            values = panel.values[members]
            rows.append(_correlation(rankdata(levels, axis=0), rankdata(values, axis=0)))
        return median_of_replicates(np.mean(rows, axis=0))

    return statistic_of("rank_correlation", reading, compute, along=along)


def correlation(reading: Reading, other: Reading) -> Statistic:
    """Median over replicates of Pearson's correlation of two quantities over all conditions.

    Args:
        reading: one quantity.
        other: the other, in the same conditions.
    """

    def compute(panel: Panel) -> Estimate:
        if len(panel.conditions) < 3:
            raise NotRunError("needs three conditions for a correlation")
        return median_of_replicates(_correlation(panel.values, panel.second))

    # Named, since the record is what the claims' digest, and with it the root seeds, is of.
    return statistic_of("correlation", reading, compute, other, kind="pearson")


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
        known_axis(within)

    def compute(panel: Panel) -> Estimate:
        from scipy.stats import rankdata

        passes = tells.threshold.satisfied(panel.second)
        known = ~np.isnan(panel.values)
        won, compared = 0.0, 0
        counted = {kind: np.zeros(panel.values.shape[1], dtype=bool) for kind in (True, False)}
        for stratum in [slice(None)] if within is None else _agreeing(panel, within):
            values, here = panel.values[stratum], known[stratum]
            kinds = {True: passes[stratum] & here, False: ~passes[stratum] & here}
            many, few = (int(kinds[kind].sum()) for kind in (True, False))
            if not many * few:
                continue
            ranks = np.zeros(values.shape)
            ranks[here] = rankdata(values[here])
            won += ranks[kinds[True]].sum() - many * (many + 1) / 2
            compared += many * few
            for kind, found in kinds.items():
                counted[kind] |= found.any(axis=0)
        if not compared:
            alike = "" if within is None else f" at one {within}"
            raise NotRunError(f"no two runs{alike} of which one passes `other_passes` and one not")
        passing, failing = (int(counted[kind].sum()) for kind in (True, False))
        return area_under_curve(won, compared, passing, failing, panel.replicates.size)

    return statistic_of(
        "auc",
        reading,
        compute,
        tells.reading,
        keep="diverged",
        other_passes=tells.threshold.plain(),
        within=within,
    )


def share_concordant(one: Criterion, other: Criterion) -> Statistic:
    """Share of runs, of all conditions and replicates, that satisfy both criteria or neither.

    A run without a value of the first is not concordant; one without a value of the second does
    not satisfy it.

    Args:
        one: a comparison of a reading with a number.
        other: one of another reading, in the same conditions.
    """
    for criterion in (one, other):
        _one_comparison("runs are concordant", criterion)

    def compute(panel: Panel) -> Estimate:
        first, second = (
            criterion.threshold.satisfied(values)
            for criterion, values in ((one, panel.values), (other, panel.second))
        )
        return share_of((first == second) & ~np.isnan(panel.values))

    return statistic_of(
        "share_concordant",
        one.reading,
        compute,
        other.reading,
        keep="all",
        run_passes=one.threshold.plain(),
        other_passes=other.threshold.plain(),
    )


def share_among(passing: Criterion, *, given: Criterion, every: bool = False) -> Statistic:
    """Share of replicates that satisfy a criterion among those that satisfy another.

    Both in every condition; what has no value does not satisfy it.

    Args:
        passing: the criterion.
        given: the other, without which the first is not asked.
        every: whether the claim is of every such replicate, as of :func:`share_of_replicates`.
    """
    for criterion in (passing, given):
        _one_comparison("a share among replicates is told", criterion)

    def compute(panel: Panel) -> Estimate:
        asked = given.threshold.satisfied_everywhere(panel.values)
        if not asked.any():
            raise NotRunError("no replicate satisfies `given`")
        passed = passing.threshold.satisfied_everywhere(panel.second)[None, asked]
        return share_of(passed, every=every)

    return statistic_of(
        "share_among",
        given.reading,
        compute,
        passing.reading,
        keep="all",
        needed="every" if every else "most",
        given=given.threshold.plain(),
        other_passes=passing.threshold.plain(),
    )


def share_of_replicates(passing: Criterion, *, every: bool = False) -> Statistic:
    """Share of replicates that satisfy the criterion, or both, in every condition.

    A replicate that diverged before it is read, or has no value, does not satisfy it.

    Args:
        passing: the criterion, or two joined by `&`.
        every: whether the claim is of every replicate; of 29 that all pass the interval then
            starts above 0.9.
    """
    if not isinstance(passing, Criterion):
        raise ClaimsError("a share is of a comparison of a reading with a number")
    second = passing.other

    def compute(panel: Panel) -> Estimate:
        passed = passing.threshold.satisfied_everywhere(panel.values)
        if second is not None:
            passed &= second.threshold.satisfied_everywhere(panel.second)
        return share_of(passed[None], every=every)

    plain = {"replicate_passes": passing.threshold.plain(), "needed": "every" if every else "most"}
    if second is not None:
        plain["other_passes"] = second.threshold.plain()
    return statistic_of(
        "share_of_replicates",
        passing.reading,
        compute,
        None if second is None else second.reading,
        keep="all",
        **plain,
    )


def _one_comparison(what: str, criterion: Any) -> None:
    if not isinstance(criterion, Criterion) or criterion.other is not None:
        raise ClaimsError(f"{what} by one comparison of a reading with a number")


def _agreeing(panel: Panel, column: str) -> list[list[int]]:
    """Indices of the conditions with each value of a setting."""
    found: dict[Any, list[int]] = {}
    for i, chosen in enumerate(panel.conditions):
        found.setdefault(chosen[column], []).append(i)
    return list(found.values())


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation down the columns of two arrays (C, S), or (C, 1) and (C, S): (S,)."""
    x, y = one - one.mean(axis=0), other - other.mean(axis=0)
    scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    # Values that all agree have no order: correlation 0.
    return np.divide((x * y).sum(axis=0), scale, out=np.zeros(scale.shape), where=scale > 0)
