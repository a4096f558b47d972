"""Render the results page from its template, and write it into a folder of results."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from feedback_alignment.claims.root_seeds import fragile, read_seeds
from feedback_alignment.claims.verdicts import (
    INCONCLUSIVE,
    NOT_REPLICATED,
    NOT_RUN,
    REPLICATED,
)
from feedback_alignment.files import write_text
from feedback_alignment.page.figures import PageFigure, collect_figures
from feedback_alignment.page.settings import rows
from feedback_alignment.sources import SettingsSource, load_sources
from feedback_alignment.tables import STATUSES

VERDICTS = (REPLICATED, NOT_REPLICATED, INCONCLUSIVE, NOT_RUN)
_SYSTEM = ("python", "system", "processor")


def write_page(
    folder: Path,
    figures: Sequence[str],
    captions: Sequence[Path],
    sources: Path,
    seeds: Path,
    *,
    linked: bool = False,
) -> None:
    """Write `index.html`.

    Args:
        folder: has `claims.json`, `settings.json`, `environment.json`, `status.json`, the figures
            in `figures/`, and executed notebooks, if any, in `notebooks/`.
        figures: the figures to show, in order.
        captions: their captions, `<figure>.rst`, and perhaps others.
        sources: `config/sources.yaml`.
        seeds: verdicts under other root seeds, a table of `make seeds`.
        linked: whether the page shows the figures that lie beside it, or holds them itself.

    Raises:
        InputError: a file cannot be used; one line.
        OSError: one cannot be read or written.
    """

    def content(name: str) -> dict:
        return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))

    claims = content("claims")
    page = render(
        claims=claims,
        seeds=read_seeds(seeds, claims.get("digest", "")),
        figures=collect_figures(folder, figures, captions, linked),
        settings=content("settings"),
        sources=load_sources(sources),
        environment=content("environment"),
        status=content("status"),
    )
    write_text(folder / "index.html", page)


def render(
    *,
    claims: Mapping[str, Any],
    seeds: Mapping[str, Sequence[str]],
    figures: Sequence[PageFigure],
    settings: Mapping[str, Any],
    sources: Sequence[SettingsSource],
    environment: Mapping[str, str],
    status: Mapping[str, Mapping[str, int]],
) -> str:
    """The page as HTML: one file that needs no network, and that holds no date.

    Args:
        claims: content of claims.json: `claims`, each with its `checks`.
        seeds: by claim, its verdict under each of the root seeds that follow from the claims.
        figures: the figures, in the order of the page.
        settings: content of settings.json: `name`, `seed` and `experiments`.
        sources: the entries of config/sources.yaml.
        environment: version by name.
        status: number of runs by status, by experiment; empty for one that has not run.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent
    templates = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"number": number, "slug": _slug, "by_label": by_label}
    entries = claims.get("claims", [])
    counts = Counter(claim["verdict"] for claim in entries)
    shown = {figure.name for figure in figures}
    return templates.get_template("page.html.j2").render(
        css=(folder / "page.css").read_text(encoding="utf-8"),
        name=settings["name"],
        seed=settings.get("seed"),
        claims=entries,
        seeds={claim: in_words(verdicts) for claim, verdicts in seeds.items()},
        interval=claims.get("interval", ""),
        counts=[(verdict, counts[verdict]) for verdict in VERDICTS if counts[verdict]],
        figures=_in_order(figures, entries, settings["experiments"]),
        shown=shown,
        missing=sorted({f for e in settings["experiments"].values() for f in e["figures"]} - shown),
        by_figure={f.name: [c for c in entries if c["figure"] == f.name] for f in figures},
        experiments={
            name: {"rows": rows(name, entry, sources), **entry}
            for name, entry in settings["experiments"].items()
        },
        system={key: environment[key] for key in _SYSTEM if key in environment},
        packages={key: value for key, value in environment.items() if key not in _SYSTEM},
        status=status,
        statuses=STATUSES,
    )


def number(value: float | None) -> str:
    """Three significant digits; a dash if there is no number."""
    return "–" if value is None else f"{value:.3g}".replace("-", "\u2212")


def in_words(verdicts: Sequence[str]) -> str:
    """How often a claim had which verdict under other root seeds."""
    said = ", ".join(f"{count} {verdict}" for verdict, count in Counter(verdicts).most_common())
    mark = "fragile: " if fragile(verdicts) else ""
    return f"{mark}under {len(verdicts)} other seeds, in config/seeds.yaml, {said}"


def by_label(checks: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Checks that differ in the part they are about (an activation, say) under their one label."""
    return [(label, list(group)) for label, group in groupby(checks, lambda c: c["label"])]


def _in_order(
    figures: Sequence[PageFigure],
    claims: Sequence[Mapping[str, Any]],
    experiments: Mapping[str, Mapping[str, Any]],
) -> list[PageFigure]:
    # Drawings, which no experiment feeds, come first; then as the claims go; then the others.
    order = [claim["figure"] for claim in claims]
    fed = {name for experiment in experiments.values() for name in experiment["figures"]}

    def place(figure: PageFigure) -> int:
        if figure.name in order:
            return order.index(figure.name)
        return len(order) if figure.name in fed else -1

    return sorted(figures, key=place)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text.lower())
