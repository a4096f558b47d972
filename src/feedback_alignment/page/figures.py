"""The figures of the page: image, caption and links of each."""

from __future__ import annotations

import base64
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
        image: the address of the SVG, or the SVG itself as a data URI.
        links: label and relative address of each file.
    """

    name: str
    title: str
    caption: str
    image: str
    links: tuple[tuple[str, str], ...]


def collect_figures(
    folder: Path, names: Sequence[str], captions: Sequence[Path] = (), linked: bool = False
) -> list[PageFigure]:
    """Gather the figures of a page.

    Args:
        folder: where the page will lie, with `figures/` and perhaps `notebooks/`.
        names: the figures to show, in order.
        captions: files `<figure>.rst`; the first line is the title.
        linked: whether the page shows the files beside it, or holds each figure itself.

    Raises:
        PageError: a figure has no SVG, or its caption cannot be used.
    """
    files = {path.stem: path for path in captions}
    return [_figure(folder, name, files.get(name), linked) for name in names]


def _figure(folder: Path, name: str, file: Path | None, linked: bool) -> PageFigure:
    svg = folder / f"figures/{name}.svg"
    if not svg.is_file():
        raise PageError(f"{svg}: there is no such figure")
    title, caption = read_caption(file) if file else (name, "")
    links = [(label, f"figures/{name}.{end}") for label, end in _FILES]
    links += [(label, f"notebooks/{name}.{end}") for label, end in _NOTEBOOKS]
    image = f"figures/{name}.svg"
    if not linked:
        image = f"data:image/svg+xml;base64,{base64.b64encode(svg.read_bytes()).decode('ascii')}"
    return PageFigure(
        name,
        title,
        caption,
        image,
        tuple((label, link) for label, link in links if (folder / link).is_file()),
    )


def read_caption(path: Path) -> tuple[str, str]:
    """Title and text of a caption.

    Raises:
        PageError: the file cannot be read, or is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8").strip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PageError(f"{path}: cannot be read: {one_line(error)}") from None
    if not lines:
        raise PageError(f"{path}: the file is empty; its first line is the title of the figure")
    return lines[0].rstrip("."), " ".join(line.strip() for line in lines[1:])
