"""The figures of the page: image, caption and links of each."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from feedback_alignment.errors import InputError, one_line

# The files of a figure, below the folder of the page.
_FILES = {
    "SVG": "figures/{}.svg",
    "PDF": "figures/{}.pdf",
    "PNG": "figures/{}.png",
    "notebook": "notebooks/{}.ipynb",
    "notebook as a page": "notebooks/{}.html",
}


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
    """Gather the figures of a page; arguments are as of :func:`write_page`.

    Raises:
        InputError: a figure has no SVG, or its caption cannot be used.
    """
    files = {path.stem: path for path in captions}
    found = []
    for name in names:
        image = _FILES["SVG"].format(name)
        if not (folder / image).is_file():
            raise InputError(f"{folder / image}: there is no such figure")
        title, caption = read_caption(files[name]) if name in files else (name, "")
        links = ((label, file.format(name)) for label, file in _FILES.items())
        links = tuple((label, link) for label, link in links if (folder / link).is_file())
        if not linked:
            content = base64.b64encode((folder / image).read_bytes()).decode("ascii")
            image = f"data:image/svg+xml;base64,{content}"
        found.append(PageFigure(name, title, caption, image, links))
    return found


def read_caption(path: Path) -> tuple[str, str]:
    """Title and text of a caption.

    Raises:
        InputError: the file cannot be read, or is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8").strip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {one_line(error)}") from None
    if not lines:
        raise InputError(f"{path}: the file is empty; its first line is the title of the figure")
    return lines[0].rstrip("."), " ".join(line.strip() for line in lines[1:])
