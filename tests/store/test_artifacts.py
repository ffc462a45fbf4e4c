"""The manifest of artifacts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ropewalk.store import Database
from ropewalk.store.artifacts import (
    Artifact,
    Entry,
    artifacts_below,
    blocks_path,
    find_artifact,
    list_folder,
    put_artifact,
    remove_artifacts,
)

PATHS = ["a", "b/c", "b/d/e", "b/d/f/g", "b!", "b0", "ba/x", "ü/ß", "b/%", "b/_"]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Return a database with artifacts at PATHS; the size is the place in the list."""
    opened = Database.open(tmp_path / "ropewalk.db")
    with opened.write() as connection:
        for size, path in enumerate(PATHS):
            put_artifact(connection, Artifact(path, f"digest of {path}", size))
    yield opened
    opened.close()


def test_find(database: Database) -> None:
    """A file is found by its exact path; a folder is no file."""
    with database.read() as connection:
        assert find_artifact(connection, "b/c") == Artifact("b/c", "digest of b/c", 1)
        assert find_artifact(connection, "b/d") is None
        assert find_artifact(connection, "B/c") is None


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        ("", ["a", "b!", "b0", "b/", "ba/", "ü/"]),
        ("b", ["%", "_", "c", "d/"]),
        ("b/d", ["e", "f/"]),
        ("ü", ["ß"]),
        ("a", []),
        ("none", []),
        ("b/%", []),
        ("_", []),
    ],
)
def test_list(database: Database, folder: str, names: list[str]) -> None:
    """A folder lists what is directly in it; names that are like it are not in it."""
    with database.read() as connection:
        found = list_folder(connection, folder)

    assert sorted(entry.name + "/" * entry.is_folder for entry in found) == sorted(names)


def test_sizes(database: Database) -> None:
    """Files have sizes, folders none."""
    with database.read() as connection:
        found = list_folder(connection, "b/d")

    assert found == [Entry("e", 2), Entry("f", None)]


def test_below(database: Database) -> None:
    """All files below a folder, at any depth."""
    with database.read() as connection:
        assert [file.path for file in artifacts_below(connection, "b")] == [
            "b/%",
            "b/_",
            "b/c",
            "b/d/e",
            "b/d/f/g",
        ]
        assert artifacts_below(connection, "a") == []


@pytest.mark.parametrize(
    ("path", "blocking"),
    [("a", None), ("new", None), ("b/new", None), ("a/x", "a"), ("a/x/y", "a"), ("b", "b"), ("b/d", "b/d")],
)
def test_blocking(database: Database, path: str, blocking: str | None) -> None:
    """A file may replace a file, and nothing may be a file and a folder."""
    with database.read() as connection:
        assert blocks_path(connection, path) == blocking


@pytest.mark.parametrize(("path", "removed"), [("a", 1), ("b", 5), ("b/d", 2), ("none", 0), ("%", 0)])
def test_remove(database: Database, path: str, removed: int) -> None:
    """A file or all below a folder goes, and nothing else."""
    with database.write() as connection:
        assert remove_artifacts(connection, path) == removed
        left = connection.execute("SELECT count(*) FROM artifact").fetchone()[0]

    assert left == len(PATHS) - removed


def test_replace(database: Database) -> None:
    """What is put at a path stands there instead of what stood there."""
    with database.write() as connection:
        put_artifact(connection, Artifact("a", "new", 99))
        assert find_artifact(connection, "a") == Artifact("a", "new", 99)
