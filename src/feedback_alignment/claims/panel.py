"""From tidy rows to a panel: one value for each condition and each replicate that they share."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.filters import AXES, NUMBER_AXES, TEXT_COLUMNS, Filter, passes
from feedback_alignment.claims.quantities import QUANTITIES, ratio
from feedback_alignment.claims.readings import Reading
from feedback_alignment.claims.times import STEPS_READ, Time, rows_at
from feedback_alignment.metrics.registry import METRICS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Panel:
    """The values of one quantity, and of another beside it where a statistic compares the two.

    Replicates are paired: data and feedback of a replicate are the same in every condition, so a
    replicate that is left out in one condition is left out in all.

    Attributes:
        quantity: its name, or both names.
        conditions: settings of each condition (C of them).
        replicates: replicate indices (S,), ascending.
        values: (C, S); NaN marks a replicate that has no value. A diverged replicate has one only
            if that was read before its end.
        other: values of the other quantity (C, S), likewise; where there is none those of the one.
        diverged: (C, S), whether the replicate diverged.
        excluded: what was left out, by kind, as in `CheckVerdict`.
    """

    quantity: str
    conditions: tuple[Mapping[str, Any], ...]
    replicates: np.ndarray
    values: np.ndarray
    other: np.ndarray
    diverged: np.ndarray
    excluded: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """Tidy rows and the conditions that they are of.

    Attributes:
        frame: the rows, without the settings that no reading needs.
        settings: settings of every condition, by id, in the order of the settings.
    """

    frame: "pd.DataFrame"
    settings: Mapping[str, Mapping[str, Any]]

    def keep(self, conditions: Collection[str]) -> "Rows":
        """The rows of some conditions."""
        settings = {c: chosen for c, chosen in self.settings.items() if c in conditions}
        return Rows(self.frame[self.frame["condition"].isin(list(settings))], settings)

    def passing(self, where: Mapping[str, Filter]) -> dict[str, Mapping[str, Any]]:
        """Settings of the conditions that pass all filters, by id."""
        return {c: chosen for c, chosen in self.settings.items() if passes(chosen, where)}


def rows_of(table: "pd.DataFrame") -> Rows:
    """The rows of a tidy table.

    Of settings that are missing, None, or "" of text. Beside the columns conditions have their
    `slow_time`, and as `case` a tuple of those that the experiments of the table give them. A
    linear network of large width passes `cos(beta, b) = 1/2` at a slow time of about
    10/(9 sqrt 3) = 0.64 (docs/findings.md), so a condition below has not settled.
    """
    columns = [*AXES, "steps"]
    text = dict.fromkeys(set(columns) & set(TEXT_COLUMNS), "")
    rows = table.drop_duplicates("condition")[["condition", *columns]].fillna(text)
    rows = rows.sort_values([*columns, "condition"])
    decays = rows["eta"] * rows["l2"] * rows["steps"]
    rows["slow_time"] = decays * np.sqrt(rows["samples"] / rows["width"])
    cases = table[["condition", "case"]].drop_duplicates().fillna({"case": ""})
    cases = cases.groupby("condition")["case"].agg(tuple)
    settings = {
        chosen["condition"]: {**chosen, "case": cases[chosen["condition"]]}
        for chosen in rows.astype(object).where(rows.notna(), None).to_dict("records")
    }
    read = ["condition", "replicate", "metric", "layer", "value", *STEPS_READ]
    return Rows(table[read], settings)


def read_panel(rows: Rows, reading: Reading, other: Reading | None = None) -> Panel:
    """Read a quantity, or two, of every condition of the first reading and every replicate.

    Of conditions that differ in nothing but their number of steps, the longest is read. One whose
    experiment does not record a metric is left out.

    Raises:
        NotRunError: no condition is left, none records the metrics, or they share no replicate.
    """
    import pandas as pd

    rows = rows.keep(_longest(rows.passing(reading.where)))
    if not rows.settings:
        raise NotRunError("no condition of the config matches")
    readings = [reading] if other is None else [reading, other]
    runs = rows.frame.drop_duplicates(["condition", "replicate"])
    unmeasured = _unmeasured(rows, readings)
    settings = {c: chosen for c, chosen in rows.settings.items() if c not in unmeasured}
    # A row for each condition, a column for each replicate that one of them has.
    status = runs[runs["condition"].isin(list(settings))].pivot(
        index="condition", columns="replicate", values="status"
    )
    paired = status.notna().all()
    replicates = status.columns[paired].to_numpy()
    if not replicates.size:
        raise NotRunError("the conditions share no replicate")
    pairs = pd.MultiIndex.from_product([settings, replicates], names=["condition", "replicate"])
    values = [_read(rows.frame, pairs, [*settings.values()], one) for one in readings]
    notes = {"unpaired_replicates": status.columns[~paired].tolist(), "not_measured": unmeasured}
    return Panel(
        " and ".join(one.quantity for one in readings),
        tuple(settings.values()),
        replicates,
        values[0],
        values[-1],
        (status.loc[list(settings), paired] == "diverged").to_numpy(),
        {kind: found for kind, found in notes.items() if found},
    )


def _longest(settings: Mapping[str, Mapping[str, Any]]) -> set[str]:
    best: dict[tuple, str] = {}
    for identifier, chosen in sorted(settings.items(), key=lambda item: -item[1]["steps"]):
        best.setdefault(tuple(chosen[axis] for axis in AXES), identifier)
    return set(best.values())


def _unmeasured(rows: Rows, readings: Sequence[Reading]) -> list[str]:
    """The conditions without a row that a reading needs, but for those that all diverged."""
    frame = rows.frame
    lived = set(frame.loc[frame["status"] != "diverged", "condition"])
    recorded = {
        (metric, layer): set(
            frame.loc[(frame["metric"] == metric) & (frame["layer"] == layer), "condition"]
        )
        for one in readings
        for metric, layer in one.rows.items()
    }
    absent = [c for c in rows.settings if c in lived - set.intersection(*recorded.values())]
    if len(absent) == len(rows.settings):
        missing = [key for key, found in recorded.items() if not found] or recorded
        raise NotRunError(f"the tables do not record {' and '.join(map(_row_name, missing))}")
    return absent


def _row_name(key: tuple[str, str]) -> str:
    metric, layer = key
    return metric if layer == (METRICS[metric].main_layer or "") else f"{metric} of layer {layer}"


def _read(
    frame: "pd.DataFrame",
    runs: "pd.MultiIndex",
    settings: Sequence[Mapping[str, Any]],
    reading: Reading,
) -> np.ndarray:
    """Values (C, S) of runs, which are S replicates of each of C conditions with these settings."""
    recipe = QUANTITIES[reading.quantity]
    frame = frame[frame["value"].notna() & (frame["layer"] == frame["metric"].map(reading.rows))]
    loss = frame[frame["metric"] == "loss"]
    columns = {name: np.array([[chosen[name]] for chosen in settings]) for name in NUMBER_AXES}

    def read(metric: str, time: Time) -> np.ndarray:
        rows = rows_at(frame[frame["metric"] == metric], loss, time)
        values = rows.set_index(runs.names)["value"].reindex(runs)
        return values.to_numpy().reshape(len(settings), -1)

    def computed(time: Time) -> np.ndarray:
        first = [read(recipe.metrics[0], "start")] if recipe.since_start else []
        return recipe.compute(columns, *(read(m, time) for m in recipe.metrics), *first)

    values = computed(reading.time)
    if reading.relative_to is not None:
        values = ratio(values, computed(reading.relative_to))
    return np.where(np.isfinite(values), values, np.nan)
