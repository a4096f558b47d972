"""The figures of the page: image, caption and links of each."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from feedback_alignment.errors import InputError, one_line

_FILES = (("SVG", "svg"), ("PDF", "pdf"), ("PNG", "png"))
_NOTEBOOKS = (("notebook", "ipynb"), ("notebook as a page", "html"))


class PageError(InputError):
    """An input of the page that cannot be used; the message is one line."""


@dataclass(frozen=True)
class PageFigure:
    """A figure as the page shows it.

    Attributes:
        name: its name, as in file names.
        title: the first line of its caption.
        caption: the rest of the caption.
        image: the SVG as a data URI.
        links: label and relative address of each file.
    """

    name: str
    title: str
    caption: str
    image: str
    links: tuple[tuple[str, str], ...]


def collect_figures(
    figures: Path, notebooks: Path, captions: Path, page: Path, names: Sequence[str] | None = None
) -> list[PageFigure]:
    """Gather the figures of a results folder.

    Args:
        figures: folder of the SVG, PDF and PNG files.
        notebooks: folder of the executed notebooks.
        captions: folder of the captions, `<figure>.rst`; the first line is the title.
        page: where the page will lie; links are relative to it.
        names: the figures to show, in order; all that lie in the folder if None.

    Raises:
        PageError: a figure has no SVG, or its caption cannot be used.
    """
    if names is None:
        names = sorted(path.stem for path in Path(figures).glob("*.svg"))
    return [_figure(name, Path(figures), Path(notebooks), Path(captions), page) for name in names]


def _figure(name: str, figures: Path, notebooks: Path, captions: Path, page: Path) -> PageFigure:
    svg = figures / f"{name}.svg"
    if not svg.is_file():
        raise PageError(f"{svg}: there is no such figure")
    title, caption = read_caption(captions / f"{name}.rst")
    files = [(label, figures / f"{name}.{end}") for label, end in _FILES]
    files += [(label, notebooks / f"{name}.{end}") for label, end in _NOTEBOOKS]
    start = page.absolute().parent
    links = tuple(
        (label, Path(os.path.relpath(path.absolute(), start)).as_posix())
        for label, path in files
        if path.is_file()
    )
    image = base64.b64encode(svg.read_bytes()).decode("ascii")
    return PageFigure(name, title, caption, f"data:image/svg+xml;base64,{image}", links)


def read_caption(path: Path) -> tuple[str, str]:
    """Title and text of a caption, `<figure>.rst`; the figure's name, and none, without a file.

    Raises:
        PageError: the file cannot be read, or is empty.
    """
    if not path.exists():
        return path.stem, ""
    try:
        lines = path.read_text(encoding="utf-8").strip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PageError(f"{path}: cannot be read: {one_line(error)}") from None
    if not lines:
        raise PageError(f"{path}: the file is empty; its first line is the title of the figure")
    return lines[0].rstrip("."), " ".join(line.strip() for line in lines[1:])
