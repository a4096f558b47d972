"""From tidy rows to a panel: one value for each condition and each seed that they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.filters import AXES, TEXT_COLUMNS, Filter, slow_time
from feedback_alignment.claims.quantities import QUANTITIES, relative

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Panel:
    """The values of one quantity.

    Seeds are paired: data and feedback of a seed are the same in every condition, so a seed that
    is left out in one condition is left out in all.

    Attributes:
        quantity: its name.
        conditions: settings of each condition (C of them).
        seeds: replicate indices (S,), ascending.
        values: (C, S); NaN marks a replicate that has no value.
        diverged: (C, S), whether the replicate diverged.
        notes: what was left out and why, by kind, for the record.
    """

    quantity: str
    conditions: tuple[Mapping[str, Any], ...]
    seeds: np.ndarray
    values: np.ndarray
    diverged: np.ndarray
    notes: Mapping[str, Any] = field(default_factory=dict)


def matching(table: "pd.DataFrame", where: Mapping[str, Filter]) -> "pd.DataFrame":
    """The rows whose condition passes all filters.

    Args:
        table: tidy rows.
        where: filter by column.
    """
    kept = [
        identifier
        for identifier, settings in settings_of(table).items()
        if all(accept.passes(settings[column]) for column, accept in where.items())
    ]
    return table[table["condition"].isin(kept)]


def settings_of(table: "pd.DataFrame") -> dict[str, dict[str, Any]]:
    """Settings of every condition in the table, by condition id, in the order of the settings."""
    columns = [*AXES, "steps"]
    rows = table.drop_duplicates("condition")
    found = {}
    for identifier, *values in rows[["condition", *columns]].itertuples(index=False, name=None):
        settings = {
            column: str(value) if column in TEXT_COLUMNS else _number(value)
            for column, value in zip(columns, values, strict=True)
        }
        found[str(identifier)] = {**settings, "slow_time": slow_time(settings)}
    ordered = sorted(found.items(), key=lambda item: (_order(item[1]), item[0]))
    return {identifier: {"condition": identifier, **chosen} for identifier, chosen in ordered}


def read_panel(
    rows: "pd.DataFrame", quantity: str, time: str = "end", relative_to: str | None = None
) -> Panel:
    """Read a quantity of every condition and seed.

    Of conditions that differ in nothing but their number of steps, the longest is read.

    Args:
        rows: tidy rows of the conditions to read.
        quantity: name of a quantity.
        time: `start`, `half`, `cutoff` or `end`; see `TIMES`.
        relative_to: a second time; the value is then the ratio to that reading.

    Raises:
        NotRunError: no condition is left, none records the metrics, or they share no seed.
    """
    settings = _longest(settings_of(rows))
    if not settings:
        raise NotRunError("no condition of the config matches")
    rows = rows[rows["condition"].isin(list(settings))]
    runs = rows.drop_duplicates(["condition", "seed"])
    settings, unmeasured = _measured(rows, runs, settings, QUANTITIES[quantity].metrics)
    runs = runs[runs["condition"].isin(list(settings))]
    seeds = {c: set(map(int, group)) for c, group in runs.groupby("condition")["seed"]}
    shared = np.array(sorted(set.intersection(*seeds.values())), dtype=np.int64)
    if not shared.size:
        raise NotRunError("the conditions share no seed")
    lost = runs.loc[runs["status"] == "diverged", ["condition", "seed"]]
    lost = {(str(c), int(s)) for c, s in lost.itertuples(index=False, name=None)}
    diverged = np.array([[(c, int(s)) in lost for s in shared] for c in settings])
    values = _read(rows, settings, shared, quantity, time)
    if relative_to is not None:
        values = relative(values, _read(rows, settings, shared, quantity, relative_to))
    # What a diverged replicate did before its end is no result of the condition.
    values = np.where(diverged | ~np.isfinite(values), np.nan, values)
    unpaired = sorted(set.union(*seeds.values()) - set(map(int, shared)))
    notes = {"unpaired_seeds": unpaired, "not_measured": unmeasured}
    notes = {kind: found for kind, found in notes.items() if found}
    return Panel(quantity, tuple(settings.values()), shared, values, diverged, notes)


def _read(
    rows: "pd.DataFrame",
    settings: Mapping[str, Mapping[str, Any]],
    seeds: np.ndarray,
    quantity: str,
    time: str,
) -> np.ndarray:
    recipe = QUANTITIES[quantity]
    known = rows[rows["metric"].isin(list(recipe.metrics)) & rows["value"].notna()]
    if time == "cutoff":
        known = known[(known["step"] <= known["cutoff_step"]).fillna(False).astype(bool)]
    if time == "half":
        known = known[known["step"] <= known["steps"] // 2]
    known = known.sort_values("step", ascending=time != "start", kind="stable")
    known = known.drop_duplicates(["condition", "seed", "metric"], keep="last")
    readings = known.set_index(["metric", "condition", "seed"])["value"].to_dict()
    return np.array(
        [
            recipe.compute(
                {
                    metric: np.array([readings.get((metric, c, int(s)), np.nan) for s in seeds])
                    for metric in recipe.metrics
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
    metrics: Sequence[str],
) -> tuple[dict[str, Mapping[str, Any]], list[str]]:
    # A condition whose experiment does not record a metric is left out; one that diverged is not.
    lived = set(runs.loc[runs["status"] != "diverged", "condition"])
    recorded = {metric: set(rows.loc[rows["metric"] == metric, "condition"]) for metric in metrics}
    absent = [c for c in settings if c in lived and any(c not in r for r in recorded.values())]
    if len(absent) == len(settings):
        missing = [m for m, found in recorded.items() if not found] or list(metrics)
        raise NotRunError(f"the tables do not record {' and '.join(missing)}")
    return {c: chosen for c, chosen in settings.items() if c not in absent}, absent


def _longest(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    best: dict[tuple, str] = {}
    for identifier, chosen in settings.items():
        key = tuple(chosen[axis] for axis in AXES)
        if key not in best or chosen["steps"] > settings[best[key]]["steps"]:
            best[key] = identifier
    return {identifier: settings[identifier] for identifier in best.values()}


def _number(value: Any) -> float | int | None:
    # A missing Int64 is pandas' NA, which compares to nothing.
    if not isinstance(value, int | float | np.number) or value != value:
        return None
    return value.item() if isinstance(value, np.generic) else value


def _order(settings: Mapping[str, Any]) -> tuple:
    return tuple((value is None, 0 if value is None else value) for value in settings.values())
