"""Write the page of a results folder or of a snapshot, from the files that lie in it."""

import json
from collections.abc import Sequence
from pathlib import Path

from feedback_alignment.claims.root_seeds import read_seeds
from feedback_alignment.files import write_text
from feedback_alignment.page.figures import collect_figures
from feedback_alignment.page.page import render
from feedback_alignment.sources import load_sources


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
