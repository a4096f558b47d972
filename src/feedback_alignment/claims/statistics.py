"""The statistics that a claim can name: what each is declared of, and how a panel becomes it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from feedback_alignment.claims.comparisons import (
    Reduce,
    Statistic,
    known_axis,
    known_ends,
    known_number_axis,
    statistic_of,
)
from feedback_alignment.claims.errors import ClaimsError, NotRunError, pick
from feedback_alignment.claims.groups import groups, level, pairs
from feedback_alignment.claims.panel import Panel
from feedback_alignment.claims.readings import Criterion, Reading
from feedback_alignment.claims.threshold import Threshold

Average = Literal["mean", "rms", "geometric"]
Kind = Literal["pearson", "spearman"]


def lowest_mean(reading: Reading) -> Statistic:
    """Smallest replicate mean of all conditions."""
    return statistic_of(
        "lowest_mean", reading, lambda panel: (panel.values, lambda m: m.min(axis=0))
    )


def highest_mean(reading: Reading) -> Statistic:
    """Largest replicate mean of all conditions."""
    return statistic_of(
        "highest_mean", reading, lambda panel: (panel.values, lambda m: m.max(axis=0))
    )


def grand_mean(reading: Reading) -> Statistic:
    """Mean over replicates and conditions."""
    return statistic_of(
        "grand_mean", reading, lambda panel: (panel.values, lambda m: m.mean(axis=0))
    )


def slope(reading: Reading, *, along: str, average: Average = "mean") -> Statistic:
    """Exponent: least-squares slope of the log of the replicate average on the log of `along`.

    Conditions that differ in another axis share the slope and have an intercept each.

    Args:
        reading: the quantity.
        along: a setting that is a number.
        average: how replicates are averaged before the logarithm.
    """
    known_number_axis(along)
    pick(average, get_args(Average), "average")

    def prepare(panel: Panel) -> tuple[np.ndarray, Reduce]:
        weights = np.zeros(len(panel.conditions))
        for members in groups(panel.conditions, along, finite=True):
            levels = np.array([panel.conditions[i][along] for i in members], dtype=float)
            if (levels <= 0).any():
                raise NotRunError(f"needs values of {along} above 0 for a logarithm")
            weights[members] = np.log(levels) - np.log(levels).mean()
        weights /= (weights**2).sum()
        match average:
            case "geometric":
                return log_or_nan(panel.values), lambda means: np.tensordot(weights, means, 1)
            case "rms":
                halved = weights / 2
                return panel.values**2, lambda means: np.tensordot(halved, log_or_nan(means), 1)
        return panel.values, lambda means: np.tensordot(weights, log_or_nan(means), 1)

    return statistic_of("slope", reading, prepare, along=along, average=average)


def _pairwise(
    name: str,
    reading: Reading,
    along: str,
    start: Any,
    end: Any,
    reduce: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Statistic:
    """A statistic of replicate means of pairs of conditions, at `start` and `end` of `along`."""
    ends = known_ends(along, start, end)

    def prepare(panel: Panel) -> tuple[np.ndarray, Reduce]:
        origin, target = _paired(panel, along, ends)
        return panel.values, lambda means: reduce(means[origin], means[target])

    return statistic_of(name, reading, prepare, along=along, **ends)


def lowest_gain(reading: Reading, *, along: str, start: Any = None, end: Any = None) -> Statistic:
    """Smallest paired difference of means, `end` minus `start`, over comparable conditions.

    Args:
        reading: the quantity.
        along: the setting, or `case`, in which the conditions of a pair differ.
        start: its value to subtract; None for every other.
        end: its value to subtract from; None for every other.
    """
    return _pairwise(
        "lowest_gain", reading, along, start, end, lambda low, high: (high - low).min(axis=0)
    )


def lowest_margin(reading: Reading, *, over: Reading) -> Statistic:
    """Smallest replicate mean of the first conditions, less the largest of those of `over`.

    For conditions that differ in more than one axis, which no pairing would compare.

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

    def prepare(panel: Panel) -> tuple[np.ndarray, Reduce]:
        passing = {
            name: [
                i
                for i, settings in enumerate(panel.conditions)
                if all(accept.passes(settings[column]) for column, accept in where.items())
            ]
            for name, where in chosen.items()
        }
        for name, found in passing.items():
            if not found:
                raise NotRunError(f"no condition of the config matches `{name}`")
        return (
            panel.values,
            lambda means: means[passing["of"]].min(axis=0) - means[passing["over"]].max(axis=0),
        )

    of, others = ({c: f.plain() for c, f in chosen[name].items()} for name in ("of", "over"))
    both = replace(reading, where=shared)
    return statistic_of("lowest_margin", both, prepare, of=of, over=others)


