"""What of a panel enters a statistic, and what is left out and said so."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from feedback_alignment.claims.errors import NotRunError
from feedback_alignment.claims.panel import Panel


@dataclass(frozen=True)
class Sample:
    """The part of a panel that a statistic is computed from.

    Attributes:
        panel: the conditions and seeds that are left.
        excluded: what is left out, by kind.
        unstable: ids of the conditions in which more than half of the seeds diverged.
    """

    panel: Panel
    excluded: Mapping[str, Any]
    unstable: tuple[str, ...]


def draw_sample(panel: Panel, *, keep_all: bool = False) -> Sample:
    """Leave out what has no value.

    A seed that diverged in one condition is left out in all, so that conditions are compared on
    the same seeds. A condition in which a seed that did not diverge has no value (it did not
    align within its steps, say) is left out whole: the seeds that have one are the fast ones.

    Args:
        panel: all conditions and seeds.
        keep_all: leave nothing out, for a statistic in which such seeds count as failures.

    Raises:
        NotRunError: no condition has a value for every seed that did not diverge.
    """
    names = np.array([chosen["condition"] for chosen in panel.conditions])
    diverged = panel.diverged
    excluded = dict(panel.notes)
    if diverged.any():
        excluded["diverged"] = {
            str(name): panel.seeds[lost].tolist()
            for name, lost in zip(names, diverged, strict=True)
            if lost.any()
        }
    unstable = tuple(map(str, names[diverged.mean(axis=1) > 0.5]))
    if keep_all:
        return Sample(panel, excluded, unstable)
    missing = (np.isnan(panel.values) & ~diverged).any(axis=1)
    if missing.all():
        raise NotRunError(f"no condition has a value of {panel.quantity} for every seed")
    if missing.any():
        excluded["no_value"] = names[missing].tolist()
    seeds = ~diverged[~missing].any(axis=0)
    kept = replace(
        panel,
        conditions=tuple(c for c, gone in zip(panel.conditions, missing, strict=True) if not gone),
        seeds=panel.seeds[seeds],
        values=panel.values[~missing][:, seeds],
        diverged=diverged[~missing][:, seeds],
    )
    return Sample(kept, excluded, unstable)
