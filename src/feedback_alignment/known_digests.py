"""Digests of large files that are known from an earlier call, as git's index knows them."""

import json
import os
from pathlib import Path

from feedback_alignment.files import sha256_of


class KnownDigests:
    """SHA-256 of files; a file of the same place, inode, length and time is not read again.

    Times only save work here: a file whose time has changed is read. The file in which digests are
    kept may be missing or damaged.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        try:
            self._known = dict(json.loads(store.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self._known = {}
        self._changed = False

    def __call__(self, path: Path) -> str:
        """SHA-256 (hex) of a file."""
        state = path.stat()
        key = [state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns]
        name = os.path.abspath(path)
        entry = self._known.get(name)
        if isinstance(entry, list) and entry[:-1] == key:
            return entry[-1]
        digest = sha256_of(path)
        self._known[name] = [*key, digest]
        self._changed = True
        return digest

    def save(self) -> None:
        """Keep what was learnt; without a place to write, the next call reads the files again."""
        if not self._changed:
            return
        temporary = self._store.with_name(f"{self._store.name}.{os.getpid()}")
        try:
            self._store.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self._known), encoding="utf-8")
            os.replace(temporary, self._store)
        except OSError:
            return
