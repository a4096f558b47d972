"""Read the claims file, and say in one line what is wrong with it."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from feedback_alignment.claims.arguments import parse_arguments
from feedback_alignment.claims.errors import ClaimsError, check_keys, check_text, pick, shown
from feedback_alignment.claims.filters import AXES, parse_where
from feedback_alignment.claims.model import Check, Claim
from feedback_alignment.claims.statistics import STATISTICS
from feedback_alignment.claims.threshold import KINDS, parse_threshold
from feedback_alignment.errors import ConfigError
from feedback_alignment.yaml_files import read_yaml


def load_claims(path: Path, figures: Collection[str] | None = None) -> list[Claim]:
    """Read the claims of a file.

    Args:
        path: a YAML 1.2 file with the one key `claims`.
        figures: the figures that exist, or None to take any name.

    Raises:
        ClaimsError: anything is wrong; one line with file, key path and what is allowed.
    """
    try:
        content = read_yaml(path)
    except ConfigError as error:
        raise ClaimsError(str(error)) from None
    try:
        return parse_claims(content, figures)
    except ClaimsError as error:
        raise ClaimsError(f"{path}: {error}") from None


def parse_claims(content: Any, figures: Collection[str] | None = None) -> list[Claim]:
    """Read claims from plain values.

    Args:
        content: a mapping with the one key `claims`, a list.
        figures: the figures that exist, or None to take any name.

    Raises:
        ClaimsError: anything is wrong; one line with the key path and what is allowed.
    """
    entries = _listed("claims", check_keys("top level", content, ["claims"])["claims"])
    claims: list[Claim] = []
    for index, entry in enumerate(entries):
        path = f"claims[{index}]"
        claim = _parse_claim(path, entry, figures)
        for before, other in enumerate(claims):
            if other.id == claim.id:
                raise ClaimsError(
                    f'{path}.id: "{claim.id}" is already the id of claims[{before}]; '
                    "give each claim its own"
                )
        claims.append(claim)
    return claims


def _parse_claim(path: str, entry: Any, figures: Collection[str] | None) -> Claim:
    texts = ("id", "paper", "statement", "figure")
    check_keys(path, entry, [*texts, "checks"])
    read = {key: check_text(f"{path}.{key}", entry[key]) for key in texts}
    if not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", read["id"]):
        raise ClaimsError(
            f'{path}.id: "{read["id"]}" is not allowed; '
            "allowed: lower-case words joined by . and _, as in song.convergence"
        )
    if figures is not None:
        pick(f"{path}.figure", read["figure"], sorted(figures), "figure")
    checks: list[Check] = []
    for index, content in enumerate(_listed(f"{path}.checks", entry["checks"])):
        at = f"{path}.checks[{index}]"
        check = _parse_check(at, content)
        if check.label in [other.label for other in checks]:
            raise ClaimsError(f"{at}.label: another check of this claim has the same label")
        checks.append(check)
    return Claim(**read, checks=tuple(checks))


def _parse_check(path: str, entry: Any) -> Check:
    check_keys(path, entry, ["statistic", "label", "args"], ["where", "each", *KINDS])
    name = pick(f"{path}.statistic", entry["statistic"], STATISTICS, "statistic")
    where = parse_where(f"{path}.where", entry.get("where", {}))
    each = entry.get("each")
    return Check(
        statistic=name,
        label=check_text(f"{path}.label", entry["label"]),
        where=where,
        each=None if each is None else pick(f"{path}.each", each, AXES, "column"),
        arguments=parse_arguments(f"{path}.args", entry["args"], STATISTICS[name].arguments),
        threshold=parse_threshold(path, entry),
    )


def _listed(path: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        found = "an empty list" if value == [] else shown(value)
        raise ClaimsError(f"{path}: must be a list with at least one entry, not {found}")
    return value
