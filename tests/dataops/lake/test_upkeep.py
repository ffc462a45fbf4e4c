"""Upkeep of a lake that is used hard: rebuilt hundreds of times, killed in the middle, out of room, damaged."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from ropewalk.dataops.lake import (
    ExportFailed,
    FileDamaged,
    Lake,
    LakeBusy,
    compact_lake,
    export_tables,
    verify_lake,
)

CHURN = 200


def rebuild(lake: Lake, number: int) -> int:
    with lake.transaction(f"build {number}") as transaction:
        sql = f"SELECT i AS id, i * {number} AS v FROM range(50) r(i)"
        transaction.record_build("table:mart.t", str(number), transaction.replace("mart.t", sql))
    return transaction.snapshot


@pytest.mark.slow
def test_weeks_of_rebuilding(lake: Lake) -> None:
    """After 200 rebuilds all holds, the lake shrinks to what is needed, and pinned versions read as they did."""
    numbers = [rebuild(lake, number) for number in range(1, CHURN + 1)]
    lake.pin("mid", {"mart.t": numbers[CHURN // 2]})
    stand_for = {"dev": {"mart.t": (numbers[-1], lake.build("table:mart.t").digest.digest)}}
    assert verify_lake(lake, stand_for).problems == []

    compact_lake(lake)
    would = lake.expire([numbers[-1]], 0, is_dry=True)
    done = lake.expire([numbers[-1]], 0)
    compact_lake(lake)

    found = verify_lake(lake, stand_for)
    assert would == done
    assert done.files >= CHURN
    assert (found.problems, found.unknown) == ([], ())
    assert found.files <= 12
    assert lake.query("SELECT max(v) FROM mart.t", tables={"mart.t": numbers[CHURN // 2]}).rows == ((4949,),)


@pytest.mark.parametrize("work", ["compact_lake(lake)", "lake.expire([], 0)"])
def test_kills_during_upkeep(lake: Lake, start_script, work: str) -> None:
    """Whenever it is killed, every snapshot that is kept reads as before, and the next upkeep ends the work."""
    numbers = [rebuild(lake, number) for number in range(1, 9)]
    lake.pin("keep", {"mart.t": numbers[3]})
    lake.close()
    for after_s in (0.0, 0.02, 0.06):
        process = start_script(
            f"""
            from ropewalk.dataops.lake import Lake, compact_lake
            lake = Lake(folder)
            lake.cursor()
            print("begins", flush=True)
            {work}
            """
        )
        assert process.stdout.readline() == "begins\n"
        time.sleep(after_s)
        process.kill()
        process.wait()

    compact_lake(lake)
    lake.expire([], 0)
    found = verify_lake(lake, {})

    assert (found.problems, found.unknown) == ([], ())
    assert lake.query("SELECT max(v) FROM mart.t", tables={"mart.t": numbers[3]}).rows == ((196,),)


def test_upkeep_waits_for_writers(lake: Lake) -> None:
    """Compacting and expiring take the one writer lease."""
    rebuild(lake, 1)

    with lake.transaction("long"), Lake(lake.folder, wait_s=0.05) as other:
        with pytest.raises(LakeBusy):
            compact_lake(other)
        with pytest.raises(LakeBusy):
            other.expire([], 0)


def test_deleted_rows_are_left_out(lake: Lake) -> None:
    """A file of which much was deleted is written anew, and what was deleted is still there in the past."""
    first = rebuild(lake, 1)
    with lake.transaction("delete") as transaction:
        transaction.connection.execute("DELETE FROM lake.mart.t WHERE id < 40")

    compact_lake(lake)

    assert lake.query("SELECT count(*) FROM mart.t").rows == ((10,),)
    assert lake.query("SELECT count(*) FROM mart.t", tables={"mart.t": first}).rows == ((50,),)
    assert [info.rows for info in lake.tables() if info.name == "t"] == [10]
    assert lake.snapshots(limit=1)[0].message == "compact"


def test_counts_of_old_snapshots(lake: Lake) -> None:
    """A file of deletes that several snapshots share does not make the rows of the first fewer."""
    numbers = [rebuild(lake, 1)]
    for number in range(3):
        with lake.transaction("delete") as transaction:
            transaction.connection.execute(f"DELETE FROM lake.mart.t WHERE id = {number}")
        numbers.append(lake.snapshot())

    assert [lake.tables_at({"mart.t": number})[0].rows for number in numbers] == [50, 49, 48, 47]


def test_reading_a_damaged_file(lake: Lake) -> None:
    """A file that is gone or cut is an error of its own, whoever reads it."""
    number = rebuild(lake, 1)
    path = next((lake.folder / "data/mart").rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:30])

    with pytest.raises(FileDamaged, match=rf"{path.name} of the lake is damaged"):
        lake.query("SELECT sum(v) FROM mart.t")
    path.unlink()
    with pytest.raises(FileDamaged, match=rf"{path.name} of the lake is gone"):
        lake.digest_groups("mart.t", number, "'x'")
    with pytest.raises(FileDamaged), lake.transaction("reads", reads={"mart.t": number}) as transaction:
        transaction.replace("mart.u", "SELECT sum(v) AS s FROM mart.t")


def test_files_that_nobody_named(lake: Lake) -> None:
    """What a killed writer left is told as such, and is no problem; the next writer removes what it was told of."""
    rebuild(lake, 1)
    path = next((lake.folder / "data/mart").rglob("*.parquet"))
    shutil.copy(path, path.with_name("left-behind.parquet"))

    found = verify_lake(lake, {})

    assert (found.problems, len(found.unknown)) == ([], 1)
    assert found.unknown_bytes == path.stat().st_size


def test_progress_is_told(lake: Lake, tmp_path: Path) -> None:
    """Who waits sees how far it is."""
    number = rebuild(lake, 1)
    told: list[tuple[int, int, str]] = []

    verify_lake(lake, {}, lambda *step: told.append(step))
    export_tables(lake, {"mart.t": number}, tmp_path / "out", lambda *step: told.append(step))

    assert told == [(0, 1, f"mart.t at {number}"), (0, 1, "mart.t")]


def test_an_export_is_whole_or_not_there(lake: Lake, tmp_path: Path) -> None:
    """After an error in the middle there is no folder, and nothing beside it."""
    number = rebuild(lake, 1)
    next((lake.folder / "data/mart").rglob("*.parquet")).unlink()

    with pytest.raises(FileDamaged):
        export_tables(lake, {"mart.t": number}, tmp_path / "there/out")

    assert list((tmp_path / "there").iterdir()) == []


def test_an_export_into_nowhere(lake: Lake, tmp_path: Path) -> None:
    """A folder that cannot be made is said to be so."""
    (tmp_path / "file").write_text("x")

    with pytest.raises(ExportFailed, match="cannot be made"):
        export_tables(lake, {"mart.t": rebuild(lake, 1)}, tmp_path / "file/out")


def test_exports_are_alike(lake: Lake, tmp_path: Path) -> None:
    """The same snapshot gives the same bytes."""
    number = rebuild(lake, 3)

    first = export_tables(lake, {"mart.t": number}, tmp_path / "a")
    second = export_tables(lake, {"mart.t": number}, tmp_path / "b")

    assert first == second
