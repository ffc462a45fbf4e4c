"""What was told of tables before, by content: SQL is read again only when it, or what it reads, has changed.

The cache is one file of the state folder. Losing it costs time and nothing else.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import msgspec
from blake3 import blake3

from ropewalk.dataops.columns.values import TableLineage

FILE = "columns.json"
# What other branches read stays for when they are checked out again, within reason.
MOST = 20_000


@dataclass
class _Content:
    """What the file holds: lineage by digest of what it was read from, columns by `table@snapshot`."""

    version: str = ""
    lineage: dict[str, TableLineage] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)


class ColumnCache:
    """The lineage of tables and the columns of snapshots, kept in the state `folder`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._content = _load(self._path)
        self._has_news = False

    def lineage(self, digest: str) -> TableLineage | None:
        """Return what was read from the content of that digest."""
        return self._content.lineage.get(digest)

    def keep(self, digest: str, found: TableLineage) -> None:
        """Remember what was read from the content of that digest."""
        self._content.lineage[digest] = found
        self._has_news = True

    def columns(self, table: str, snapshot: int) -> tuple[str, ...] | None:
        """Return the columns that the table had at the snapshot, if they were looked at before."""
        found = self._content.columns.get(f"{table}@{snapshot}")
        return None if found is None else tuple(found)

    def keep_columns(self, table: str, snapshot: int, columns: tuple[str, ...]) -> None:
        """Remember the columns of a table at a snapshot, which never change."""
        self._content.columns[f"{table}@{snapshot}"] = list(columns)
        self._has_news = True

    def save(self) -> None:
        """Write what is new; a folder that cannot be written to is left as it is."""
        if not self._has_news:
            return
        for kept in (self._content.lineage, self._content.columns):
            for oldest in list(kept)[: max(len(kept) - MOST, 0)]:
                kept.pop(oldest)
        with suppress(OSError):
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=FILE)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(msgspec.json.encode(self._content))
            # Two processes at once each write a whole file; the last one stays.
            Path(name).replace(self._path)
        self._has_news = False


def content_digest(*parts: object) -> str:
    """Return the digest of what one table's lineage is read from."""
    return blake3(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def _load(path: Path) -> _Content:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Content)
    except (OSError, msgspec.MsgspecError):
        return _Content(_version())
    return found if found.version == _version() else _Content(_version())


@cache
def _version() -> str:
    """Return what decides how SQL is read: the parser's version and the bytes of this room's code."""
    code = blake3()
    for module in sorted(Path(__file__).parent.glob("*.py")):
        code.update(module.read_bytes())
    return f"{importlib.metadata.version('sqlglot')} {code.hexdigest()[:16]}"
