"""The lake as a whole: opening, listing, builds, moving the folder, and surviving a kill."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ropewalk.dataops.lake import Build, Column, Lake, TableDigest, TableInfo, open_lake
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings


def build(lake: Lake, table: str, sql: str, key: str) -> TableDigest:
    with lake.transaction(f"build {table}") as transaction:
        digest = transaction.replace(table, sql)
        transaction.record_build(f"table:{table}", key, digest)
    return digest


def test_a_new_lake_is_empty(lake: Lake) -> None:
    """It has no tables: its own books are not shown."""
    assert lake.tables() == []
    assert lake.table_names() == ()


def test_opening_twice_finds_the_same_lake(tmp_path: Path) -> None:
    """What one wrote the next reads."""
    with Lake(tmp_path / "lake") as first:
        build(first, "mart.a", "SELECT 1 AS n", "k")

    with Lake(tmp_path / "lake") as second, second.cursor() as connection:
        assert connection.execute("FROM mart.a").fetchall() == [(1,)]


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    """Naming a lake writes nothing."""
    Lake(tmp_path / "lake")

    assert not (tmp_path / "lake").exists()


def test_the_first_thing_may_be_a_transaction(tmp_path: Path) -> None:
    """A missing lake is made before the writer takes its lease."""
    with Lake(tmp_path / "lake", wait_s=0) as lake:
        build(lake, "mart.a", "SELECT 1 AS n", "k")

        assert lake.table_names() == ("mart.a",)


def test_tables_tell_columns_and_rows(lake: Lake) -> None:
    """Rows are those that are there now, not those that were ever written."""
    build(lake, "mart.a", "SELECT unnest([1, 2, 3]) AS n", "k1")
    build(lake, "mart.a", "SELECT unnest([4, 5]) AS n", "k2")
    with lake.transaction("take one out") as transaction:
        transaction.connection.execute("DELETE FROM mart.a WHERE n = 4")

    assert lake.tables() == [TableInfo("mart", "a", (Column("n", "INTEGER"),), 1)]


def test_an_empty_table_is_listed(lake: Lake) -> None:
    """A table without rows has a row count of 0."""
    build(lake, "mart.none", "SELECT 1 AS n WHERE false", "k")

    assert [(table.name, table.rows) for table in lake.tables()] == [("none", 0)]


def test_tables_with_one_name_in_two_schemas(lake: Lake) -> None:
    """Columns and rows are not mixed up."""
    build(lake, "raw.a", "SELECT 1 AS n", "k")
    build(lake, "mart.a", "SELECT unnest([1, 2]) AS m", "k")

    found = {(t.schema, t.columns[0].name, t.rows) for t in lake.tables()}
    assert found == {("raw", "n", 1), ("mart", "m", 2)}


def test_cursors_read_without_a_prefix(lake: Lake) -> None:
    """Plain `FROM schema.table` works in each cursor, and times are UTC."""
    build(lake, "mart.a", "SELECT TIMESTAMPTZ '2013-01-01 00:00:00+00' AS t", "k")

    for _ in range(2):
        with lake.cursor() as connection:
            row = connection.execute(
                "SELECT CAST(t AS VARCHAR), current_setting('TimeZone') FROM mart.a"
            ).fetchone()
            assert row == ("2013-01-01 00:00:00+00", "UTC")


def test_a_python_variable_is_no_table(lake: Lake) -> None:
    """A name that is no table is an error even where Python has a variable of that name."""
    frame = [1]

    with lake.cursor() as connection, pytest.raises(Exception, match="does not exist"):
        connection.execute("FROM frame")
    assert frame == [1]


def test_builds_are_known_by_node(lake: Lake) -> None:
    """The key, digest and rows are those of the last build."""
    build(lake, "mart.a", "SELECT 1 AS n", "old")
    digest = build(lake, "mart.a", "SELECT 2 AS n", "new")
    build(lake, "mart.b", "SELECT 2 AS n", "other")

    assert lake.build("table:mart.a").key == "new"
    assert lake.build("table:mart.a") == Build("new", digest)
    assert lake.build("table:mart.c") is None


def test_a_forgotten_build(lake: Lake) -> None:
    """After it is forgotten nothing is said of the node."""
    build(lake, "mart.a", "SELECT 1 AS n", "k")

    with lake.transaction("forget") as transaction:
        transaction.rewrite_book("builds", "table:mart.a", [])

    assert lake.build("table:mart.a") is None


def test_builds_of_another_process_are_seen(lake: Lake, tmp_path: Path) -> None:
    """What is remembered of the books is given up as soon as another lake object commits."""
    build(lake, "mart.a", "SELECT 1 AS n", "first")
    assert lake.build("table:mart.a").key == "first"

    with Lake(tmp_path / "lake") as other:
        build(other, "mart.a", "SELECT 2 AS n", "second")

    assert lake.build("table:mart.a").key == "second"


def test_the_folder_can_be_moved(tmp_path: Path) -> None:
    """Data files are found relative to the folder."""
    with Lake(tmp_path / "here") as lake:
        build(lake, "mart.a", "SELECT 1 AS n", "k")

    shutil.move(tmp_path / "here", tmp_path / "there")

    with Lake(tmp_path / "there") as moved, moved.cursor() as connection:
        assert connection.execute("FROM mart.a").fetchall() == [(1,)]


def test_a_half_made_catalogue_is_made_again(tmp_path: Path) -> None:
    """What a kill left while the lake was made does not stop the next opening."""
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "new-catalog.sqlite").write_bytes(b"half")
    (tmp_path / "lake" / "new-catalog.sqlite-wal").write_bytes(b"half")

    with Lake(tmp_path / "lake") as lake:
        assert lake.snapshot() == 1


def test_a_killed_writer_leaves_nothing(lake: Lake, start_script: Callable[[str], object]) -> None:
    """After kill -9 in the middle of a transaction the table is as before, and can be written at once."""
    build(lake, "mart.a", "SELECT 1 AS n", "k")
    process = start_script(
        """
        from ropewalk.dataops.lake import Lake
        import time
        with Lake(folder) as lake, lake.transaction("never ends") as transaction:
            digest = transaction.replace("mart.a", "SELECT unnest(range(100000)) AS n")
            transaction.record_build("table:mart.a", "half", digest)
            print("written", flush=True)
            time.sleep(60)
        """
    )
    assert process.stdout.readline().strip() == "written"

    process.send_signal(signal.SIGKILL)
    process.wait()

    with lake.cursor() as connection:
        assert connection.execute("FROM mart.a").fetchall() == [(1,)]
    assert lake.build("table:mart.a").key == "k"
    before = {path.name for path in lake.folder.rglob("*.parquet")}
    build(lake, "mart.a", "SELECT 2 AS n", "k2")
    with lake.cursor() as connection:
        known = "SELECT path FROM __ducklake_metadata_lake.ducklake_data_file"
        committed = {str(row[0]) for row in connection.execute(known).fetchall()}
        # What the killed process had written is gone from the disk; all versions of before are there.
        assert before - {path.name for path in lake.folder.rglob("*.parquet")} == before - committed != set()
        assert connection.execute("FROM mart.a AT (VERSION => 2)").fetchall() == [(1,)]


def test_open_lake_is_one_per_workspace(tmp_path: Path) -> None:
    """A workspace hands out one lake, below its state folder, and closes it."""
    (tmp_path / "ropewalk.yaml").write_text("project: test\n")
    with Workspace(load_project(tmp_path, []), load_settings({})) as workspace:
        lake = open_lake(workspace)

        assert open_lake(workspace) is lake
        assert lake.folder == tmp_path / ".ropewalk" / "lake"


def test_close_may_be_called_twice(lake: Lake) -> None:
    """A closed lake opens again when it is used."""
    build(lake, "mart.a", "SELECT 1 AS n", "k")
    lake.query("FROM mart.a")
    lake.close()
    lake.close()

    assert lake.table_names() == ("mart.a",)


def test_a_lake_that_was_not_made_has_no_builds(tmp_path: Path) -> None:
    """Asking for a build makes nothing, so that planning does not either."""
    with Lake(tmp_path / "lake") as lake:
        assert lake.build("table:mart.a") is None
        assert not lake.exists

    assert not (tmp_path / "lake").exists()


def test_a_query_makes_the_lake(tmp_path: Path) -> None:
    """SQL over a project that never ran answers from an empty lake."""
    with Lake(tmp_path / "lake") as lake:
        assert lake.query(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'mart'"
        ).rows == ((0,),)
        assert lake.exists


def test_large_tables_spill_beside_the_lake(lake: Lake) -> None:
    """What does not fit into memory is not written into the folder a person works in."""
    with lake.cursor() as connection:
        row = connection.execute("SELECT current_setting('temp_directory')").fetchone()

    assert row == (str(lake.folder / "spill"),)
