"""What documents say of settings, columns, sources and results: `python -m` this module.

Tables, and numbers of snapshots, stand between two marks in a document; the schema of a config is a
file of its own.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from feedback_alignment.config.content import ExperimentContent, When, json_schema
from feedback_alignment.errors import InputError
from feedback_alignment.files import write_text
from feedback_alignment.metrics.registry import METRICS
from feedback_alignment.settings import Settings, needs_of
from feedback_alignment.snapshots.values import filled
from feedback_alignment.sources import load_sources
from feedback_alignment.tables import COLUMNS, OTHERS

SCHEMA = "workflow/schemas/config.schema.json"
_MARKED = re.compile(r"(<!-- generated: ([a-z ]+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)
# Documents with tables, and with numbers of snapshots.
_TABLES = ("config/README.md", "results/README.md", "docs/protocol.md")
_NUMBERS = ("README.md", "docs/protocol.md", "docs/findings.md")
_KINDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "array": "list",
    "object": "keys",
    "null": "null",
}


def documents(root: Path) -> dict[str, str]:
    """The generated files, and the files with generated tables, as they should be.

    Returns:
        text by path below the project's root.

    Raises:
        InputError: a number is marked that no snapshot has; one line.
    """
    tables: dict[str, Callable[[], str]] = {
        "keys of a config": lambda: _keys(json_schema()),
        "keys of an experiment": lambda: _keys(ExperimentContent.model_json_schema()),
        "keys of when": lambda: _keys(When.model_json_schema()),
        "settings": lambda: _keys(Settings.model_json_schema(), effect=True),
        "columns": _columns,
        "metrics": _metrics,
        "sources": lambda: _sources(root / "config/sources.yaml"),
    }
    texts = {SCHEMA: json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"}
    for path in _TABLES:
        text = (root / path).read_text(encoding="utf-8")
        texts[path] = _MARKED.sub(lambda m: m[1] + tables[m[2]]() + m[3], text)
    for path in _NUMBERS:
        text = texts.get(path) or (root / path).read_text(encoding="utf-8")
        texts[path] = filled(text, root / "docs/results")
    return texts


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _keys(schema: Mapping[str, Any], effect: bool = False) -> str:
    """The keys of a schema, of settings with what gives them effect."""
    rows = []
    for name, entry in schema["properties"].items():
        row = [f"`{name}`", _values(entry), _default(entry), entry["description"]]
        rows.append([*row, _effect(name)] if effect else row)
    head = ["key", "values", "default", "meaning"]
    return _table([*head, "has effect"] if effect else head, rows)


def _effect(name: str) -> str:
    need = needs_of(name)
    return f"with {need}" if need else ""


def _columns() -> str:
    meanings = {name: field.description or "" for name, field in Settings.model_fields.items()}
    meanings |= {name: meaning for name, (_, meaning) in OTHERS.items()}
    return _table(("column", "meaning"), ((f"`{name}`", meanings[name]) for name in COLUMNS))


def _metrics() -> str:
    rows = (
        (f"`{m.name}`", m.meaning, m.layers, m.unit, f"{m.when}{'; derived' * m.derived}")
        for m in METRICS.values()
    )
    return _table(("metric", "meaning", "layers", "unit", "in runs with"), rows)


def _sources(path: Path) -> str:
    rows = (
        (_names(e.settings), _names(e.experiments) or "all", e.value, e.source, e.note)
        for e in load_sources(path)
    )
    return _table(("settings", "experiments", "value of the paper", "source", "note"), rows)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _values(entry: Mapping[str, Any]) -> str:
    if "enum" in entry:
        return f"one of {_names(entry['enum'])}"
    options = entry.get("anyOf", [entry])
    text = " or ".join(_KINDS[option.get("type", "object")] for option in options)
    for bound, words in (
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
    ):
        limits = [{**entry, **option}.get(bound) for option in options]
        limit = next((limit for limit in limits if limit is not None), None)
        # The largest numbers only keep counters from overflowing.
        if limit is not None and not (bound == "maximum" and limit > 1000):
            text += f", {words} {limit:g}"
    return text


def _default(entry: Mapping[str, Any]) -> str:
    if "default" not in entry:
        return "required"
    value = entry["default"]
    return f"`{value:g}`" if isinstance(value, float) else f"`{json.dumps(value)}`"


def main() -> None:
    """Write the documents anew, and say which have changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="the project's root")
    root = parser.parse_args().root
    try:
        texts = documents(root)
    except InputError as error:
        sys.exit(f"error: {error}")
    for path, text in texts.items():
        file = root / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            write_text(file, text)
            print(f"{path}: written")


if __name__ == "__main__":
    main()
