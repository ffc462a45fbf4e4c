"""What Iceberg cannot keep, and what goes on in a warehouse that is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ropewalk.dataops.lake import ExportFailed, Lake, export_iceberg

if TYPE_CHECKING:
    from ropewalk.dataops.lake.iceberg import IcebergLake

pytest.importorskip("pyiceberg", reason="pyiceberg is not installed (ropewalk[iceberg])")


@pytest.fixture
def iceberg(tmp_path: Path) -> Iterator[IcebergLake]:
    """Return an empty warehouse."""
    from ropewalk.dataops.lake.iceberg import IcebergLake

    with IcebergLake(f"sqlite:///{tmp_path}/c.sqlite", (tmp_path / "w").as_uri(), "Ada") as opened:
        yield opened


@pytest.mark.parametrize("value", ["INTERVAL 1 DAY", "MAP {'a': INTERVAL 1 DAY}"])
def test_types_that_iceberg_does_not_have(iceberg: IcebergLake, value: str) -> None:
    """They are refused with what to do, and nothing of the table is there."""
    with pytest.raises(ExportFailed, match=r"mart\.t cannot be written as an Iceberg table"):
        iceberg.write("mart.t", f"SELECT {value} AS x", "one")

    assert iceberg.snapshots() == []


def test_types_that_it_has(iceberg: IcebergLake) -> None:
    """Numbers, texts, times, lists and structs come back as they went."""
    sql = (
        "SELECT 1 AS i, 2.5::DECIMAL(9, 2) AS d, 'ä' AS s, DATE '2026-11-23' AS day, "
        "TIMESTAMPTZ '2026-11-23 18:00:00+01' AS t, [1, 2] AS l, {'a': 1, 'b': 'x'} AS st, NULL::VARCHAR AS n"
    )
    number = iceberg.write("mart.t", sql, "one")

    with iceberg.cursor() as connection:
        assert iceberg.read_at("mart.t", number).fetchall() == connection.sql(sql).fetchall()


def test_columns_that_come_and_go(iceberg: IcebergLake) -> None:
    """A table may change its columns; older snapshots keep theirs."""
    first = iceberg.write("mart.t", "SELECT 1 AS a, 2 AS b", "one")
    second = iceberg.write("mart.t", "SELECT 3 AS b, 'x' AS c", "two")

    assert iceberg.read_at("mart.t", first).columns == ["a", "b"]
    assert sorted(iceberg.read_at("mart.t", second).columns) == ["b", "c"]


def test_who_and_what_for_is_kept(iceberg: IcebergLake) -> None:
    """Author and message stand in the snapshot's summary, for other engines too."""
    iceberg.write("mart.t", "SELECT 1 AS a", "one")

    assert [(one.author, one.message) for one in iceberg.snapshots()] == [("Ada", "one")]
    assert iceberg.location("mart.t").endswith(".metadata.json")


def test_an_export_goes_on(lake: Lake, tmp_path: Path) -> None:
    """What changed gets a snapshot more, what did not change none."""
    from ropewalk.dataops.lake.iceberg import IcebergLake

    at = {name: lake.write(name, f"SELECT {i} AS n", "one") for i, name in enumerate(("mart.a", "mart.b"))}
    export_iceberg(lake, at, tmp_path / "out")
    at["mart.b"] = lake.write("mart.b", "SELECT 7 AS n", "two")
    done = export_iceberg(lake, at, tmp_path / "out")

    place = tmp_path / "out"
    with IcebergLake(f"sqlite:///{place}/catalog.sqlite", place.as_uri()) as found:
        assert [len(found.snapshots(name)) for name in ("mart.a", "mart.b")] == [1, 2]
        assert found.snapshots("mart.b")[0].message == f"snapshot {at['mart.b']} of the lake"
    assert [(one.table, one.content.rows, one.snapshot) for one in done] == [
        (name, 1, at[name]) for name in ("mart.a", "mart.b")
    ]