def highest_ratio(reading: Reading, *, along: str, start: Any = None, end: Any = None) -> Statistic:
    """Largest ratio of replicate means, `end` over `start`, over comparable conditions.

    Args:
        reading: the quantity.
        along: the setting, or `case`, in which the conditions of a pair differ.
        start: its value to divide by; None for every other.
        end: its value to divide; None for every other.
    """
    return _pairwise(
        "highest_ratio",
        reading,
        along,
        start,
        end,
        lambda low, high: _divide(high, low).max(axis=0),
    )


def lowest_ratio(reading: Reading, *, along: str, start: Any = None, end: Any = None) -> Statistic:
    """Smallest ratio of replicate means, `end` over `start`, over comparable conditions.

    Args:
        reading: the quantity.
        along: the setting, or `case`, in which the conditions of a pair differ.
        start: its value to divide by; None for every other.
        end: its value to divide; None for every other.
    """

    def reduce(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return _divide(high, low).min(axis=0)

    return _pairwise("lowest_ratio", reading, along, start, end, reduce)


def lowest_step_ratio(reading: Reading, *, along: str) -> Statistic:
    """Smallest ratio of geometric replicate means at successive values of `along`.

    Args:
        reading: the quantity.
        along: a setting that is a number.
    """
    known_number_axis(along)

    def prepare(panel: Panel) -> tuple[np.ndarray, Reduce]:
        found = []
        for members in groups(panel.conditions, along):
            levels = [level(panel.conditions[i][along]) for i in members]
            for i, own in zip(members, levels, strict=True):
                above = min((other for other in levels if other > own), default=None)
                found += [(i, j) for j, its in zip(members, levels, strict=True) if its == above]
        origin, target = map(list, zip(*found, strict=True))
        values = log_or_nan(panel.values)
        return values, lambda means: np.exp((means[target] - means[origin]).min(axis=0))

    return statistic_of("lowest_step_ratio", reading, prepare, along=along)


def rank_correlation(reading: Reading, *, along: str) -> Statistic:
    """Spearman's correlation with `along` within each replicate, averaged over other settings.

    Args:
        reading: the quantity.
        along: a setting that is a number.
    """
    known_number_axis(along)

    def prepare(panel: Panel) -> tuple[np.ndarray, Reduce]:
        rows = []
        for members in groups(panel.conditions, along):
            levels = np.array([[level(panel.conditions[i][along])] for i in members], dtype=float)
            rows.append(_correlation(_ranks(levels), _ranks(panel.values[members])))
        return np.array(rows), lambda means: means.mean(axis=0)

    return statistic_of("rank_correlation", reading, prepare, along=along)


def correlation(reading: Reading, other: Reading, *, kind: Kind = "pearson") -> Statistic:
    """Correlation of two quantities over all conditions within each replicate, averaged over these.

    Args:
        reading: one quantity.
        other: the other, in the same conditions.
        kind: of the values or of their ranks.
    """
    pick(kind, get_args(Kind), "kind")

    def prepare(panel: Panel) -> tuple[np.ndarray, Reduce]:
        if len(panel.conditions) < 3:
            raise NotRunError("needs three conditions for a correlation")
        one, two = panel.values, panel.second
        if kind == "spearman":
            one, two = _ranks(one), _ranks(two)
        return _correlation(one, two)[None], lambda means: means[0]

    return statistic_of("correlation", reading, prepare, other, kind=kind)


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

    def prepare(panel: Panel) -> tuple[np.ndarray, Reduce]:
        holds = tells.threshold.holds
        passes = np.array([[holds(v) for v in row] for row in panel.second.tolist()], bool)
        known = ~np.isnan(panel.values)
        counts: list[np.ndarray] = []
        strata: list[tuple[slice, slice]] = []
        for stratum in [slice(None)] if within is None else _agreeing(panel, within):
            values, good = panel.values[stratum], passes[stratum]
            if not all((kind & known[stratum]).any() for kind in (good, ~good)):
                continue
            # How many runs of each replicate have each value: the share is a function of these.
            levels = np.unique(values[known[stratum]])
            here, first = values == levels[:, None, None], sum(map(len, counts))
            counts += [(here & good).sum(axis=1), (here & ~good).sum(axis=1)]
            middle = first + len(levels)
            strata.append((slice(first, middle), slice(middle, middle + len(levels))))
        if not strata:
            alike = "" if within is None else f" at one {within}"
            raise NotRunError(f"no two runs{alike} of which one passes `other_passes` and one not")

        def reduce(means: np.ndarray) -> np.ndarray:
            won, pairs = np.zeros(means.shape[1:]), np.zeros(means.shape[1:])
            for passing, failing in ((means[p], means[f]) for p, f in strata):
                beaten = np.cumsum(failing, axis=0) - failing / 2
                won += (passing * beaten).sum(axis=0)
                pairs += passing.sum(axis=0) * failing.sum(axis=0)
            return _divide(won, pairs)

        return np.concatenate(counts).astype(float), reduce

    return statistic_of(
        "auc",
        reading,
        prepare,
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

    def prepare(panel: Panel) -> tuple[np.ndarray, Reduce]:
        first, second = (
            np.array([[criterion.threshold.holds(v) for v in row] for row in values.tolist()])
            for criterion, values in ((one, panel.values), (other, panel.second))
        )
        agree = (first == second) & ~np.isnan(panel.values)
        return agree.astype(float), lambda means: means.mean(axis=0)

    return statistic_of(
        "share_concordant",
        one.reading,
        prepare,
        other.reading,
        share=True,
        keep="all",
        run_passes=one.threshold.plain(),
        other_passes=other.threshold.plain(),
    )


def share_among(passing: Criterion, *, given: Criterion) -> Statistic:
    """Share of replicates that satisfy a criterion among those that satisfy another.

    Both in every condition; what has no value does not satisfy it.

    Args:
        passing: the criterion.
        given: the other, without which the first is not asked.
    """
    for criterion in (passing, given):
        _one_comparison("a share among replicates is told", criterion)

    def prepare(panel: Panel) -> tuple[np.ndarray, Reduce]:
        asked = _satisfying(panel.values, given.threshold)
        if not asked.any():
            raise NotRunError("no replicate satisfies `given`")
        passed = _satisfying(panel.second, passing.threshold)[asked]
        return passed[None].astype(float), lambda means: means[0]

    return statistic_of(
        "share_among",
        given.reading,
        prepare,
        passing.reading,
        share=True,
        keep="all",
        given=given.threshold.plain(),
        other_passes=passing.threshold.plain(),
    )


def widest_spread(reading: Reading, *, along: str) -> Statistic:
    """Largest ratio between geometric replicate means of conditions that differ in `along` only.

    Args:
        reading: the quantity.
        along: a setting, or `case`.
    """
    known_axis(along)

    def prepare(panel: Panel) -> tuple[np.ndarray, Reduce]:
        members = groups(panel.conditions, along)

        def reduce(means: np.ndarray) -> np.ndarray:
            return np.exp(np.max([np.ptp(means[group], axis=0) for group in members], axis=0))

        return log_or_nan(panel.values), reduce

    return statistic_of("widest_spread", reading, prepare, along=along)


def share_of_replicates(passing: Criterion, *, every: bool = False) -> Statistic:
    """Share of replicates that satisfy the criterion, or both, in every condition.

    A replicate that diverged before it is read, or has no value, does not satisfy it.

    Args:
        passing: the criterion, or two joined by `&`.
        every: whether a replicate that fails rules out `replicated`.
    """
    if not isinstance(passing, Criterion):
        raise ClaimsError("a share is of a comparison of a reading with a number")
    second = passing.other

    def prepare(panel: Panel) -> tuple[np.ndarray, Reduce]:
        passed = _satisfying(panel.values, passing.threshold)
        if second is not None:
            passed &= _satisfying(panel.second, second.threshold)
        return passed[None].astype(float), lambda means: means[0]

    plain = {"replicate_passes": passing.threshold.plain(), "needed": "every" if every else "most"}
    if second is not None:
        plain["other_passes"] = second.threshold.plain()
    return statistic_of(
        "share_of_replicates",
        passing.reading,
        prepare,
        None if second is None else second.reading,
        share=True,
        every=every,
        keep="all",
        **plain,
    )


def log_or_nan(values: np.ndarray) -> np.ndarray:
    """Natural logarithm, NaN where there is none."""
    return np.log(values, out=np.full(np.shape(values), np.nan), where=values > 0)


def _paired(panel: Panel, along: str, ends: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    found = pairs(panel.conditions, along, ends["from"], ends["to"])
    return [i for i, _ in found], [j for _, j in found]


def _one_comparison(what: str, criterion: Any) -> None:
    if not isinstance(criterion, Criterion) or criterion.other is not None:
        raise ClaimsError(f"{what} by one comparison of a reading with a number")


def _agreeing(panel: Panel, column: str) -> list[list[int]]:
    """Indices of the conditions with each value of a setting."""
    found: dict[Any, list[int]] = {}
    for i, chosen in enumerate(panel.conditions):
        found.setdefault(chosen[column], []).append(i)
    return list(found.values())


def _satisfying(values: np.ndarray, threshold: Threshold) -> np.ndarray:
    """Whether each replicate (S,) satisfies a criterion in every condition of `values` (C, S)."""
    return np.array([all(map(threshold.holds, of_replicate)) for of_replicate in values.T.tolist()])


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Ratio, NaN where there is none."""
    none = np.full(np.shape(denominator), np.nan)
    return np.divide(numerator, denominator, out=none, where=denominator != 0)


def _ranks(values: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return rankdata(values, axis=0)


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation down the columns of two arrays (C, S), or (C, 1) and (C, S): (S,)."""
    x, y = one - one.mean(axis=0), other - other.mean(axis=0)
    scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    # Values that all agree have no order: correlation 0.
    return np.divide((x * y).sum(axis=0), scale, out=np.zeros(scale.shape), where=scale > 0)
