"""What is read of each replicate: a quantity of some conditions, at a time, in a layer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from feedback_alignment.claims.errors import ClaimsError, pick, shown
from feedback_alignment.claims.filters import Filter
from feedback_alignment.claims.quantities import QUANTITIES
from feedback_alignment.claims.threshold import Comparable, Threshold, Undecided
from feedback_alignment.claims.times import Time, known_time, needs_loss

_LAYER = "hidden|output|all|[1-9][0-9]{0,3}"


@dataclass(frozen=True)
class Reading(Comparable["Criterion"]):
    """What is read of each replicate.

    Divided by a reading of the same quantity at another time it is their ratio; compared with a
    number it is a criterion that a replicate satisfies or not.

    Attributes:
        quantity: name of a quantity.
        time: which recorded step; see `times`.
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
    def rows(self) -> list[tuple[str, str]]:
        """Metric and layer of the rows that it needs."""
        recipe = QUANTITIES[self.quantity]
        metrics = [*recipe.metrics, *(metric for metric, _ in recipe.fixed.values())]
        layer = recipe.main_layer if self.layer is None else self.layer
        found = [(metric, layer or "") for metric in metrics]
        if needs_loss(self.time) or needs_loss(self.relative_to):
            found.append(("loss", ""))
        return list(dict.fromkeys(found))

    def compared(self, threshold: Threshold) -> "Criterion":
        """The criterion that the value of a replicate passes a threshold."""
        return Criterion(self, threshold)

    def __truediv__(self, other: "Reading") -> "Reading":
        if not isinstance(other, Reading) or replace(other, time=self.time) != self:
            raise ClaimsError("a ratio is of one quantity at two times, in the same conditions")
        if other.time == self.time:
            raise ClaimsError(f"a ratio needs two times, not {shown(self.time)} twice")
        return replace(self, relative_to=other.time)


@dataclass(frozen=True)
class Criterion(Undecided):
    """What a replicate satisfies or not: a threshold for a reading, and for another with `&`.

    Attributes:
        reading: the first reading.
        threshold: what it must satisfy.
        other: the second reading with its threshold, or None.
    """

    reading: Reading
    threshold: Threshold
    other: "Criterion | None" = None

    def __and__(self, other: "Criterion") -> "Criterion":
        if not isinstance(other, Criterion) or self.other is not None or other.other is not None:
            raise ClaimsError("& joins two comparisons of readings with numbers")
        return replace(self, other=other)


def known_reading(
    quantity: str,
    time: Time,
    layer: str | int | None,
    where: Mapping[str, Filter],
    each: str | None,
) -> Reading:
    """A reading whose names are all known.

    Args:
        quantity: a metric of the tables, or a derived quantity.
        time: one of the times, or a share of the steps.
        layer: hidden, output, all, or a number from 1, of a metric that has layers.
        where: which conditions are read.
        each: column whose every value gets a verdict of its own.

    Raises:
        ClaimsError: a name is unknown, or the layer does not fit the quantity.
    """
    main = QUANTITIES[pick(quantity, QUANTITIES, "metric")].main_layer
    return Reading(quantity, known_time(time), None, _layer(quantity, main, layer), where, each)


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
