"""What of a panel enters a statistic, and what is left out and said so."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.panel import Panel


@dataclass(frozen=True)
class Kept:
    """The part of a panel that a statistic is computed from.

    Attributes:
        panel: the conditions and replicates that are left.
        excluded: what is left out, by kind.
    """

    panel: Panel
    excluded: Mapping[str, Any]


def leave_out(panel: Panel, *, keep: str = "") -> Kept:
    """Leave out what has no value.

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
    diverged, excluded = panel.diverged, dict(panel.notes)
    unknown = np.isnan(panel.values)
    beside = np.zeros_like(unknown) if panel.other is None else np.isnan(panel.other)
    failing = {"": diverged, "all": diverged & (unknown | beside), "diverged": diverged & beside}
    if failing[keep].any():
        excluded["diverged"] = {
            str(name): panel.replicates[gone].tolist()
            for name, gone in zip(names, failing[keep], strict=True)
            if gone.any()
        }
    if keep == "all":
        return Kept(panel, excluded)
    unstable = np.zeros(len(names), dtype=bool) if keep else diverged.mean(axis=1) > 0.5
    if unstable.any():
        excluded["mostly_diverged"] = names[unstable].tolist()
    needed = unknown if keep else unknown | beside
    missing = (needed & ~diverged).any(axis=1) & ~unstable
    if missing.all():
        raise NotRunError(f"no condition has a value of {panel.quantity} for every replicate")
    if missing.any():
        excluded["no_value"] = names[missing].tolist()
    left = ~(unstable | missing)
    # Without a condition there is no replicate that it could be computed from.
    stays = np.ones(panel.replicates.size, dtype=bool) if keep else ~diverged[left].any(axis=0)
    replicates = stays & left.any()

    def cut(values: np.ndarray) -> np.ndarray:
        return values[left][:, replicates]

    kept = replace(
        panel,
        conditions=tuple(c for c, stays in zip(panel.conditions, left, strict=True) if stays),
        replicates=panel.replicates[replicates],
        values=cut(panel.values),
        diverged=cut(diverged),
        other=None if panel.other is None else cut(panel.other),
    )
    return Kept(kept, excluded)
