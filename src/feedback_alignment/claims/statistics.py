"""The statistics that a check can name, each a function of replicate means over the conditions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from feedback_alignment.claims.arguments import (
    Argument,
    axis,
    choice,
    conditions,
    criterion,
    layer,
    of_axis,
    quantity,
    time,
)
from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.groups import groups, level, pairs
from feedback_alignment.claims.panel import Panel
from feedback_alignment.claims.threshold import Threshold

Reduce = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Statistic:
    """How a panel becomes a number.

    Attributes:
        meaning: what it computes, in one line.
        prepare: from a panel and the check's arguments to values (K, S) and the function that
            turns their replicate means (K, ...) into the statistic (...). The share of replicates
            prepares one row of zeros and ones.
        arguments: its own arguments, beside those that all statistics have.
        share: whether it is a share of replicates.
        keep: what of the replicates without a value it keeps, as failures; see `draw_sample`.
    """

    meaning: str
    prepare: Callable[[Panel, Mapping[str, Any]], tuple[np.ndarray, Reduce]]
    arguments: Mapping[str, Argument]
    share: bool = False
    keep: str = ""


def lowest_mean(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Smallest replicate mean of all conditions."""
    return panel.values, lambda means: means.min(axis=0)


def highest_mean(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Largest replicate mean of all conditions."""
    return panel.values, lambda means: means.max(axis=0)


def grand_mean(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Mean over replicates and conditions."""
    return panel.values, lambda means: means.mean(axis=0)


def slope(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Exponent: least-squares slope of the log of the replicate average on the log of `along`.

    Conditions that differ in another axis share the slope and have an intercept each.
    """
    along = arguments["along"]
    weights = np.zeros(len(panel.conditions))
    for members in groups(panel.conditions, along, finite=True):
        levels = np.array([panel.conditions[i][along] for i in members], dtype=float)
        if (levels <= 0).any():
            raise NotRunError(f"needs values of {along} above 0 for a logarithm")
        weights[members] = np.log(levels) - np.log(levels).mean()
    weights /= (weights**2).sum()
    match arguments["average"]:
        case "geometric":
            return log_or_nan(panel.values), lambda means: np.tensordot(weights, means, 1)
        case "rms":
            halved = weights / 2
            return panel.values**2, lambda means: np.tensordot(halved, log_or_nan(means), 1)
    return panel.values, lambda means: np.tensordot(weights, log_or_nan(means), 1)


def lowest_gain(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Smallest paired difference of means, `to` minus `from`, over comparable conditions."""
    origin, target = _ends(panel, arguments)
    return panel.values, lambda means: (means[target] - means[origin]).min(axis=0)


def lowest_margin(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Smallest run mean of the conditions that pass `of`, less the largest of those of `over`.

    For conditions that differ in more than one axis, which no pairing would compare.
    """
    passing = {
        name: [
            i
            for i, settings in enumerate(panel.conditions)
            if all(accept.passes(settings[column]) for column, accept in arguments[name].items())
        ]
        for name in ("of", "over")
    }
    for name, found in passing.items():
        if not found:
            raise NotRunError(f"no condition of the config matches `{name}`")
    return (
        panel.values,
        lambda means: means[passing["of"]].min(axis=0) - means[passing["over"]].max(axis=0),
    )


def highest_ratio(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Largest ratio of replicate means, `to` over `from`, over comparable conditions."""
    ratios = _ratios(panel, arguments)
    return panel.values, lambda means: ratios(means).max(axis=0)


def lowest_ratio(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Smallest ratio of replicate means, `to` over `from`, over comparable conditions."""
    ratios = _ratios(panel, arguments)
    return panel.values, lambda means: ratios(means).min(axis=0)


def lowest_step_ratio(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Smallest ratio of geometric replicate means at successive values of `along`."""
    along = arguments["along"]
    found = []
    for members in groups(panel.conditions, along):
        levels = [level(panel.conditions[i][along]) for i in members]
        for i, own in zip(members, levels, strict=True):
            above = min((other for other in levels if other > own), default=None)
            found += [(i, j) for j, its in zip(members, levels, strict=True) if its == above]
    origin, target = map(list, zip(*found, strict=True))
    values = log_or_nan(panel.values)
    return values, lambda means: np.exp((means[target] - means[origin]).min(axis=0))


def rank_correlation(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Spearman's correlation with `along` within each run, averaged over the other settings."""
    along = arguments["along"]
    rows = []
    for members in groups(panel.conditions, along):
        levels = np.array([[level(panel.conditions[i][along])] for i in members], dtype=float)
        rows.append(_correlation(_ranks(levels), _ranks(panel.values[members])))
    return np.array(rows), lambda means: means.mean(axis=0)


def correlation(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Correlation of two quantities over all conditions within each run, averaged over runs."""
    if len(panel.conditions) < 3:
        raise NotRunError("needs three conditions for a correlation")
    both = panel.values, panel.other
    if arguments["kind"] == "spearman":
        both = map(_ranks, both)
    return _correlation(*both)[None], lambda means: means[0]


def auc(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Share of pairs, one that passes and one that fails, in which the first has more.

    Pairs are two runs, of any conditions and replicates, of which one passes `other_passes` and the
    other does not; equal values count half (Mann and Whitney 1947). A replicate that diverged
    before `other` is read, or has no value of it, does not pass.
    """
    holds = arguments["other_passes"].holds
    passes = np.array([[holds(value) for value in row] for row in panel.other.tolist()], bool)
    levels = np.unique(panel.values[~np.isnan(panel.values)])
    if not all((kind & ~np.isnan(panel.values)).any() for kind in (passes, ~passes)):
        raise NotRunError("no two runs of which one passes `other_passes` and the other fails")
    # How many runs of each replicate have each value: of such counts the share is a function.
    here = panel.values == levels[:, None, None]
    counts = np.concatenate([(here & passes).sum(axis=1), (here & ~passes).sum(axis=1)])

    def reduce(means: np.ndarray) -> np.ndarray:
        passing, failing = means[: len(levels)], means[len(levels) :]
        beaten = np.cumsum(failing, axis=0) - failing / 2
        pairs = passing.sum(axis=0) * failing.sum(axis=0)
        return _divide((passing * beaten).sum(axis=0), pairs)

    return counts.astype(float), reduce


def widest_spread(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Largest ratio between geometric replicate means of conditions that differ in `along` only."""
    members = groups(panel.conditions, arguments["along"])
    values = log_or_nan(panel.values)

    def reduce(means: np.ndarray) -> np.ndarray:
        return np.exp(np.max([np.ptp(means[group], axis=0) for group in members], axis=0))

    return values, reduce


def share_of_replicates(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Share of replicates that satisfy the criterion, or both, in every condition.

    A replicate that diverged before it is read, or has no value, does not satisfy it.
    """
    passed = _satisfying(panel.values, arguments["replicate_passes"])
    if panel.other is not None:
        passed &= _satisfying(panel.other, arguments["other_passes"])
    return passed[None].astype(float), lambda means: means[0]


def _satisfying(values: np.ndarray, threshold: Threshold) -> np.ndarray:
    """Whether each replicate (S,) satisfies a criterion in every condition of `values` (C, S)."""
    return np.array([all(map(threshold.holds, of_replicate)) for of_replicate in values.T.tolist()])


def log_or_nan(values: np.ndarray) -> np.ndarray:
    """Natural logarithm, NaN where there is none."""
    return np.log(values, out=np.full(np.shape(values), np.nan), where=values > 0)


def _ends(panel: Panel, arguments: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    found = pairs(panel.conditions, arguments["along"], arguments.get("from"), arguments.get("to"))
    return [i for i, _ in found], [j for _, j in found]


def _ratios(panel: Panel, arguments: Mapping[str, Any]) -> Reduce:
    origin, target = _ends(panel, arguments)
    return lambda means: _divide(means[target], means[origin])


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


_ALONG = {"along": axis()}
_ENDS = {"along": axis(), "from": of_axis(), "to": of_axis()}
_AVERAGE = choice("mean", ("mean", "rms", "geometric"))
_OTHER = {"other": quantity(), "other_layer": layer("other"), "other_at": time("end")}
_SHARE = {
    "replicate_passes": criterion(),
    "needed": choice("most", ("most", "every")),
    **_OTHER,
    "other": quantity(None),
    "other_passes": criterion(None),
}
_KEEP = {"share_of_replicates": "all", "auc": "diverged"}

STATISTICS: dict[str, Statistic] = {
    function.__name__: Statistic(
        (function.__doc__ or "").partition("\n")[0],
        function,
        arguments,
        share=function is share_of_replicates,
        keep=_KEEP.get(function.__name__, ""),
    )
    for function, arguments in (
        (share_of_replicates, _SHARE),
        (lowest_mean, {}),
        (highest_mean, {}),
        (grand_mean, {}),
        (slope, {"along": axis(numeric=True), "average": _AVERAGE}),
        (lowest_gain, _ENDS),
        (lowest_margin, {"of": conditions(), "over": conditions()}),
        (highest_ratio, _ENDS),
        (lowest_ratio, _ENDS),
        (lowest_step_ratio, {"along": axis(numeric=True)}),
        (rank_correlation, {"along": axis(numeric=True)}),
        (correlation, {**_OTHER, "kind": choice("pearson", ("pearson", "spearman"))}),
        (auc, {**_OTHER, "other_passes": criterion()}),
        (widest_spread, _ALONG),
    )
}
