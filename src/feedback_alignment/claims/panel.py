"""From tidy rows to a panel: one value for each condition and each replicate that they share."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.filters import AXES, TEXT_COLUMNS, Filter, slow_time
from feedback_alignment.claims.quantities import QUANTITIES, relative
from feedback_alignment.claims.readings import Reading
from feedback_alignment.claims.times import STEPS_READ, Time, rows_at
from feedback_alignment.metrics.registry import METRICS

if TYPE_CHECKING:
    import pandas as pd

_READ = ["condition", "replicate", "metric", "layer", "value"]


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
        diverged: (C, S), whether the replicate diverged.
        other: values of the other quantity (C, S), likewise, or None.
        notes: what was left out and why, by kind, for the record.
    """

    quantity: str
    conditions: tuple[Mapping[str, Any], ...]
    replicates: np.ndarray
    values: np.ndarray
    diverged: np.ndarray
    other: np.ndarray | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def second(self) -> np.ndarray:
        """Values of the other quantity (C, S).

        Raises:
            ValueError: there is none.
        """
        if self.other is None:
            raise ValueError(f"the panel of {self.quantity} has no second quantity")
        return self.other


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


def rows_of(table: "pd.DataFrame") -> Rows:
    """The rows of a tidy table."""
    return Rows(table[[*_READ, *STEPS_READ]], settings_of(table))


def matching(rows: Rows, where: Mapping[str, Filter]) -> Rows:
    """The rows whose condition passes all filters.

    Args:
        rows: tidy rows.
        where: filter by column.
    """
    return rows.keep(
        {
            identifier
            for identifier, settings in rows.settings.items()
            if all(accept.passes(settings[column]) for column, accept in where.items())
        }
    )


def settings_of(table: "pd.DataFrame") -> dict[str, dict[str, Any]]:
    """Settings of every condition in the table, by condition id, in the order of the settings.

    Beside the columns: `slow_time`, and the cases that the experiments of the table give the
    condition, a tuple.
    """
    columns = [*AXES, "steps"]
    cases: dict[str, tuple[str, ...]] = {}
    pairs = table[["condition", "case"]].drop_duplicates()
    for identifier, case in pairs.itertuples(index=False, name=None):
        cases[str(identifier)] = (*cases.get(str(identifier), ()), _text(case))
    rows = table.drop_duplicates("condition")
    found = {}
    for identifier, *values in rows[["condition", *columns]].itertuples(index=False, name=None):
        settings = {
            column: _text(value) if column in TEXT_COLUMNS else _number(value)
            for column, value in zip(columns, values, strict=True)
        }
        found[str(identifier)] = {**settings, "slow_time": slow_time(settings)}
    ordered = sorted(found.items(), key=lambda item: (_order(item[1]), item[0]))
    return {
        identifier: {"condition": identifier, **chosen, "case": cases[identifier]}
        for identifier, chosen in ordered
    }


def read_panel(rows: Rows, reading: Reading, other: Reading | None = None) -> Panel:
    """Read a quantity, or two, of every condition and replicate.

    Of conditions that differ in nothing but their number of steps, the longest is read.

    Args:
        rows: tidy rows of the conditions to read.
        reading: what to read.
        other: what to read beside it.

    Raises:
        NotRunError: no condition is left, none records the metrics, or they share no replicate.
    """
    chosen = rows.keep(_longest(rows.settings))
    if not chosen.settings:
        raise NotRunError("no condition of the config matches")
    frame = chosen.frame
    runs = frame.drop_duplicates(["condition", "replicate"])
    needed = list(dict.fromkeys([*reading.rows, *(() if other is None else other.rows)]))
    settings, unmeasured = _measured(frame, runs, chosen.settings, needed)
    runs = runs[runs["condition"].isin(list(settings))]
    replicates = {c: set(map(int, group)) for c, group in runs.groupby("condition")["replicate"]}
    shared = np.array(sorted(set.intersection(*replicates.values())), dtype=np.int64)
    if not shared.size:
        raise NotRunError("the conditions share no replicate")
    lost = runs.loc[runs["status"] == "diverged", ["condition", "replicate"]]
    lost = {(str(c), int(s)) for c, s in lost.itertuples(index=False, name=None)}
    diverged = np.array([[(c, int(s)) in lost for s in shared] for c in settings])
    unpaired = sorted(set.union(*replicates.values()) - set(map(int, shared)))
    notes = {"unpaired_replicates": unpaired, "not_measured": unmeasured}
    names = [reading.quantity] if other is None else [reading.quantity, other.quantity]
    return Panel(
        " and ".join(names),
        tuple(settings.values()),
        shared,
        _read(frame, settings, shared, reading),
        diverged,
        None if other is None else _read(frame, settings, shared, other),
        {kind: found for kind, found in notes.items() if found},
    )


