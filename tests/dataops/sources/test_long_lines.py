"""Lines without end: a file with one of 2 GB is refused with its place, in little memory, and nothing of it is loaded."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ropewalk.dataops.sources.csv_dialect import LONGEST

GIGABYTES = 2 << 30
TESTS = Path(__file__).parent
# Loads in a process of its own, whose memory is its own too.
CHILD = f"""
import resource, sys
sys.path.insert(0, {str(TESTS)!r})
from pathlib import Path
from conftest import SourceProject
project = SourceProject(Path(sys.argv[1]))
error = project.fail()
print(error.code, error.place, project.lake.table_names(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""
# What the engine and its extensions take without any data, and as much again.
MOST_MB = 450


def with_a_hole(path: Path, head: bytes, tail: bytes) -> None:
    """Write a file of which most is a hole, which takes no space on the disk."""
    with path.open("wb") as stream:
        stream.write(head)
        stream.seek(GIGABYTES, 1)
        stream.write(tail)


def packed(path: Path, head: bytes, tail: bytes) -> None:
    """Write the same packed, with letters in the place of the hole."""
    with gzip.open(path, "wb", 1) as stream:
        stream.write(head)
        for _ in range(GIGABYTES >> 20):
            stream.write(b"x" * (1 << 20))
        stream.write(tail)


Writer = Callable[[Path, bytes, bytes], None]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "write", "head", "tail", "said"),
    [
        ("a.ndjson", with_a_hole, b'{"a": 1}\n{"a": "', b'"}\n{"a": 2}\n', "RW120 landing/a.ndjson"),
        ("beside-a-broken-line.ndjson", with_a_hole, b'oops\n{"a": "', b'"}\n', "RW120 landing/beside-a-broken-line.ndjson"),
        ("a.json", with_a_hole, b'[{"a": "', b'"}]', "RW120 landing/a.json"),
        ("a.ndjson.gz", packed, b'{"a": 1}\n{"a": "', b'"}\n', "RW120 landing/a.ndjson.gz"),
        ("a.csv", with_a_hole, b"a,b\n1,", b"\n", "RW120 landing/a.csv"),
        ("quoted.csv", with_a_hole, b'a,b\n1,"', b'"\n2,x\n', "RW126 landing/quoted.csv:2"),
        ("header.csv", with_a_hole, b"a,", b"\n1,2\n", "RW120 landing/header.csv:1"),
    ],
)  # fmt: skip
def test_a_line_of_two_gigabytes(
    project, name: str, write: Writer, head: bytes, tail: bytes, said: str
) -> None:
    """However it comes, its size is known before any of it is one text."""
    write(project.write(f"landing/{name}", ""), head, tail)
    project.declare(f"{{kind: files, path: landing/{name}}}")

    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(project.root)], check=False, capture_output=True, text=True
    )
    told, _, memory = done.stdout.strip().rpartition(" ")

    assert (told, done.stderr) == (f"{said} ()", "")
    assert int(memory) < MOST_MB


@pytest.mark.parametrize(
    ("size", "line"), [(200_000, 3), pytest.param(LONGEST + 2, None, marks=pytest.mark.slow)]
)
def test_a_long_text_beside_a_bad_row(project, size: int, line: int | None) -> None:
    """Looking for the line of the bad one does not stumble over it; behind a very long one it cannot be told."""
    text = "x" * size
    project.write("landing/a.csv", f"n,s\n1,{text}\nx,b\n")

    project.declare(
        f"{{kind: files, path: landing/a.csv, types: {{n: INTEGER}}, max_record: {size + 1000}}}"
    ).load()

    assert project.rows("SELECT n, length(s)") == [(1, size)]
    with project.lake.cursor() as connection:
        found = connection.execute("SELECT _line, _value FROM quarantine.things").fetchall()
    assert found == [(line, "x")]
