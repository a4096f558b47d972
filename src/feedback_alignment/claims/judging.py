"""Judge claims: from the tables behind each figure to verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from feedback_alignment.claims.comparisons import Statistic
from feedback_alignment.claims.declaration import Check, Claim
from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.filters import TEXT_COLUMNS, Filter, named
from feedback_alignment.claims.groups import values_in
from feedback_alignment.claims.kept import leave_out
from feedback_alignment.claims.panel import Panel, Rows, matching, read_panel, rows_of
from feedback_alignment.claims.points import Tables
from feedback_alignment.claims.published import Published, judge_published
from feedback_alignment.claims.threshold import Threshold
from feedback_alignment.claims.verdicts import (
    INCONCLUSIVE,
    NOT_RUN,
    CheckVerdict,
    ClaimVerdict,
    decide,
    exclusions,
    overall,
)

if TYPE_CHECKING:
    import pandas as pd


def judge(
    claims: Sequence[Claim],
    tables: Mapping[str, "pd.DataFrame | None"],
    published: Tables | None = None,
) -> list[ClaimVerdict]:
    """Judge claims.

    Args:
        claims: the claims.
        tables: by figure, the tidy rows of all experiments that feed it, or None if none of them
            has run; a figure that the config does not have is absent.
        published: the values that claims are compared with, by the name of their table.

    Returns:
        a verdict for each claim, in order.

    Raises:
        ClaimsError: published values that a check asks for are not there, or do not fit it.
    """
    verdicts = []
    named = {claim.figure for claim in claims}
    rows: dict[str, Rows | str] = {
        figure: f"no experiment of the figure {figure} has run" if table is None else rows_of(table)
        for figure, table in tables.items()
        if figure in named
    }
    for claim in claims:
        own = rows.get(claim.figure, f"the config has no figure {claim.figure}")
        checks = tuple(
            found for check in claim.checks for found in _judge(claim, check, own, published or {})
        )
        result = overall([check.verdict for check in checks])
        verdicts.append(
            ClaimVerdict(claim.id, claim.paper, claim.statement, claim.figure, result, checks)
        )
    return verdicts


def _judge(claim: Claim, check: Check, table: Rows | str, published: Tables) -> list[CheckVerdict]:
    """The verdicts of a check on the rows of its figure, or the reason why there are none."""
    statistic = check.statistic
    blank = CheckVerdict(
        label=check.label,
        part="",
        statistic=statistic.name,
        where={column: accept.plain() for column, accept in check.where.items()},
        arguments=statistic.arguments,
        threshold=f"{statistic.beside}{check.threshold}",
        null=check.null.words,
        verdict=NOT_RUN,
    )
    if isinstance(table, str):
        return [replace(blank, reason=table)]
    if isinstance(statistic, Published):
        stream, rows = f"{claim.id}\n{blank.name}", matching(table, check.where)
        return [judge_published(statistic, check.threshold, rows, published, blank, stream)]
    verdicts = []
    for name, part in parts_of(check, table):
        plain = {column: accept.plain() for column, accept in part.items()}
        own = replace(blank, part=name, where={**blank.where, **plain})
        rows = matching(table, {**check.where, **part})
        verdicts.append(_judge_rows(statistic, check.threshold, rows, own))
    return verdicts


def parts_of(check: Check, table: Rows) -> list[tuple[str, dict[str, Filter]]]:
    """Name and filter of every value by which a check is judged; one that is empty if by none."""
    column, settings = check.each, matching(table, check.where).settings
    if column is None or not settings:
        return [("", {})]
    found = {value for chosen in settings.values() for value in values_in(chosen[column])}
    return [
        (value if column in TEXT_COLUMNS and value else f"{column} {named(value)}",
         {column: Filter(values=(value,))})
        for value in sorted(found)
    ]  # fmt: skip


def _judge_rows(
    statistic: Statistic, threshold: Threshold, rows: Rows, blank: CheckVerdict
) -> CheckVerdict:
    try:
        panel = read_panel(rows, statistic.reading, statistic.other)
        kept = leave_out(panel, keep=statistic.keep)
    except NotRunError as error:
        return replace(blank, reason=str(error))
    blank = replace(
        blank,
        n=kept.panel.replicates.size,
        excluded=kept.excluded,
        left_out=exclusions(kept.excluded, failing=bool(statistic.keep)),
    )
    unstable = kept.excluded.get("mostly_diverged", ())
    lost = f"more than half of the replicates diverged in {', '.join(unstable)}"
    if not kept.panel.conditions:
        return replace(blank, verdict=INCONCLUSIVE, reason=lost)
    if not blank.n:
        return replace(blank, verdict=INCONCLUSIVE, reason="every replicate diverged somewhere")
    try:
        found = statistic.compute(kept.panel)
    except NotRunError as error:
        if not unstable:
            return replace(blank, reason=str(error))
        return replace(blank, verdict=INCONCLUSIVE, reason=f"{error}: {lost}")
    if without := blank.n - found.n:
        said = f"{without} replicate{'s' * (without > 1)} to which it does not apply"
        blank = replace(blank, n=found.n, left_out=(*blank.left_out, said))
    verdict, reason = decide(threshold, found.value, found.interval, found.n)
    low, high = found.interval or (None, None)
    return replace(
        blank,
        verdict=verdict,
        reason=reason,
        estimate=found.value if np.isfinite(found.value) else None,
        ci_low=low,
        ci_high=high,
        conditions=summary(kept.panel),
    )


def summary(panel: Panel) -> tuple[dict[str, Any], ...]:
    """Each condition of a panel: its id, the settings that vary, mean and sd over replicates."""
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