def _read(
    rows: "pd.DataFrame",
    settings: Mapping[str, Mapping[str, Any]],
    replicates: np.ndarray,
    reading: Reading,
) -> np.ndarray:
    values = _read_at(rows, settings, replicates, reading, reading.time)
    if reading.relative_to is not None:
        values = relative(
            values, _read_at(rows, settings, replicates, reading, reading.relative_to)
        )
    return np.where(np.isfinite(values), values, np.nan)


def _read_at(
    rows: "pd.DataFrame",
    settings: Mapping[str, Mapping[str, Any]],
    replicates: np.ndarray,
    reading: Reading,
    time: Time,
) -> np.ndarray:
    recipe = QUANTITIES[reading.quantity]
    needed = dict(reading.rows)
    rows = rows[rows["metric"].isin(list(needed)) & rows["value"].notna()]
    rows = rows[rows["layer"] == rows["metric"].map(needed)]
    loss = rows[rows["metric"] == "loss"]
    wanted = {metric: (metric, time) for metric in recipe.metrics} | dict(recipe.fixed)
    found = {}
    for when in dict.fromkeys(time for _, time in wanted.values()):
        read = rows_at(rows, loss, when).set_index(["metric", "condition", "replicate"])["value"]
        found[when] = read.to_dict()
    return np.array(
        [
            recipe.compute(
                {
                    name: np.array(
                        [found[when].get((metric, c, int(s)), np.nan) for s in replicates]
                    )
                    for name, (metric, when) in wanted.items()
                },
                chosen,
            )
            for c, chosen in settings.items()
        ]
    )


def _measured(
    rows: "pd.DataFrame",
    runs: "pd.DataFrame",
    settings: Mapping[str, Mapping[str, Any]],
    needed: Sequence[tuple[str, str]],
) -> tuple[dict[str, Mapping[str, Any]], list[str]]:
    # A condition whose experiment does not record a metric is left out; one that diverged is not.
    lived = set(runs.loc[runs["status"] != "diverged", "condition"])
    recorded = {
        (metric, layer): set(
            rows.loc[(rows["metric"] == metric) & (rows["layer"] == layer), "condition"]
        )
        for metric, layer in needed
    }
    absent = [c for c in settings if c in lived and any(c not in r for r in recorded.values())]
    if len(absent) == len(settings):
        missing = [key for key, found in recorded.items() if not found] or needed
        raise NotRunError(f"the tables do not record {' and '.join(map(_row_name, missing))}")
    return {c: chosen for c, chosen in settings.items() if c not in absent}, absent


def _row_name(key: tuple[str, str]) -> str:
    metric, layer = key
    return metric if layer == (METRICS[metric].main_layer or "") else f"{metric} of layer {layer}"


def _longest(settings: Mapping[str, Mapping[str, Any]]) -> set[str]:
    best: dict[tuple, str] = {}
    for identifier, chosen in settings.items():
        key = tuple(chosen[axis] for axis in AXES)
        if key not in best or chosen["steps"] > settings[best[key]]["steps"]:
            best[key] = identifier
    return set(best.values())


def _number(value: Any) -> float | int | bool | None:
    # A missing Int64 is pandas' NA, which compares to nothing.
    if not isinstance(value, int | float | np.number | np.bool_) or value != value:
        return None
    return value.item() if isinstance(value, np.generic) else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _order(settings: Mapping[str, Any]) -> tuple:
    return tuple((value is None, 0 if value is None else value) for value in settings.values())
