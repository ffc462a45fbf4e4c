"""The manifest of artifacts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.store import Connection, Database
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
def database(where: Path | str) -> Iterator[Database]:
    """Return a database with artifacts at PATHS; the size is the place in the list."""
    opened = Database.open(where)
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


# Few and nasty names, so that paths meet: what sorts next to "/" and what patterns would take for wild cards.
NAMES = st.sampled_from(["a", "b", "a!", "a0", "%", "_", "\U0010ffff", "ß"])
PLACES = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


def _place_all(connection: Connection, paths: list[str]) -> set[str]:
    """Put an artifact at each path that is not blocked and return where artifacts stand."""
    placed = set[str]()
    for path in paths:
        if blocks_path(connection, path) is None:
            put_artifact(connection, Artifact(path, "digest", 1))
            placed.add(path)
    return placed


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(PLACES, max_size=12), PLACES)
def test_folders_of_any_names(database: Database, paths: list[str], folder: str) -> None:
    """Folders hold exactly what lies below them, whatever the names; nothing is both file and folder."""
    with database.write() as connection:
        remove_all(connection)
        placed = _place_all(connection, paths)
        found = artifacts_below(connection, folder)
        listed = {entry.name for entry in list_folder(connection, folder)}

    below = {path for path in placed if path.startswith(f"{folder}/")}
    assert {file.path for file in found} == below
    assert listed == {path.removeprefix(f"{folder}/").split("/")[0] for path in below}
    assert not any(other.startswith(f"{path}/") for path in placed for other in placed)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(PLACES, max_size=12), PLACES)
def test_removing_any_path(database: Database, paths: list[str], path: str) -> None:
    """Removing a path takes the file or folder of exactly that name."""
    with database.write() as connection:
        remove_all(connection)
        placed = _place_all(connection, paths)
        removed = remove_artifacts(connection, path)
        left = {file.path for file in artifacts_below(connection, "")}

    gone = {other for other in placed if other == path or other.startswith(f"{path}/")}
    assert (removed, left) == (len(gone), placed - gone)


def remove_all(connection: Connection) -> None:
    """Empty the manifest."""
    for entry in list_folder(connection, ""):
        remove_artifacts(connection, entry.name)


def test_every_row_is_a_file(database: Database) -> None:
    """The root holds all there is, so that a deletion of everything leaves an empty table."""
    with database.write() as connection:
        remove_all(connection)

        assert connection.execute("SELECT count(*) FROM artifact").fetchone()[0] == 0


def test_the_time_of_storing(database: Database) -> None:
    """A file that is replaced is as old as its last bytes."""
    with database.write() as connection:
        connection.execute("UPDATE artifact SET stored_at = 0")
        put_artifact(connection, Artifact("a", "new", 99))
        rows = connection.execute("SELECT path FROM artifact WHERE stored_at > 0").fetchall()

    assert [row["path"] for row in rows] == ["a"]
