"""What the first commands in a new project make, made once per test process: an empty metadata database, an empty lake.

Making them takes a hundred times as long as a copy, and most tests of a project begin with them. Both have tests of their
own, which take no copies: `tests/store/test_database.py`, `test_migration_load.py`, `tests/dataops/lake`.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from ropewalk.dataops.lake import Lake
from ropewalk.store import Database


def add_database(path: Path) -> None:
    """Write an empty metadata database with the newest schema at `path`, unless there is a file already."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_content())


def add_lake(folder: Path) -> None:
    """Write an empty lake in `folder`, unless there is one already."""
    if not folder.exists():
        (folder / "data").mkdir(parents=True)
        (folder / "catalog.sqlite").write_bytes(_catalog())


def add_state(folder: Path) -> None:
    """Write an empty metadata database and an empty lake in a project's state `folder`, where they are not there."""
    add_database(folder / "ropewalk.db")
    add_lake(folder / "lake")


@cache
def _catalog() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        with Lake(Path(folder)) as lake:
            lake.snapshot()
            lake.tables()
        return (Path(folder) / "catalog.sqlite").read_bytes()


@cache
def _content() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ropewalk.db"
        # Closing moves all of the log into the file.
        Database.open(path).close()
        return path.read_bytes()
