"""Numbers of documents, taken from snapshots: `<!-- value: REFERENCE -->number<!-- end -->`.

A reference is a file below `docs/results/`, conditions, and what is shown, apart by semicolons:
`paper/claims.csv; claim=song.mnist; statistic~accuracy; estimate .3f`. Conditions choose rows of
the file: `=` the whole cell, `~` a part of it. Shown is the cell of the one row that is left, as it
stands or by a format of Python; or `rows`, the number of rows that are left.
"""

import re
from pathlib import Path

from feedback_alignment.errors import InputError
from feedback_alignment.snapshots.reading import read_cells

MARKED = re.compile(r"(<!-- value: (.+?) -->).*?(<!-- end -->)", flags=re.DOTALL)
_CONDITION = re.compile(r"(\w+)([=~])(.*)", flags=re.DOTALL)


def filled(text: str, snapshots: Path) -> str:
    """A document with the numbers of a folder of snapshots in its marked places.

    Raises:
        InputError: a reference leads to no number, or to several; one line.
    """
    return MARKED.sub(lambda mark: mark[1] + value(mark[2], snapshots) + mark[3], text)


def value(reference: str, snapshots: Path) -> str:
    """The number that a reference leads to in a folder of snapshots, as text.

    Raises:
        InputError: it leads to no number, or to several; one line.
    """
    file, *conditions, shown = (part.strip() for part in reference.split(";"))
    column, _, form = shown.partition(" ")
    try:
        rows = read_cells(snapshots / file)
        for condition in conditions:
            rows = _chosen(rows, condition)
        return str(len(rows)) if column == "rows" else _shown(rows, column, form)
    except InputError as error:
        raise InputError(f"value: {reference}: {error}") from None


def _chosen(rows: list[dict[str, str]], condition: str) -> list[dict[str, str]]:
    found = _CONDITION.fullmatch(condition)
    if not found:
        raise InputError(f'"{condition}": allowed: column=cell, or column~part of a cell')
    name, sign, text = found.groups()
    _check(name, rows)
    return [row for row in rows if text == row[name] or (sign == "~" and text in row[name])]


def _shown(rows: list[dict[str, str]], column: str, form: str) -> str:
    if len(rows) != 1:
        raise InputError(f"{len(rows)} rows are left; allowed: one")
    _check(column, rows)
    cell = rows[0][column]
    try:
        return format(float(cell), form) if form else cell
    except ValueError:
        raise InputError(f'"{form}" is no format of "{cell}"') from None


def _check(column: str, rows: list[dict[str, str]]) -> None:
    if rows and column not in rows[0]:
        raise InputError(f'there is no column "{column}"; allowed: {", ".join(rows[0])}')
