"""What a claim is: a statement, and the checks that decide whether it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feedback_alignment.claims.filters import Filter
from feedback_alignment.claims.threshold import Threshold


@dataclass(frozen=True)
class Check:
    """One statistic of a claim and what it must satisfy.

    Attributes:
        statistic: its name in the registry.
        label: readable text that says what is computed, for which conditions.
        where: which conditions count, by column.
        each: column whose every value gets a verdict of its own, or None.
        arguments: arguments of the statistic.
        threshold: what the statistic must satisfy.
    """

    statistic: str
    label: str
    where: Mapping[str, Filter]
    each: str | None
    arguments: Mapping[str, Any]
    threshold: Threshold


@dataclass(frozen=True)
class Claim:
    """A claim of a paper, in our words.

    Attributes:
        id: its name, as in `song.convergence`.
        paper: whose claim it is; `ours` for one of this project.
        statement: the claim in one sentence.
        figure: the figure that shows it; its tables are the data of the checks.
        checks: all must hold for the claim to be replicated.
    """

    id: str
    paper: str
    statement: str
    figure: str
    checks: tuple[Check, ...]
