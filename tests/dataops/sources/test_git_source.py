"""Git repositories: commits, files, authors and tags, by what is new, with nothing in them ever executed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.sources.git_rows import read_commits, read_files
from ropewalk.pipeline import Status

Git = Callable[..., str]
CLEAN = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
NAMED = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return an empty repository beside the project."""
    folder = tmp_path / "repository"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True, env=CLEAN)
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git there."""
    done = subprocess.run(
        ["git", "-C", folder, *NAMED, *arguments], check=True, capture_output=True, env=CLEAN
    )
    return done.stdout.decode().strip()


def commit(folder: Path, message: str, **files: bytes) -> str:
    """Commit files (dots written as `_`); return the commit."""
    for name, content in (files or {"file": message.encode()}).items():
        (folder / name).write_bytes(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def declare(project, table: str, more: str = ""):
    return project.declare(f"{{kind: git, path: ../repository, table: {table}{more}}}")


def test_commits(project, repository: Path) -> None:
    """With parents, people, times and both parts of the message."""
    first = commit(repository, "Begin\n\nWith a reason.\nAnd another.")
    second = commit(repository, "Go on")

    declare(project, "commits").load()

    columns = "commit_id, parents, author_name, committer_email, subject, body"
    assert sorted(project.rows(f"SELECT {columns}")) == sorted(
        [
            (first, [], "Ann", "ann@example.com", "Begin", "With a reason.\nAnd another."),
            (second, [first], "Ann", "ann@example.com", "Go on", ""),
        ]
    )
    assert project.types()["authored_at"] == "TIMESTAMP WITH TIME ZONE"


def test_files(project, repository: Path) -> None:
    """Lines added and deleted, renames, binary files, and names as odd as Git takes them."""
    commit(repository, "one", a=b"1\n2\n", image=b"\0\1")
    git(repository, "mv", "a", "b")
    Path(os.fsdecode(bytes(repository) + b"/\xff\n\tx")).write_bytes(b"1\n")
    commit(repository, "two", image=b"\0\2")

    declare(project, "files").load()

    assert project.rows("SELECT path, old_path, lines_added, lines_deleted") == [
        ("\\xff\n\tx", None, 1, 0),
        ("a", None, 2, 0),
        ("b", "a", 0, 0),
        ("image", None, None, None),
        ("image", None, None, None),
    ]


def test_one_entry_makes_a_table_for_each(project, repository: Path) -> None:
    """All four, unless some are named."""
    commit(repository, "one")
    from ropewalk.pipeline import declare_graph

    project.declare("{kind: git, path: ../repository}")
    nodes = set(declare_graph(project.workspace.project, project.kinds).nodes)

    assert nodes == {f"source:things_{table}" for table in ("commits", "files", "authors", "tags")}


def test_only_new_commits_are_read(project, repository: Path) -> None:
    """A second run does nothing, and after a commit one row is added."""
    commit(repository, "one")
    declare(project, "commits").load()

    assert project.plan().status is Status.FRESH
    commit(repository, "two")

    assert project.load().summary == {"rows": 2, "added": 1}
    assert project.is_hit()


def test_rewritten_history_is_loaded_anew(project, repository: Path) -> None:
    """What is no part of the history any more is gone from the table."""
    commit(repository, "one")
    commit(repository, "two")
    declare(project, "commits").load()

    git(repository, "commit", "--quiet", "--amend", "--message", "two, better")
    project.load()

    assert project.rows("SELECT subject") == [("one",), ("two, better",)]


def test_the_mailmap_names_authors(project, repository: Path) -> None:
    """A new one names those anew who were loaded before."""
    commit(repository, "one")
    declare(project, "authors").load()
    commit(repository, "two", **{".mailmap": b"Ann Onym <a@b.c> <ann@example.com>\n"})

    project.load()

    assert project.rows("SELECT name, email, commits") == [("Ann Onym", "a@b.c", 2)]


def test_a_new_mailmap_reloads_commits(project, repository: Path) -> None:
    """Old commits have the new name too."""
    commit(repository, "one")
    declare(project, "commits").load()
    commit(repository, "two", **{".mailmap": b"Ann Onym <a@b.c> <ann@example.com>\n"})

    project.load()

    assert project.rows("SELECT DISTINCT author_name") == [("Ann Onym",)]


def test_tags(project, repository: Path) -> None:
    """Plain and annotated ones, at the commit they are of; a moved one is seen."""
    first = commit(repository, "one")
    git(repository, "tag", "plain")
    git(repository, "tag", "--annotate", "v1", "--message", "First release")
    columns = "SELECT tag, commit_id, is_annotated, tagger_name, subject"
    declare(project, "tags").load()

    assert project.rows(columns) == [
        ("plain", first, False, None, "one"),
        ("v1", first, True, "Ann", "First release"),
    ]

    second = commit(repository, "two")
    git(repository, "tag", "--force", "plain")
    project.load()

    assert project.rows(columns)[0] == ("plain", second, False, None, "two")


@pytest.mark.parametrize("table", ["commits", "files", "authors", "tags"])
def test_an_empty_repository(project, repository: Path, table: str) -> None:
    """Its tables have columns and no rows, until somebody commits."""
    declare(project, table).load()

    assert project.rows("SELECT count(*)") == [(0,)]
    assert len(project.types()) > 4
    commit(repository, "one")
    git(repository, "tag", "t")
    assert project.load().summary["rows"] == 1


def test_a_shallow_clone_that_is_deepened(project, repository: Path, tmp_path: Path) -> None:
    """The old commits, which are no news to the newest, are loaded."""
    for message in ("one", "two", "three"):
        commit(repository, message)
    clone = tmp_path / "clone"
    git(repository, "clone", "--quiet", "--depth=1", repository.as_uri(), str(clone))
    project.declare("{kind: git, path: ../clone, table: commits}").load()
    assert project.rows("SELECT subject") == [("three",)]

    git(clone, "fetch", "--quiet", "--unshallow")
    project.load()

    assert project.rows("SELECT count(*)") == [(3,)]


def test_nothing_of_a_repository_is_executed(project, repository: Path, tmp_path: Path) -> None:
    """Hooks, pagers, watchers, signature checkers, converters and external diffs of a hostile repository stay quiet."""
    commit(repository, "one", **{".gitattributes": b"* diff=evil\n", "a": b"1"})
    program, trace = tmp_path / "evil", tmp_path / "trace"
    program.write_text(f"#!/bin/sh\necho executed >> {trace}\n")
    program.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "gpg.program",
        "filter.evil.clean",
    ):
        git(repository, "config", key, str(program))
    git(repository, "config", "log.showSignature", "true")

    for table in ("commits", "files", "authors", "tags"):
        declare(project, table).load()

    assert not trace.exists()


def test_messages_that_are_not_utf_8(project, repository: Path) -> None:
    """What is said to be in another encoding is read in it."""
    (repository / "message").write_bytes("Grüße".encode("latin-1"))
    (repository / "file").write_text("1")
    git(repository, "add", "file")
    git(repository, "-c", "i18n.commitEncoding=latin-1", "commit", "--quiet", "--file", "message")

    declare(project, "commits").load()

    assert project.rows("SELECT subject") == [("Grüße",)]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("path: ../nowhere, table: commits", "RW226"),
        ("path: ../repository, table: commits, ref: nothing", "RW125"),
        ("path: ../repository, table: commits, ref: --output=x", "RW125"),
    ],
)
def test_what_is_not_there(project, repository: Path, entry: str, code: str) -> None:
    """A missing repository, a missing ref, and one that looks like an option."""
    commit(repository, "one")

    assert project.declare(f"{{kind: git, {entry}}}").fail().code == code
    assert not (project.root / "x").exists()


@pytest.mark.parametrize("option", ["key: [commit_id]", "write: append", "table: stashes", "tables: []"])
def test_options_that_a_repository_does_not_take(project, option: str) -> None:
    """It knows itself what is new."""
    from ropewalk.errors import InvalidInput

    project.declare(f"{{kind: git, {option}}}")

    with pytest.raises(InvalidInput):
        project.workspace  # noqa: B018  # reading the declaration is what fails


NAMES = st.binary(min_size=1, max_size=12).filter(lambda name: b"\0" not in name)


class Printed:
    """Bytes that are read in small pieces."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self, _size: int) -> bytes:
        piece, self.content = self.content[:3], self.content[3:]
        return piece


@settings(max_examples=60)
@given(st.lists(st.tuples(NAMES, st.none() | NAMES, st.none() | st.integers(0, 99)), max_size=4))
def test_whatever_names_files_have(changes: list[tuple[bytes, bytes | None, int | None]]) -> None:
    """Each change is one row, with names that hold newlines, tabs and bytes of no encoding."""
    head = b"a" * 40
    printed = head + b"\0\n"
    for path, old, count in changes:
        number = b"-" if count is None else str(count).encode()
        names = path if old is None else b"\0" + old + b"\0" + path
        printed += number + b"\t" + number + b"\t" + names + b"\0"

    found = list(read_files(Printed(printed)))

    assert [row["lines_added"] for row in found] == [count for _, _, count in changes]
    assert [row["path"] for row in found] == [
        name.decode("utf-8", "backslashreplace") for name, _, _ in changes
    ]


def test_a_record_that_breaks_off() -> None:
    """A git that dies half-way is no end of the history."""
    from ropewalk.dataops.sources.errors import ProgramGarbled

    with pytest.raises(ProgramGarbled):
        list(read_commits(Printed(b"a" * 40 + b"\0\0Ann\0")))
    with pytest.raises(ProgramGarbled):
        list(read_files(Printed(b"warning: something\0")))
