"""Lines of newline-delimited JSON that are no records are kept aside, and nothing of the others is lost."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.dataops.sources.errors import InvalidFile, RecordTooLarge
from ropewalk.dataops.sources.json_lines import SPACE, sifted_lines
from ropewalk.dataops.sources.local_files import LocalFiles

LINES = '{kind: files, path: "landing/*.ndjson"%s}'
REASONS = "_reason, _file, _line, CAST(_row AS VARCHAR)"
LARGEST = 16 << 20


def quarantined(project, columns: str = REASONS) -> list[tuple[object, ...]]:
    """Return what is kept aside."""
    with project.lake.cursor() as connection:
        return connection.execute(f"SELECT {columns} FROM quarantine.things ORDER BY ALL").fetchall()


def sift(folder: Path, content: bytes, name: str = "a.ndjson") -> tuple[bytes, Sequence[object]]:
    """Return what is left of a file, and the lines that were taken out."""
    (folder / name).write_bytes(content)
    with sifted_lines(LocalFiles(folder), [name], folder, LARGEST) as files:
        return files.path(name).read_bytes(), files.rejects.get(name, ())


def test_a_line_that_is_no_json(project) -> None:
    """It stands in quarantine with file, line and text; the rows around it land."""
    project.write("landing/1.ndjson", '{"n": 1}\n\n{"n": 2, \n{"n": 3}\n')

    output = project.declare(LINES % "").load()

    assert project.rows() == [(1,), (3,)]
    assert (output.summary["quarantined"], output.summary["rows"]) == (1, 2)
    ((reason, file, line, row),) = quarantined(project)
    assert (file, line, json.loads(row)) == ("landing/1.ndjson", 3, '{"n": 2,')
    assert reason.startswith("not JSON: ")


def test_a_line_of_null(project) -> None:
    """It is a record without any value, beside a broken line too."""
    project.write("landing/1.ndjson", '{"n": 1}\nnull\noops\n')

    project.declare(LINES % "").load()

    assert (project.rows(), quarantined(project, "_line")) == ([(1,), (None,)], [(3,)])


@pytest.mark.parametrize("odd", ["5", "[1]", '"text"', "{'n': 1}", '{"n": 1} {"n": 2}', '{"n": 1'])
def test_lines_that_are_no_objects(project, odd: str) -> None:
    """JSON that is no object is no record either, and changes nothing about the columns of the others."""
    project.write("landing/1.ndjson", f'{{"n": 1}}\n{odd}\n{{"n": 2}}')

    project.declare(LINES % "").load()

    assert project.rows("SELECT n, typeof(n)") == [(1, "BIGINT"), (2, "BIGINT")]
    assert [
        (line, json.loads(row)) for line, row in quarantined(project, "_line, CAST(_row AS VARCHAR)")
    ] == [(2, odd)]


def test_a_mended_line_leaves_the_quarantine(project) -> None:
    """The file is loaded again as a whole, as any that changed."""
    project.write("landing/1.ndjson", '{"n": 1}\n{"n": oops}\n')
    project.declare(LINES % "").load()

    project.write("landing/1.ndjson", '{"n": 1}\n{"n": 2}\n')
    project.load()

    assert (project.rows(), quarantined(project)) == ([(1,), (2,)], [])


def test_misfits_beside_broken_lines_keep_their_lines(project) -> None:
    """What was taken out does not move the numbers of what comes after."""
    project.write("landing/1.ndjson", '{"n": 1}\noops\n\n{"n": "x"}\n{"n": 2}\n{"n": 3}\n')

    project.declare(LINES % ", types: {n: BIGINT}").load()

    assert quarantined(project, "_line, _column") == [(2, None), (4, "n")]


@pytest.mark.parametrize(("option", "code"), [("schema: freeze", "RW127"), ("max_quarantined: 0", "RW423")])
def test_lines_that_may_not_be_kept_aside(project, option: str, code: str) -> None:
    """The load fails at the line, and the file is not marked as loaded."""
    project.write("landing/1.ndjson", '{"n": 1}\n{"n": 2}\n{"n": 3}\n')
    project.declare(LINES % f", {option}").load()
    project.write("landing/2.ndjson", '{"n": 4}\noops\n')

    error = project.fail()

    assert (error.code, str(error.place)) == (code, "landing/2.ndjson:2")
    assert project.rows() == [(1,), (2,), (3,)]
    # Mended, it comes in whole: nothing of the failed load is remembered.
    project.write("landing/2.ndjson", '{"n": 4}\n')
    assert project.load().summary["added"] == 1


def test_a_file_with_no_record_at_all(project) -> None:
    """One broken file among good ones is kept aside line by line; alone it is no such file."""
    project.write("landing/1.ndjson", "not json\n")
    error = project.declare(LINES % "").fail()
    assert (error.code, str(error.place)) == ("RW126", "landing/1.ndjson:1")

    project.write("landing/2.ndjson", '{"n": 1}\n{"n": 2}\n')
    project.load()

    assert (project.rows(), len(quarantined(project))) == ([(1,), (2,)], 1)


def test_packed_lines(project) -> None:
    """A packed file is sifted as any other."""
    project.write("landing/1.ndjson.gz", gzip.compress(b'{"n": 1}\noops\n'))

    project.declare('{kind: files, path: "landing/*.gz"}').load()

    assert (project.rows(), quarantined(project, "_line")) == ([(1,)], [(2,)])


def test_lines_in_files_of_another_ending(project) -> None:
    """The declared format decides, not the ending."""
    project.write("landing/app.log", '{"n": 1}\noops\n')

    project.declare('{kind: files, path: "landing/*.log", format: ndjson}').load()

    assert (project.rows(), quarantined(project, "_line")) == ([(1,)], [(2,)])


def test_bytes_of_another_encoding(project) -> None:
    """They may be wrong elsewhere without showing it, so nothing is loaded; told the encoding, all is."""
    project.write("landing/1.ndjson", '{"s": "a"}\n{"s": "é"}\n'.encode("latin-1"))

    error = project.declare(LINES % "").fail()

    assert (error.code, error.message, str(error.place)) == (
        "RW126",
        "the file is not UTF-8",
        "landing/1.ndjson:2",
    )
    project.declare(LINES % ", encoding: latin-1").load()
    assert project.rows() == [("a",), ("é",)]


def test_a_large_line_beside_a_broken_one(tmp_path: Path) -> None:
    """It is refused by its size before anything reads it as one text."""
    content = b'oops\n{"a": "' + b"x" * (34 << 20) + b'"}\n'

    with pytest.raises(RecordTooLarge, match="more than 16,777,216 bytes"):
        sift(tmp_path, content)


def test_what_only_the_engine_unpacks(project) -> None:
    """Its lines cannot be told, so it is refused with what to do."""
    import duckdb

    folder = project.write("landing/x", "").parent
    with duckdb.connect() as connection:
        name = folder / "1.ndjson.zst"
        # As CSV without quotes the text is written as it is.
        options = "FORMAT csv, HEADER false, QUOTE '', COMPRESSION zstd"
        connection.execute(f"COPY (SELECT unnest(['{{}}', 'oops'])) TO '{name}' ({options})")

    error = project.declare('{kind: files, path: "landing/*.zst"}').fail()

    assert (error.code, str(error.place), error.hint) == (
        "RW126",
        "landing/1.ndjson.zst",
        "unpack the file to see the line",
    )


def test_whole_files_are_not_copied(tmp_path: Path) -> None:
    """Without a broken line a file is read where it lies."""
    assert sift(tmp_path, b'{"a": 1}\n') == (b'{"a": 1}\n', ())


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    lines=st.lists(
        st.sampled_from([b'{"a": 1}', b'{"b": null}\r', b"", b" \t", b"\x0b", b"oops", b"{", b"[{}]", b"7 "])
        | st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=6).map(str.encode),
        min_size=1,
        max_size=8,
    )
)
def test_every_line_is_kept_or_told(tmp_path: Path, lines: list[bytes]) -> None:
    """Whatever the lines are: each is left where it stood, or told with its number, or the file is refused."""
    try:
        left, rejects = sift(tmp_path, b"\n".join(lines))
    except InvalidFile:
        return

    told = {reject.line: json.loads(reject.row) for reject in rejects}
    for number, (before, after) in enumerate(zip(lines, left.split(b"\n"), strict=True), start=1):
        if number in told:
            assert (after, told[number]) == (b"", before.strip(SPACE).decode("utf-8-sig"))
        else:
            assert after == before
