"""Judge claims: from the tables behind each figure to verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from feedback_alignment.claims.declaration import Check, Claim
from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.exclusions import in_words, leave_out
from feedback_alignment.claims.filters import OneOf, named, plain, values_in
from feedback_alignment.claims.panel import Panel, Rows, read_panel, rows_of
from feedback_alignment.claims.points import Tables
from feedback_alignment.claims.published import Published, judge_published
from feedback_alignment.claims.statistics import Statistic
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


def judge(
    claims: Sequence[Claim],
    tables: Mapping[str, "pd.DataFrame | None"],
    published: Tables | None = None,
) -> list[ClaimVerdict]:
    """A verdict for each claim, in order.

    Args:
        claims: the claims.
        tables: by figure, the tidy rows of all experiments that feed it, or None if none of them
            has run; a figure that the config does not have is absent.
        published: the values that claims are compared with, by the name of their table.

    Raises:
        ClaimsError: published values that a check asks for are not there, or do not fit it.
    """
    verdicts: dict[str, ClaimVerdict] = {}
    # Figure by figure, since tables that are read when they are asked for may exceed the memory.
    for figure in dict.fromkeys(claim.figure for claim in claims):
        shown = [claim for claim in claims if claim.figure == figure]
        verdicts |= _verdicts(shown, _rows(tables, figure), published or {})
    return [verdicts[claim.id] for claim in claims]


def _verdicts(
    claims: Sequence[Claim], rows: Rows | str, published: Tables
) -> dict[str, ClaimVerdict]:
    """Verdicts of the claims of a figure, by id."""
    return {claim.id: _verdict(claim, rows, published) for claim in claims}


def _rows(tables: Mapping[str, "pd.DataFrame | None"], figure: str) -> Rows | str:
    """The rows behind a figure, or why there are none."""
    if figure not in tables:
        return f"the config has no figure {figure}"
    table = tables[figure]
    return f"no experiment of the figure {figure} has run" if table is None else rows_of(table)


def _verdict(claim: Claim, rows: Rows | str, published: Tables) -> ClaimVerdict:
    checks = tuple(
        CheckVerdict(
            label=check.label,
            part=part,
            statistic=statistic.name,
            where=plain(statistic.reading.where),
            arguments=statistic.arguments,
            threshold=f"{statistic.beside}{check.threshold}",
            null=check.null.words,
            **_judge(claim, check, statistic, rows, published),
        )
        for check in claim.checks
        for part, statistic in parts_of(check.statistic, rows)
    )
    result = overall([check.verdict for check in checks])
    return ClaimVerdict(claim.id, claim.paper, claim.statement, claim.figure, result, checks)


def _judge(
    claim: Claim,
    check: Check,
    statistic: Statistic | Published,
    rows: Rows | str,
    published: Tables,
) -> dict[str, Any]:
    """What a part of a check finds, as attributes of its verdict; `rows` may say why none."""
    try:
        if isinstance(rows, str):
            raise NotRunError(rows)
        if isinstance(statistic, Published):
            stream = f"{claim.id}\n{check.label}"
            return judge_published(statistic, check.threshold, rows, published, stream)
        return _judge_panel(statistic, check.threshold, rows)
    except NotRunError as error:
        return {"verdict": NOT_RUN, "reason": str(error)}


def parts_of(
    statistic: Statistic | Published, rows: Rows | str
) -> list[tuple[str, Statistic | Published]]:
    """Name, and what is computed, for every value by which a check is judged; "" if by none."""
    reading, column = statistic.reading, statistic.reading.each
    if column is None or isinstance(rows, str):
        return [("", statistic)]
    found = {
        value
        for settings in rows.passing(reading.where).values()
        for value in values_in(settings[column])
    }
    parts = []
    for value in sorted(found):
        own = replace(reading, where={**reading.where, column: OneOf((value,))})
        parts.append((named(value, column), replace(statistic, reading=own)))
    return parts or [("", statistic)]


def _judge_panel(statistic: Statistic, threshold: Threshold, rows: Rows) -> dict[str, Any]:
    panel = read_panel(rows, statistic.reading, statistic.other)
    panel = leave_out(panel, keep=statistic.keep)
    n, unstable = panel.replicates.size, panel.excluded.get("mostly_diverged", ())
    left_out = in_words(panel.excluded, failing=bool(statistic.keep))
    said = {"n": n, "excluded": panel.excluded, "left_out": left_out}
    lost = f"more than half of the replicates diverged in {', '.join(unstable)}"
    if not panel.conditions:
        return said | {"verdict": INCONCLUSIVE, "reason": lost}
    if not n:
        return said | {"verdict": INCONCLUSIVE, "reason": "every replicate diverged somewhere"}
    try:
        found = statistic.compute(panel)
    except NotRunError as error:
        if unstable:
            return said | {"verdict": INCONCLUSIVE, "reason": f"{error}: {lost}"}
        return said | {"verdict": NOT_RUN, "reason": str(error)}
    if without := n - found.n:
        unasked = f"{without} replicate{'s' * (without > 1)} to which it does not apply"
        said |= {"n": found.n, "left_out": (*left_out, unasked)}
    verdict, reason = decide(threshold, found)
    low, high = found.interval or (None, None)
    return said | {
        "verdict": verdict,
        "reason": reason,
        "estimate": found.value if np.isfinite(found.value) else None,
        "ci_low": low,
        "ci_high": high,
        "conditions": _summary(panel),
    }


def _summary(panel: Panel) -> tuple[dict[str, Any], ...]:
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
