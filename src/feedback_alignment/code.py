"""The code behind a job: its script and all that it imports, as a digest and as a copy.

Imports are found in the syntax tree, at the top of a module or within a function, but for those
under `TYPE_CHECKING`. A module that only its registry finds, by name, is no import: a job names
those that it needs. Digests are of content as meant: Python by its syntax tree, notebooks by the
source of their cells, other text with line ends normalised.
"""

import ast
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from feedback_alignment.errors import ConfigError

PACKAGE = "feedback_alignment"
# What reads published values imports the module `published`, and has these.
PUBLISHED = "resources/published/*.csv"
# What parsing Python or a notebook raises where a file is neither.
_MISUNDERSTOOD = (ValueError, SyntaxError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class _Source:
    """A file as meant: the bytes that count, those that are copied, and what it imports."""

    meaning: bytes
    copied: bytes
    imports: tuple[tuple[int, str], ...]  # level of a relative import, dotted name


@dataclass(frozen=True)
class Code:
    """The files behind a job, by place in the copy.

    The script lies beside the package there, so that Python finds it without being told where.
    """

    files: tuple[tuple[str, _Source], ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the files as meant."""
        digest = hashlib.sha256()
        for place, source in self.files:
            digest.update(hashlib.sha256(place.encode()).digest())
            digest.update(hashlib.sha256(source.meaning).digest())
        return digest.hexdigest()

    def copy(self, folder: Path) -> None:
        """Write the files to `<folder>/<digest>`, whole or not at all, unless they are there."""
        target = folder / self.digest
        if all((target / place).is_file() for place, _ in self.files):
            return
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as work:
            new = Path(work) / "code"
            for place, source in self.files:
                (new / place).parent.mkdir(parents=True, exist_ok=True)
                (new / place).write_bytes(source.copied)
            try:
                new.rename(target)
            except OSError:
                # Another call was faster, or somebody removed files of the copy.
                shutil.copytree(new, target, dirs_exist_ok=True)


class Tree:
    """The files below the project's folder, as jobs read them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._library = root / "src" / PACKAGE
        self._sources: dict[Path, _Source] = {}
        self._found: dict[tuple, Code] = {}
        self._edges: dict[Path, set[Path]] = {}

    def code(self, script: str, modules: Iterable[str] = (), files: Iterable[str] = ()) -> Code:
        """The code behind a job.

        Args:
            script: the script, relative to the project's folder.
            modules: dotted names of modules that a registry finds by name.
            files: further files that the job reads, relative to the project's folder; what a
                notebook among them imports counts too.

        Raises:
            ConfigError: a file is missing or not what its name says.
        """
        key = (script, tuple(sorted(set(modules))), tuple(sorted(set(files))))
        if key not in self._found:
            self._found[key] = self._collect(*key)
        return self._found[key]

    def source(self, path: Path) -> _Source:
        """A file as meant."""
        if path not in self._sources:
            place = path.relative_to(self._root).as_posix()
            try:
                self._sources[path] = _understood(path.read_bytes(), path.suffix)
            except OSError as error:
                raise ConfigError(f"{place}: cannot be read: {error.strerror}") from None
            except _MISUNDERSTOOD as error:
                kind = "a Jupyter notebook" if path.suffix == ".ipynb" else "Python"
                raise ConfigError(f"{place}: it is not {kind}: {error}") from None
        return self._sources[path]

    def _collect(self, script: str, modules: tuple[str, ...], files: tuple[str, ...]) -> Code:
        places = {Path(script).name: self._root / script}
        places |= {name: self._root / name for name in files}
        left = list(places.values())
        for module in modules:
            left += self._files_of(module)
        found = set(left)
        while left:
            new = self._imported(left.pop()) - found
            found |= new
            left += new
        inside = {path for path in found if path.is_relative_to(self._library)}
        for package in [path for path in inside if path.name == "__init__.py"]:
            inside.update(_data_files(package.parent))
        places |= {path.relative_to(self._root / "src").as_posix(): path for path in inside}
        if self._library / "published.py" in inside:
            tables = self._root.glob(PUBLISHED)
            places |= {path.relative_to(self._root).as_posix(): path for path in tables}
        return Code(tuple((place, self.source(path)) for place, path in sorted(places.items())))

    def _imported(self, path: Path) -> set[Path]:
        """The library's files that importing all that a file imports runs."""
        if path not in self._edges:
            inside = path.is_relative_to(self._root / "src")
            package = path.relative_to(self._root / "src").parts[:-1] if inside else ()
            files: set[Path] = set()
            for level, name in self.source(path).imports:
                parts = [*package[: len(package) - level + 1], name] if level else [name]
                files.update(self._files_of(".".join(filter(None, parts))))
            self._edges[path] = files
        return self._edges[path]

    def _files_of(self, module: str) -> list[Path]:
        """The files that importing a dotted name runs: those of its packages, and its own."""
        parts = module.split(".")
        if parts[0] != PACKAGE:
            return []
        folders = [self._root / "src" / Path(*parts[: i + 1]) for i in range(len(parts))]
        files = [folder / "__init__.py" for folder in folders]
        files.append(folders[-1].with_suffix(".py"))
        return [file for file in files if file.is_file()]


def _data_files(folder: Path) -> Iterator[Path]:
    """What a package has besides Python: templates, style sheets, also in folders of their own."""
    for path in sorted(folder.iterdir()):
        # What editors and type checkers leave or look for decides nothing.
        if path.name.startswith((".", "_")) or path.name.endswith("~") or path.suffix == ".typed":
            continue
        if path.is_dir() and not (path / "__init__.py").exists():
            yield from _data_files(path)
        elif path.is_file() and path.suffix not in (".py", ".pyc"):
            yield path


@lru_cache(maxsize=4096)
def _understood(content: bytes, suffix: str) -> _Source:
    if suffix == ".py":
        tree = ast.parse(content)
        return _Source(_shape(tree).encode(), content, tuple(_imports(tree)))
    if suffix == ".ipynb":
        return _notebook(content)
    try:
        meaning = content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n").encode()
    except UnicodeDecodeError:
        meaning = content
    return _Source(meaning, meaning, ())


def _notebook(content: bytes) -> _Source:
    """A notebook without what running it leaves: outputs, counts, and ids and times of cells."""
    notebook = json.loads(content.decode("utf-8"))
    cells, imports = [], []
    for number, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"]).replace("\r\n", "\n")
        kept: dict[str, Any] = {
            "cell_type": cell["cell_type"],
            "id": f"cell-{number:02d}",
            "metadata": {"tags": cell["metadata"]["tags"]} if cell["metadata"].get("tags") else {},
            "source": source,
        }
        if cell["cell_type"] == "code":
            kept |= {"execution_count": None, "outputs": []}
            imports += _imports_of_cell(source)
        cells.append(kept)
    own = notebook["metadata"].get(PACKAGE)
    whole = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            **({PACKAGE: own} if own else {}),
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    meaning = json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True).encode() + b"\n"
    return _Source(meaning, meaning, tuple(imports))


def _imports_of_cell(source: str) -> Iterator[tuple[int, str]]:
    # IPython's own lines are no Python; a cell that is none at all fails when it runs.
    lines = [
        "" if line.lstrip().startswith(("%", "!", "?")) else line for line in source.split("\n")
    ]
    try:
        yield from _imports(ast.parse("\n".join(lines)))
    except SyntaxError:
        return


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Level and dotted name of everything imported; a name may be a module or within one."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield node.level, module
            for alias in node.names:
                yield node.level, f"{module}.{alias.name}" if module else alias.name
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            left += node.orelse
        else:
            # No expression holds a statement.
            left += [n for n in ast.iter_child_nodes(node) if not isinstance(n, ast.expr)]


def _shape(node: Any) -> str:
    """A syntax tree as text: like `ast.dump`, but the same in all versions of Python."""
    if isinstance(node, ast.AST):
        fields = ((name, getattr(node, name, None)) for name in node._fields)
        shown = [f"{n}={_shape(v)}" for n, v in fields if v is not None and v != []]
        return f"{type(node).__name__}({','.join(shown)})"
    if isinstance(node, list):
        return f"[{','.join(map(_shape, node))}]"
    return repr(node)
