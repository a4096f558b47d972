"""Judge claims: from the tables behind each figure to verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.filters import NEVER, TEXT_COLUMNS, Filter, named
from feedback_alignment.claims.groups import level
from feedback_alignment.claims.intervals import bootstrap_interval, share_interval
from feedback_alignment.claims.model import Check, Claim
from feedback_alignment.claims.panel import Panel, Reading, Rows, matching, read_panel, rows_of
from feedback_alignment.claims.samples import Sample, draw_sample
from feedback_alignment.claims.statistics import STATISTICS
from feedback_alignment.claims.threshold import Threshold
from feedback_alignment.claims.verdicts import (
    INCONCLUSIVE,
    NOT_RUN,
    CheckVerdict,
    ClaimVerdict,
    decide,
    overall,
)

if TYPE_CHECKING:
    import pandas as pd


# How the text of a threshold says that no replicate may fail.
_EVERY = {None: "", "most": "", "every": "every replicate, "}


def judge(claims: Sequence[Claim], tables: Mapping[str, "pd.DataFrame"]) -> list[ClaimVerdict]:
    """Judge claims.

    Args:
        claims: the claims.
        tables: by figure, the tidy rows of all experiments that feed it; a figure that the
            config does not have is absent.

    Returns:
        a verdict for each claim, in order.
    """
    verdicts = []
    named = {claim.figure for claim in claims}
    rows = {figure: rows_of(table) for figure, table in tables.items() if figure in named}
    for claim in claims:
        own = rows.get(claim.figure)
        checks = tuple(found for check in claim.checks for found in _judge(claim, check, own))
        result = overall([check.verdict for check in checks])
        verdicts.append(
            ClaimVerdict(claim.id, claim.paper, claim.statement, claim.figure, result, checks)
        )
    return verdicts


def _judge(claim: Claim, check: Check, table: Rows | None) -> list[CheckVerdict]:
    blank = CheckVerdict(
        label=check.label,
        part="",
        statistic=check.statistic,
        where={column: accept.plain() for column, accept in check.where.items()},
        arguments=_plain(check.arguments),
        threshold=f"{_EVERY[check.arguments.get('needed')]}{check.threshold}",
        verdict=NOT_RUN,
    )
    if table is None:
        return [replace(blank, reason=f"the config has no figure {claim.figure}")]
    rows = matching(table, check.where)
    if check.each is None or not rows.settings:
        return [_judge_rows(claim, check, rows, blank)]
    found = {chosen[check.each] for chosen in rows.settings.values()}
    verdicts = []
    for value in sorted(found, key=level):
        written = NEVER if value is None else value
        plain = check.each in TEXT_COLUMNS and value
        name = value if plain else f"{check.each} {named(value)}"
        part = replace(blank, part=name, where={**blank.where, check.each: written})
        chosen = matching(rows, {check.each: Filter(values=(written,))})
        verdicts.append(_judge_rows(claim, check, chosen, part))
    return verdicts


def _judge_rows(claim: Claim, check: Check, rows: Rows, blank: CheckVerdict) -> CheckVerdict:
    chosen, statistic = check.arguments, STATISTICS[check.statistic]
    try:
        panel = read_panel(rows, *_readings(chosen))
        sample = draw_sample(panel, keep=statistic.keep)
        blank = replace(blank, n=sample.panel.replicates.size, excluded=sample.excluded)
    except NotRunError as error:
        return replace(blank, reason=str(error))
    unstable = sample.excluded.get("mostly_diverged", ())
    lost = f"more than half of the replicates diverged in {', '.join(unstable)}"
    if not sample.panel.conditions:
        return replace(blank, verdict=INCONCLUSIVE, reason=lost)
    if not blank.n:
        return replace(blank, verdict=INCONCLUSIVE, reason="every replicate diverged somewhere")
    try:
        values, reduce = statistic.prepare(sample.panel, chosen)
    except NotRunError as error:
        if not unstable:
            return replace(blank, reason=str(error))
        return replace(blank, verdict=INCONCLUSIVE, reason=f"{error}: {lost}")
    estimate = float(reduce(values.mean(axis=1)))
    if statistic.share:
        interval = share_interval(int(values.sum()), blank.n)
    else:
        interval = bootstrap_interval(values, reduce, f"{claim.id}\n{blank.name}")
    verdict, reason = decide(
        check.threshold, estimate, interval, blank.n, every=chosen.get("needed") == "every"
    )
    low, high = interval or (None, None)
    return replace(
        blank,
        verdict=verdict,
        reason=reason,
        estimate=estimate if np.isfinite(estimate) else None,
        ci_low=low,
        ci_high=high,
        conditions=summary(sample),
    )


def summary(sample: Sample) -> tuple[dict[str, Any], ...]:
    """Each condition of a sample: its id, the settings that vary, mean and sd over replicates."""
    panel: Panel = sample.panel
    varied = [
        key
        for key in panel.conditions[0]
        if key != "condition" and len({chosen[key] for chosen in panel.conditions}) > 1
    ]
    found = []
    for chosen, values in zip(panel.conditions, panel.values, strict=True):
        known = values[np.isfinite(values)]
        found.append(
            {
                "condition": chosen["condition"],
                **{key: chosen[key] for key in varied},
                "mean": float(known.mean()) if known.size else None,
                "sd": float(known.std(ddof=1)) if known.size > 1 else None,
            }
        )
    return tuple(found)


def _readings(arguments: Mapping[str, Any]) -> tuple[Reading, Reading | None]:
    own = (arguments[name] for name in ("metric", "at", "relative_to", "layer"))
    if arguments.get("other") is None:
        return Reading(*own), None
    beside = Reading(arguments["other"], arguments["other_at"], layer=arguments["other_layer"])
    return Reading(*own), beside


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _plain_value(value)
        for name, value in arguments.items()
        # The time of nothing says nothing.
        if value is not None and not (name == "other_at" and arguments["other"] is None)
    }


def _plain_value(value: Any) -> Any:
    if isinstance(value, Threshold | Filter):
        return value.plain()
    if isinstance(value, Mapping):
        return {name: _plain_value(content) for name, content in value.items()}
    return value
