"""What git prints, read as bytes: rows, and outputs that break off."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from ropewalk.dataops.sources.errors import ProgramGarbled
from ropewalk.dataops.sources.git_rows import read_authors, read_commits, read_files, read_tags, write_rows

ID = "a" * 40


def commit(number: int, email: str = "a@x", at: str = "2013-01-01T00:00:00+00:00", name: str = "A") -> bytes:
    """Return what git prints of one commit."""
    fields = [f"{number:040x}", "", name, email, at, name, email, at, f"subject {number}", "body\n\n"]
    return b"".join(field.encode() + b"\0" for field in fields)


def test_commits() -> None:
    """A merge has two parents, the first commit none; line ends after the body go."""
    merge = commit(2).replace(b"\0\0A", b"\0" + f"{ID} {'b' * 40}".encode() + b"\0A", 1)

    rows = list(read_commits(io.BytesIO(merge + commit(1))))

    assert [row["parents"] for row in rows] == [[ID, "b" * 40], []]
    assert [row["subject"] for row in rows] == ["subject 2", "subject 1"]
    assert rows[0]["body"] == "body"


def test_bytes_that_are_not_utf_8() -> None:
    """A name is shown with replacement characters; two paths never become one."""
    row = next(read_commits(io.BytesIO(commit(1, name="A").replace(b"\0A\0", b"\0\xff\0"))))
    files = list(read_files(io.BytesIO(ID.encode() + b"\0\n1\t1\t\xff\0" + b"1\t1\t\xfe\0")))

    assert row["author_name"] == "\ufffd"
    assert [file["path"] for file in files] == ["\\xff", "\\xfe"]


def test_files_of_commits() -> None:
    """Binary files have no counts, renamed ones an old path, and a commit without files no row."""
    output = (
        f"{'b' * 40}\0{ID}\0".encode()
        + b"\n3\t1\ta b\0"
        + b"-\t-\tlogo\0"
        + b"0\t0\t\0old\tname\0new\nname\0"
    )

    rows = [tuple(row.values()) for row in read_files(io.BytesIO(output))]

    assert rows == [
        (ID, "a b", None, 3, 1),
        (ID, "logo", None, None, None),
        (ID, "new\nname", "old\tname", 0, 0),
    ]


@pytest.mark.parametrize("rest", [b"0\t0\t\0old\0", b"0\t0\t\0", b"0\t0\t"])
def test_a_rename_that_breaks_off(rest: bytes) -> None:
    """Half a rename is told of, and is no file."""
    with pytest.raises(ProgramGarbled, match="in the middle of a record") as caught:
        list(read_files(io.BytesIO(ID.encode() + b"\0" + rest)))

    assert caught.value.hint == "check the repository: `git fsck`"


@pytest.mark.parametrize("output", [b"nonsense\0", b"1\t1\0", b"x\t1\tpath\0", b"abc123\0"])
def test_what_is_no_change_of_a_file(output: bytes) -> None:
    """The error shows what git printed."""
    with pytest.raises(ProgramGarbled, match="no change of a file") as caught:
        list(read_files(io.BytesIO(output)))

    assert repr(output.rstrip(b"\0")) in caught.value.message


@pytest.mark.parametrize("reader", [read_commits, read_files, read_authors, read_tags])
@pytest.mark.parametrize("output", [b"", b"\n", b"\n\n"])
def test_nothing_printed(reader, output: bytes) -> None:
    """An empty history has no rows."""
    assert list(reader(io.BytesIO(output))) == []


def test_authors() -> None:
    """By address whatever its case; the newest name; first and last as moments, not as texts."""
    early, late = "2013-01-01T23:00:00-05:00", "2013-01-02T03:00:00+00:00"
    output = commit(2, "B@x", late, "New") + commit(1, "b@X", early, "Old") + commit(0, "a@x")

    rows = list(read_authors(io.BytesIO(output)))

    assert [(row["email"], row["name"], row["commits"]) for row in rows] == [
        ("a@x", "A", 1),
        ("b@x", "New", 2),
    ]
    assert (rows[1]["first_at"], rows[1]["last_at"]) == (late, early)


def test_tags() -> None:
    """An annotated tag stands for the commit behind it; a light one has no tagger."""
    light = ["v1", ID, "", "commit", "", "", "2013-01-01T00:00:00Z", "first"]
    noted = ["v2", "c" * 40, ID, "tag", "A", "a@x", "", "second"]
    output = "\n".join("".join(f"{field}\0" for field in fields) for fields in (light, noted)) + "\n"

    rows = [tuple(row.values()) for row in read_tags(io.BytesIO(output.encode()))]

    assert rows[0] == ("v1", ID, False, None, None, "2013-01-01T00:00:00Z", "first")
    assert rows[1] == ("v2", ID, True, "A", "a@x", None, "second")


def test_rows_are_written_line_by_line(tmp_path: Path) -> None:
    """Line breaks stay inside their record."""
    rows = [{"a": "x\ny"}, {"a": "ü"}]

    assert write_rows(iter(rows), tmp_path / "rows") == 2

    lines = (tmp_path / "rows").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == rows
