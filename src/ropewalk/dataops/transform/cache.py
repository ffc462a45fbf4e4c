"""What was parsed before, by content: planning reads a file again only when its bytes have changed.

The cache is one file of the state folder. Losing it costs time and nothing else, so that a file that cannot be
read, or was written by another version, counts as empty, and one that cannot be written is left.
"""

from __future__ import annotations

import importlib.metadata
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import msgspec
from blake3 import blake3

from ropewalk.dataops.transform.values import ParsedSQL

FILE = "parsed.json"


@dataclass
class _Content:
    """What the file holds: results by digest of what they were read from."""

    version: str = ""
    sql: dict[str, ParsedSQL] = field(default_factory=dict)


class ParseCache:
    """Parsed SQL, kept for the next plan where there is a state folder to keep them in.

    Args:
        folder: the state folder; when it does not exist, nothing is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._known = _load(self._path)
        self._used = _Content(_version())

    def sql(self, text: str, path: str) -> ParsedSQL:
        """Return what the SQL `text` of the file at `path` says.

        Raises:
            InvalidSQL, FileInSQL: as `parse_sql` does; errors are not kept.
        """
        digest = blake3(text.encode()).hexdigest()
        found = self._known.sql.get(digest) or _parse(text, path)
        self._used.sql[digest] = found
        return found

    def save(self) -> None:
        """Keep what was used since the cache was opened, and forget the rest."""
        if self._used == self._known or not self._path.parent.is_dir():
            return
        with suppress(OSError):
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=FILE)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(msgspec.json.encode(self._used))
            # Two plans at once each write a whole file; the last one stays.
            Path(name).replace(self._path)


def _load(path: Path) -> _Content:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Content)
    except (OSError, msgspec.MsgspecError):
        return _Content()
    return found if found.version == _version() else _Content()


def _parse(text: str, path: str) -> ParsedSQL:
    # sqlglot takes longer to import than a project of unchanged files takes to plan.
    from ropewalk.dataops.transform.parse import parse_sql  # see above

    return parse_sql(text, path)


@cache
def _version() -> str:
    """Return what decides how files are read: the parsers' versions, and our own code around them."""
    # Our own code counts by its bytes, so that no one has to remember to raise a number.
    code = blake3()
    for module in sorted(Path(__file__).parent.glob("*.py")):
        code.update(module.read_bytes())
    versions = [importlib.metadata.version(name) for name in ("duckdb", "sqlglot")]
    return " ".join([*versions, code.hexdigest()[:16]])
