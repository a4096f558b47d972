"""Rows of text files: read, and refused in one line where a cell does not fit."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from feedback_alignment.errors import InputError, one_line, shown


@dataclass(frozen=True)
class Row:
    """A row of a file.

    Attributes:
        place: file and line, with which a message starts.
        cells: text by column.
    """

    place: str
    cells: Mapping[str, str]

    def number(self, column: str, least: float = -math.inf) -> float:
        """A finite number, `least` or more."""
        try:
            value = float(self.cells[column])
        except ValueError:
            value = math.nan
        if math.isfinite(value) and value >= least:
            return value
        bound = f", {least:g} or more" if math.isfinite(least) else ""
        raise self.error(column, f"a finite number{bound}")

    def whole(self, column: str, least: int = 0) -> int:
        """A whole number, `least` or more, in decimal digits."""
        text = self.cells[column]
        if text.isascii() and text.isdigit() and len(text) <= 15 and int(text) >= least:
            return int(text)
        raise self.error(column, f"a whole number, {least} or more")

    def text(self, column: str) -> str:
        """Text that is not empty."""
        if self.cells[column]:
            return self.cells[column]
        raise self.error(column, "text that is not empty")

    def error(self, column: str, allowed: str) -> InputError:
        """The error that a cell is not what is allowed."""
        found = shown(self.cells[column])
        return InputError(f"{self.place}: {column}: {found} is not allowed; allowed: {allowed}")


def read_lines(path: Path) -> list[tuple[str, str]]:
    """Place (file and line, with which a message starts) and text of each line of a file.

    Raises:
        InputError: the file is missing or unreadable; one line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {one_line(error)}") from None
    return [(f"{path}: line {i}", line) for i, line in enumerate(text.split("\n"), 1) if line]


def read_rows(path: Path, needed: Iterable[str]) -> list[Row]:
    """Read the rows, one or more, of a CSV file without quotes; its first line names the columns.

    Those that are needed must be among them.

    Raises:
        InputError: it is missing, unreadable or no such table; one line with file, line and column.
    """
    lines = [(place, line.split(",")) for place, line in read_lines(path)]
    place, columns = lines[0] if lines else (f"{path}: line 1", [])
    for column in needed:
        if column not in columns:
            there = ", ".join(columns) or "none"
            raise InputError(f'{place}: the column "{column}" is missing; there are: {there}')
    for column in columns:
        if columns.count(column) > 1:
            raise InputError(f'{place}: the column "{column}" stands twice; keep one')
    if len(lines) == 1:
        raise InputError(f"{path}: there are no rows below the names of the columns")
    for place, cells in lines[1:]:
        if len(cells) < len(columns):
            raise InputError(f"{place}: {columns[len(cells)]}: missing")
        if len(cells) > len(columns):
            raise InputError(f"{place}: {len(cells)} cells, but {len(columns)} columns")
    return [Row(place, dict(zip(columns, cells, strict=True))) for place, cells in lines[1:]]
