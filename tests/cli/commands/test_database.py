"""`ropewalk database`: a project that ran with a file goes on with a server, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

FILES = {
    "ropewalk.yaml": "project: p\nsources:\n  rows: {kind: files, path: 'drops/*.csv'}\n",
    "drops/a.csv": "i\n1\n2\n",
    "tables/mart/one.sql": "SELECT i FROM raw.rows",
}


@pytest.fixture
def root(write_project, ropewalk) -> Path:
    """Return a project that was run once with its file."""
    root: Path = write_project(FILES)
    assert ropewalk("run", cwd=root).code == 0
    return root


@pytest.fixture
def url(database_server) -> Iterator[str]:
    """Return the URL, with its password, of a new database on a server."""
    with database_server.database("template0") as name:
        yield database_server.network_url(name)


def test_goes_on_where_it_was(root, url, ropewalk, ropewalk_process):
    """What was run with a file is fresh on the server, and again in the file after the way back."""
    there = ropewalk("database", "move", url, cwd=root)
    first = ropewalk_process("run", "--json", cwd=root, ROPEWALK_DATABASE_URL=url)
    back = ropewalk("database", "move", "file", "--json", cwd=root, ROPEWALK_DATABASE_URL=url)

    assert there.code == 0
    assert first.json["executed"] == 0
    assert back.json["tables"]["pipeline_run"]["rows"] == 2
    assert len(ropewalk("runs", "--json", cwd=root).json["runs"]) == 2


def test_says_what_is_next(root, url, ropewalk):
    """What is left to do is a setting, and the password is in no text."""
    said = ropewalk("database", "move", url, cwd=root)
    refused = ropewalk("status", cwd=root)

    assert "next: set ROPEWALK_DATABASE_URL" in said.out
    assert "RW323" in refused.err
    assert "s3cret-word" not in said.out + said.err + refused.err


def test_reopened(root, url, ropewalk):
    """Should the server be lost, the file is there as it was."""
    ropewalk("database", "move", url, cwd=root)

    said = ropewalk("database", "reopen", cwd=root)

    assert (said.code, ropewalk("status", cwd=root).code) == (0, 0)
    assert ropewalk("database", "reopen", "--json", cwd=root).json == {"was_moved_to": None}


@pytest.mark.parametrize("target", ["mysql://u@h/d", "nowhere"])
def test_no_database(root, ropewalk, target):
    """What is no address of a server is refused before anything is opened."""
    said = ropewalk("database", "move", target, cwd=root)

    assert said.code == 2
    assert "postgresql://" in said.err


def test_shared_lake_stays(root, url, ropewalk):
    """A lake whose catalogue would stay behind keeps the metadata where it is."""
    said = ropewalk("database", "move", url, cwd=root, ROPEWALK_STORAGE=str(root / "lake"))

    assert "before you share the lake" in said.err
    assert ropewalk("status", cwd=root).code == 0
