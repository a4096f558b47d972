"""Read what the pipeline wrote into a results folder or a snapshot."""

import csv
import json
from pathlib import Path
from typing import Any

from feedback_alignment.errors import InputError


def read_json(path: Path, *keys: str) -> dict[str, Any]:
    """Read a file of keys and values that the pipeline wrote.

    Raises:
        InputError: it cannot be read, or lacks one of the keys; one line.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{path}: damaged; it is no JSON") from None
    for key in keys:
        if not isinstance(content, dict) or key not in content:
            raise InputError(f'{path}: damaged; it has no "{key}"')
    return content


def read_cells(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, as text by column.

    Raises:
        InputError: it cannot be read, or a row has not the columns of the first line; one line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            columns, *rows = csv.reader(file, strict=True)
            return [dict(zip(columns, row, strict=True)) for row in rows]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, csv.Error):
        raise InputError(f"{path}: damaged; it is no table") from None
