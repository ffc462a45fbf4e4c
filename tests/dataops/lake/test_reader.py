"""Reading from step processes: read-only, at one snapshot, with errors that help."""

from __future__ import annotations

import gc
from pathlib import Path

import duckdb
import pytest

from ropewalk.dataops.lake import (
    InvalidTableName,
    Lake,
    SnapshotMissing,
    TableMissing,
    open_reader,
    read_table,
)


def write(lake: Lake, number: int) -> int:
    with lake.transaction("write") as transaction:
        transaction.replace("mart.numbers", f"SELECT {number} AS n")
    return lake.snapshot()


def test_a_table_at_a_snapshot(lake: Lake, tmp_path: Path) -> None:
    """Each snapshot shows the rows it had."""
    first, second = write(lake, 1), write(lake, 2)

    assert read_table(tmp_path, "mart.numbers", first).fetchall() == [(1,)]
    assert read_table(tmp_path, "mart.numbers", second).fetchall() == [(2,)]


def test_the_newest_without_a_snapshot(lake: Lake, tmp_path: Path) -> None:
    """No snapshot means the newest one, also when it comes later."""
    write(lake, 1)
    assert read_table(tmp_path, "mart.numbers", None).fetchall() == [(1,)]

    write(lake, 2)

    assert read_table(tmp_path, "mart.numbers", None).fetchall() == [(2,)]


def test_relations_of_one_snapshot_can_be_joined(lake: Lake, tmp_path: Path) -> None:
    """Two tables of one snapshot belong to one connection, which lives as long as they do."""
    snapshot = write(lake, 1)

    left = read_table(tmp_path, "mart.numbers", snapshot).set_alias("a")
    right = read_table(tmp_path, "mart.numbers", snapshot).set_alias("b")
    gc.collect()

    assert left.join(right, "a.n = b.n").fetchall() == [(1, 1)]


def test_a_reader_cannot_write(lake: Lake) -> None:
    """The lake is attached read-only."""
    write(lake, 1)

    with open_reader(lake.folder) as connection, pytest.raises(duckdb.Error, match="read-only"):
        connection.execute("DELETE FROM mart.numbers")


def test_an_unknown_table_names_the_nearest(lake: Lake, tmp_path: Path) -> None:
    """Among the tables of that snapshot."""
    snapshot = write(lake, 1)

    with pytest.raises(TableMissing) as caught:
        read_table(tmp_path, "mart.nubmers", snapshot)

    assert caught.value.nearest == "mart.numbers"


def test_a_table_that_came_later_is_not_there(lake: Lake, tmp_path: Path) -> None:
    """A snapshot shows only what it had."""
    write(lake, 1)

    with pytest.raises(TableMissing):
        read_table(tmp_path, "mart.numbers", 1)


def test_an_unknown_snapshot(lake: Lake, tmp_path: Path) -> None:
    """A number that was never given is an error of its own."""
    write(lake, 1)

    with pytest.raises(SnapshotMissing, match="no snapshot 999"):
        read_table(tmp_path, "mart.numbers", 999)


def test_no_lake_yet(tmp_path: Path) -> None:
    """Reading makes no lake, and says how one is made."""
    with pytest.raises(TableMissing, match="no lake") as caught:
        read_table(tmp_path, "mart.numbers", None)

    assert caught.value.hint == "`ropewalk run` makes it"
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize("name", ["numbers", "mart.numbers; DROP TABLE x", 'mart."numbers"'])
def test_a_name_that_is_none(lake: Lake, tmp_path: Path, name: str) -> None:
    """Names are checked before they reach SQL."""
    write(lake, 1)

    with pytest.raises(InvalidTableName):
        read_table(tmp_path, name, None)
