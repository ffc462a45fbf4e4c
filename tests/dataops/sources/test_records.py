"""Record files and the files of a folder: what is written, found and cleaned up."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ropewalk.dataops.sources.books import LoadedFile
from ropewalk.dataops.sources.errors import FilesMissing
from ropewalk.dataops.sources.file_digests import FileDigests
from ropewalk.dataops.sources.files import compare_files
from ropewalk.dataops.sources.found_files import FoundFile, find_files
from ropewalk.dataops.sources.records import record_file
from ropewalk.errors import Place
from ropewalk.pipeline import StatCache

PLACE = Place("ropewalk.yaml", 3, 3)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET timezone = 'UTC'")
        yield opened


def lines(*records: object) -> list[bytes]:
    return [json.dumps(record).encode() for record in records]


def test_records_keep_their_order(tmp_path: Path, connection) -> None:
    """Over several pages."""
    with record_file(tmp_path) as records:
        for page in range(3):
            records.write(lines(*({"n": page * 1000 + n} for n in range(1000))))
        rows = connection.execute(records.relation(connection).sql).fetchall()

    assert [row[0] for row in rows] == list(range(3000))


def test_the_digest_is_of_the_records_alone(tmp_path: Path) -> None:
    """How they are cut into pages does not matter, their order does."""
    digests = []
    for pages in ([["a", "b"], ["c"]], [["a"], [], ["b", "c"]], [["b", "a", "c"]]):
        with record_file(tmp_path) as records:
            for page in pages:
                records.write(lines(*page))
            digests.append(records.digest)

    assert digests[0] == digests[1] != digests[2]


def test_the_folder_goes_away_after_an_error(tmp_path: Path) -> None:
    """Nothing is left behind."""
    with pytest.raises(TypeError), record_file(tmp_path) as records:
        records.write([None])

    assert list(tmp_path.iterdir()) == []


def test_files_of_living_processes_are_left_alone(tmp_path: Path) -> None:
    """Only what a dead process left is removed."""
    alive, dead, other = (
        tmp_path / f"records-{name}" for name in (f"{os.getpid()}-x", "999999999-x", "mine")
    )
    for folder in (alive, dead, other):
        folder.mkdir()

    with record_file(tmp_path):
        pass

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([alive.name, other.name])


@pytest.mark.parametrize(
    ("values", "kind", "least", "greatest"),
    [
        ([1, 10, 9], "BIGINT", None, "10"),
        ([1, 10, 9], "BIGINT", "11", "11"),
        (["a", "c", "b"], "VARCHAR", None, "c"),
        (["2013-01-01T06:00:00Z", "2013-01-01T05:00:00Z"], "TIMESTAMP WITH TIME ZONE", None, "2013-01-01T06:00:00Z"),
        (["2013-01-01T06:00:00+02:00", "2013-01-01T05:00:00Z"], "TIMESTAMP WITH TIME ZONE", None, "2013-01-01T05:00:00Z"),
        (["2013-01-02", "2013-01-10"], "DATE", "2013-01-03", "2013-01-10"),
        ([1.5, 1.25], "DOUBLE", None, "1.5"),
    ],
)  # fmt: skip
def test_the_watermark(
    tmp_path: Path, connection, values: list[object], kind: str, least: str | None, greatest: str
) -> None:
    """It is compared as its type and kept as the source wrote it."""
    with record_file(tmp_path) as records:
        records.write(lines(*({"at": value} for value in values)))

        assert records.greatest(connection, "at", kind, least) == greatest


def find(root: Path, pattern: str) -> list[str]:
    return [file.path for file in find_files(pattern, root, FileDigests(StatCache(root / "cache")), PLACE)]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a/*.csv", ["a/1.csv", "a/2.csv"]),
        ("a/1.csv", ["a/1.csv"]),
        ("./a/1.csv", ["a/1.csv"]),
        ("**/*.csv", ["a/1.csv", "a/2.csv", "a/b/3.csv"]),
        ("a/[2-9].csv", ["a/2.csv"]),
        ("a/?.csv", ["a/1.csv", "a/2.csv"]),
        ("{root}/a/1.csv", ["a/1.csv"]),
    ],
)
def test_patterns(tmp_path: Path, pattern: str, found: list[str]) -> None:
    """Globs as in a shell, sorted, relative to the project where they can be."""
    for name in ("a/2.csv", "a/1.csv", "a/b/3.csv", "a/.hidden.csv", "a/folder.csv/x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("n\n1\n")

    assert find(tmp_path, pattern.format(root=tmp_path)) == found


@pytest.mark.parametrize(
    ("pattern", "nearest"),
    [
        ("landing/fligths.csv", "landing/flights.csv"),
        ("lnading/flights.csv", "landing/flights.csv"),
        ("zzz", None),
    ],
)
def test_nothing_found_names_the_nearest(tmp_path: Path, pattern: str, nearest: str | None) -> None:
    """In the folder, or one folder below where the path stops existing."""
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing/flights.csv").write_text("")

    with pytest.raises(FilesMissing) as caught:
        find(tmp_path, pattern)

    assert caught.value.nearest == nearest


def test_what_changed_between_two_looks() -> None:
    """Kept, arriving, replaced and removed files are told apart by content alone."""
    loaded = {name: LoadedFile(name, f"digest {name}", 1, 1) for name in "abc"}
    found = [FoundFile("a", "digest a", 1), FoundFile("b", "other", 1), FoundFile("d", "digest d", 1)]

    change = compare_files(loaded, found)

    assert list(change.kept) == ["a"]
    assert [file.path for file in change.arriving] == ["b", "d"]
    assert (change.replaced, change.removed) == (("b",), ("c",))


def test_nothing_changed() -> None:
    """The same files are nothing to do."""
    assert not compare_files({"a": LoadedFile("a", "x", 1, 1)}, [FoundFile("a", "x", 1)])


@pytest.mark.parametrize(
    ("records", "types", "columns"),
    [
        ([{"a": 1, "A": 2}], {}, [("a", "BIGINT"), ("A_1", "BIGINT")]),
        ([{"a": "2013-01-01T00:00:00Z"}], {"a": "VARCHAR"}, [("a", "VARCHAR")]),
        ([{"a": "2013-01-01T00:00:00Z"}], {}, [("a", "TIMESTAMP WITH TIME ZONE")]),
        ([{"a": "2013-01-01T00:00:00"}], {}, [("a", "TIMESTAMP")]),
        ([{"a": None}], {}, [("a", "VARCHAR")]),
        ([{"a": 2**63}], {}, [("a", "DECIMAL(38,0)")]),
        ([{"a": -1}, {"a": 2**62}], {}, [("a", "BIGINT")]),
        ([{"a": {"b": 1}}, {"a": [1]}], {}, [("a", "JSON")]),
        ([{"a": [1]}], {}, [("a", "JSON")]),
    ],
)
def test_the_types_of_records(
    tmp_path: Path, connection, records: list[object], types: dict[str, str], columns: list[tuple[str, str]]
) -> None:
    """Found over all of them; nothing is lost to names that differ in their case alone."""
    with record_file(tmp_path) as file:
        file.write(lines(*records))
        relation = file.relation(connection, types)
        found = connection.execute(relation.sql).fetchall()

    assert [(column.name, column.type) for column in relation.columns] == columns
    assert len(found) == len(records)
    assert all(value is not None for row in found for value in row) or records == [{"a": None}]


def test_a_text_keeps_its_form(tmp_path: Path, connection) -> None:
    """A time that is declared as text is not written anew."""
    with record_file(tmp_path) as file:
        file.write(lines({"at": "2013-01-01T00:00:00Z", "in": {"x": None}}))
        rows = connection.execute(file.relation(connection, {"at": "VARCHAR"}).sql).fetchall()

    assert rows == [("2013-01-01T00:00:00Z", '{"x":null}')]


def test_a_sum_knows_no_order(tmp_path: Path) -> None:
    """Where the order means nothing, the digest does not depend on it, and still on every record."""
    digests = []
    for names in ("abc", "cab", "abb", "ab"):
        with record_file(tmp_path, is_ordered=False) as records:
            records.write(lines(*names))
            digests.append(records.digest)

    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
