"""What is read of each replicate: a quantity of a part of the conditions, at a time, in a layer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from feedback_alignment.claims.errors import ClaimsError, pick, shown
from feedback_alignment.claims.filters import Filter, filters, known_column
from feedback_alignment.claims.quantities import QUANTITIES
from feedback_alignment.claims.threshold import Comparable, Comparison
from feedback_alignment.claims.times import Time, known_time

_LAYER = "hidden|output|all|[1-9][0-9]{0,3}"


@dataclass(frozen=True)
class Reading(Comparable):
    """What is read of each replicate.

    Divided by a reading of the same quantity at another time it is their ratio; compared with a
    number it is a criterion that a replicate satisfies or not.

    Attributes:
        quantity: name of a quantity.
        time: which recorded step; see `times`. An integer is read at exactly that step.
        relative_to: a second time; the value is then the ratio to that reading.
        layer: the layer whose rows are read; empty for the whole network, None for the
            quantity's main one.
        where: which conditions are read, by column.
        each: column whose every value gets a verdict of its own, or None.
    """

    quantity: str
    time: Time = "end"
    relative_to: Time | None = None
    layer: str | None = None
    where: Mapping[str, Filter] = field(default_factory=dict)
    each: str | None = None

    @property
    def rows(self) -> dict[str, str]:
        """Layer of the rows that it needs, by metric."""
        recipe = QUANTITIES[self.quantity]
        layer = recipe.main_layer if self.layer is None else self.layer
        found = dict.fromkeys(recipe.metrics, layer or "")
        return found | ({"loss": ""} if "half_fall" in (self.time, self.relative_to) else {})

    def __truediv__(self, other: "Reading") -> "Reading":
        if not isinstance(other, Reading) or replace(other, time=self.time) != self:
            raise ClaimsError("a ratio is of one quantity at two times, in the same conditions")
        if other.time == self.time:
            raise ClaimsError(f"a ratio needs two times, not {shown(self.time)} twice")
        return replace(self, relative_to=other.time)


# What a replicate satisfies or not.
Criterion = Comparison[Reading]


@dataclass(frozen=True)
class Part:
    """Some of the conditions behind a figure; a claim is declared of the part that is all of them.

    Attributes:
        filters: which conditions, by column.
        by: column whose every value gets a verdict of its own, or None.
    """

    filters: Mapping[str, Filter] = field(default_factory=dict)
    by: str | None = None

    def where(self, **columns: Any) -> "Part":
        """The conditions of this part whose columns have given values.

        Args:
            columns: by setting, or `case`, `steps` or `slow_time`: a value, a list of values, or a
                threshold, as in `at_least(0.3)`. No step of an intervention: ask for the `case`.

        Raises:
            ClaimsError: a column is unknown or filtered already, or a value does not fit it.
        """
        added = filters(columns)
        for column in added.keys() & self.filters.keys():
            raise ClaimsError(f"{column} is filtered twice")
        return replace(self, filters={**self.filters, **added})

    def each(self, column: str) -> "Part":
        """The same conditions, with a verdict of its own for every value of a column.

        Raises:
            ClaimsError: the column is unknown, or a step that may never come.
        """
        return replace(self, by=known_column(column))

    def final(self, metric: str, *, layer: str | int | None = None) -> Reading:
        """A metric, or a derived quantity, of each replicate at its last step; see `at`."""
        return self.at("end", metric, layer=layer)

    def at(self, time: Time, metric: str, *, layer: str | int | None = None) -> Reading:
        """A metric, or a derived quantity, of each replicate at a recorded step.

        Args:
            time: one of `times.TIMES`, or a number between 0 and 1: the last recorded step not
                after this share of the steps.
            metric: its name.
            layer: hidden, output, all or a layer's number from 1, of a metric that has layers;
                None for its main one.

        Raises:
            ClaimsError: time or metric is unknown, or the layer does not fit the metric.
        """
        main = QUANTITIES[pick(metric, QUANTITIES, "metric")].main_layer
        known = known_time(time)
        return Reading(metric, known, None, _layer(metric, main, layer), self.filters, self.by)


def _layer(quantity: str, main: str | None, layer: Any) -> str | None:
    if layer is None:
        if main is None:
            raise ClaimsError(f"{quantity} is of one layer; name it, as in layer=1")
        return None
    if main == "":
        raise ClaimsError(f"{quantity} is of the whole network; leave the layer out")
    written = str(layer) if type(layer) is int else layer
    if not isinstance(written, str) or not re.fullmatch(_LAYER, written):
        allowed = "hidden, output, all, or the number of a layer from 1"
        raise ClaimsError(f"unknown layer {shown(layer)}; allowed: {allowed}")
    return written
