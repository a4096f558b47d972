"""What of a panel is left out of a statistic, and how that is said."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.panel import Panel


def leave_out(panel: Panel, *, keep: str = "") -> Panel:
    """The part of a panel that a statistic is computed from, which says what it is without.

    A condition is left out whole if more than half of its replicates diverged, or if a replicate
    that did not diverge has no value (it did not align within its steps, say): the replicates that
    have one are the tame or the fast ones. A replicate that diverged in a condition that is left
    is left out in all of them, so that conditions are compared on the same replicates.

    Args:
        panel: all conditions and replicates.
        keep: `all` leaves nothing out, for a statistic in which what has no value fails;
            `diverged` leaves out conditions in which the first quantity has no value, for a
            statistic in which what diverged fails by the other.

    Raises:
        NotRunError: no condition has a value for every replicate that did not diverge.
    """
    names = np.array([chosen["condition"] for chosen in panel.conditions])
    diverged, unknown, beside = panel.diverged, np.isnan(panel.values), np.isnan(panel.other)
    # What does not count, or as failing, because it diverged, and what must have a value.
    gone, needed = {
        "": (diverged, unknown | beside),
        "diverged": (diverged & beside, unknown),
        "all": (diverged & (unknown | beside), np.zeros_like(unknown)),
    }[keep]
    leaves = np.zeros_like(diverged) if keep else diverged
    unstable = leaves.mean(axis=1) > 0.5
    missing = (needed & ~diverged).any(axis=1) & ~unstable
    if missing.all():
        raise NotRunError(f"no condition has a value of {panel.quantity} for every replicate")
    left = ~(unstable | missing)
    # Without a condition there is no replicate that it could be computed from.
    replicates = ~leaves[left].any(axis=0) & left.any()
    found = {
        "diverged": {
            str(name): panel.replicates[row].tolist()
            for name, row in zip(names, gone, strict=True)
            if row.any()
        },
        "mostly_diverged": names[unstable].tolist(),
        "no_value": names[missing].tolist(),
    }
    cut = np.ix_(left, replicates)
    return replace(
        panel,
        conditions=tuple(c for c, stays in zip(panel.conditions, left, strict=True) if stays),
        replicates=panel.replicates[replicates],
        values=panel.values[cut],
        other=panel.other[cut],
        diverged=diverged[cut],
        excluded={**panel.excluded, **{kind: what for kind, what in found.items() if what}},
    )


def in_words(excluded: Mapping[str, Any], *, failing: bool = False) -> tuple[str, ...]:
    """What a check left out, and why, a sentence a kind.

    Args:
        excluded: what was left out, by kind, as in `CheckVerdict`.
        failing: whether the statistic counts what has no value as failing instead.
    """
    whole = excluded.get("mostly_diverged", ())
    diverged = excluded.get("diverged", {}).items()
    lost = sum(len(replicates) for name, replicates in diverged if name not in whole)
    absent, unmeasured, unpaired = (
        len(excluded.get(kind, ())) for kind in ("no_value", "not_measured", "unpaired_replicates")
    )
    most = "in which more than half of the replicates diverged left out"
    return tuple(
        f"{count} {what}{'s' * (count > 1)} {why}"
        for count, what, why in (
            (len(whole), "condition", most),
            (lost, "diverged replicate", "counted as failing" if failing else "left out"),
            (absent, "condition", "without a value for every replicate"),
            (unmeasured, "condition", "in which it is not recorded"),
            (unpaired, "replicate", "that not every condition has"),
        )
        if count
    )
