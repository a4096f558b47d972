"""The statistics that a check can name, each a function of seed means over the conditions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from feedback_alignment.claims.arguments import Argument, axis, choice, criterion, of_axis
from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.groups import groups, pairs
from feedback_alignment.claims.panel import Panel

Reduce = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Statistic:
    """How a panel becomes a number.

    Attributes:
        meaning: what it computes, in one line.
        prepare: from a panel and the check's arguments to values (K, S) and the function that
            turns their seed means (K, ...) into the statistic (...). The share of seeds prepares
            one row of zeros and ones.
        arguments: its own arguments, beside those that all statistics have.
        share: whether it is a share of seeds.
    """

    meaning: str
    prepare: Callable[[Panel, Mapping[str, Any]], tuple[np.ndarray, Reduce]]
    arguments: Mapping[str, Argument]
    share: bool = False


def lowest_mean(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Smallest seed mean of all conditions."""
    return panel.values, lambda means: means.min(axis=0)


def highest_mean(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Largest seed mean of all conditions."""
    return panel.values, lambda means: means.max(axis=0)


def grand_mean(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Mean over seeds and conditions."""
    return panel.values, lambda means: means.mean(axis=0)


def slope(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Exponent: least-squares slope of the log of the seed average on the log of `along`.

    Conditions that differ in another axis share the slope and have an intercept each.
    """
    along = arguments["along"]
    weights = np.zeros(len(panel.conditions))
    for members in groups(panel.conditions, along):
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
    """Smallest paired difference of seed means, `to` minus `from`, over comparable conditions."""
    origin, target = _ends(panel, arguments)
    return panel.values, lambda means: (means[target] - means[origin]).min(axis=0)


def highest_ratio(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Largest ratio of seed means, `to` over `from`, over comparable conditions."""
    origin, target = _ends(panel, arguments)

    def reduce(means: np.ndarray) -> np.ndarray:
        below = means[origin]
        return np.divide(
            means[target], below, out=np.full(below.shape, np.nan), where=below != 0
        ).max(axis=0)

    return panel.values, reduce


def lowest_step_ratio(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Smallest ratio of geometric seed means at successive values of `along`."""
    along = arguments["along"]
    found = []
    for members in groups(panel.conditions, along):
        levels = [panel.conditions[i][along] for i in members]
        for i, level in zip(members, levels, strict=True):
            above = min((other for other in levels if other > level), default=None)
            found += [(i, j) for j in members if panel.conditions[j][along] == above]
    origin, target = map(list, zip(*found, strict=True))
    values = log_or_nan(panel.values)
    return values, lambda means: np.exp((means[target] - means[origin]).min(axis=0))


def rank_correlation(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Spearman's correlation with `along` within each seed, averaged over the other settings."""
    from scipy.stats import rankdata

    along = arguments["along"]
    rows = []
    for members in groups(panel.conditions, along):
        levels = rankdata([panel.conditions[i][along] for i in members])
        ranks = rankdata(panel.values[members], axis=0)
        x, y = levels - levels.mean(), ranks - ranks.mean(axis=0)
        scale = np.sqrt((x**2).sum() * (y**2).sum(axis=0))
        # Values that all agree have no order: correlation 0.
        rows.append(np.divide(x @ y, scale, out=np.zeros(scale.shape), where=scale > 0))
    return np.array(rows), lambda means: means.mean(axis=0)


def widest_spread(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Largest ratio between geometric seed means of conditions that differ in `along` only."""
    members = groups(panel.conditions, arguments["along"])
    values = log_or_nan(panel.values)

    def reduce(means: np.ndarray) -> np.ndarray:
        return np.exp(np.max([np.ptp(means[group], axis=0) for group in members], axis=0))

    return values, reduce


def share_of_seeds(panel: Panel, arguments: Mapping[str, Any]) -> tuple[np.ndarray, Reduce]:
    """Share of seeds that satisfy the criterion in every condition.

    A replicate that diverged, or has no value, does not satisfy it.
    """
    holds = arguments["seed_passes"].holds
    passed = [all(map(holds, of_seed)) for of_seed in panel.values.T.tolist()]
    return np.array([passed], dtype=float), lambda means: means[0]


def log_or_nan(values: np.ndarray) -> np.ndarray:
    """Natural logarithm, NaN where there is none."""
    return np.log(values, out=np.full(np.shape(values), np.nan), where=values > 0)


def _ends(panel: Panel, arguments: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    found = pairs(panel.conditions, arguments["along"], arguments.get("from"), arguments.get("to"))
    return [i for i, _ in found], [j for _, j in found]


_ALONG = {"along": axis()}
_ENDS = {"along": axis(), "from": of_axis(), "to": of_axis()}
_NEEDED = choice("most", ("most", "every"))
_AVERAGE = choice("mean", ("mean", "rms", "geometric"))

STATISTICS: dict[str, Statistic] = {
    function.__name__: Statistic(
        function.__doc__.partition("\n")[0], function, arguments, function is share_of_seeds
    )
    for function, arguments in (
        (share_of_seeds, {"seed_passes": criterion(), "needed": _NEEDED}),
        (lowest_mean, {}),
        (highest_mean, {}),
        (grand_mean, {}),
        (slope, {"along": axis(numeric=True), "average": _AVERAGE}),
        (lowest_gain, _ENDS),
        (highest_ratio, _ENDS),
        (lowest_step_ratio, {"along": axis(numeric=True)}),
        (rank_correlation, {"along": axis(numeric=True)}),
        (widest_spread, _ALONG),
    )
}
