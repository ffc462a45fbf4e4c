"""Letting go of snapshots: what is kept can be read, what is not is gone with its files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ropewalk.dataops.lake import Expired, Lake, SnapshotMissing, read_table
from ropewalk.dataops.lake.reader import open_reader

BIG = "SELECT hash(i + {0}) AS h FROM range(50000) r(i)"


@pytest.fixture
def versions(lake: Lake) -> list[int]:
    """Write five versions of a table and return their snapshots."""
    found = []
    for number in range(5):
        with lake.transaction("build") as transaction:
            made = transaction.replace("mart.a", BIG.format(number))
            transaction.record_build("table:mart.a", str(number), made)
        found.append(transaction.snapshot)
    return found


def files(lake: Lake) -> set[Path]:
    return set((lake.folder / "data" / "mart").rglob("*.parquet"))


def test_what_is_kept_stays_readable_and_the_rest_goes(lake: Lake, versions: list[int]) -> None:
    """Snapshots, files and bytes are counted; kept ones have their rows."""
    before = {path: path.stat().st_size for path in lake.folder.rglob("*.parquet")}

    expired = lake.expire([versions[1]], 0)

    gone = before.keys() - set(lake.folder.rglob("*.parquet"))
    assert expired == Expired(versions[-1] - 1, len(gone), sum(before[path] for path in gone))
    assert len(files(lake)) == 2
    kept = lake.query(f"SELECT count(*) FROM mart.a AT (VERSION => {versions[1]})")
    assert kept.rows == ((50000,),)


def test_the_newest_is_always_kept(lake: Lake, versions: list[int]) -> None:
    """A lake never loses its head."""
    lake.expire([], 0)

    assert lake.query("SELECT count(*) FROM mart.a").rows == ((50000,),)
    with pytest.raises(SnapshotMissing):
        lake.query(f"FROM mart.a AT (VERSION => {versions[0]})")


def test_expired_snapshots_are_held_no_more(lake: Lake, versions: list[int]) -> None:
    """What is gone is made again when somebody needs it, never taken for there."""
    digests = [lake.build("table:mart.a").digest.digest]

    lake.expire([versions[3]], 0)

    assert lake.holds("table:mart.a", "4", digests[0], versions[4])
    assert not any(lake.holds("table:mart.a", "2", digest, versions[2]) for digest in digests)


def test_what_was_newest_lately_stays(lake: Lake, versions: list[int]) -> None:
    """Somebody may have begun to read it, or made it and not yet told of it."""
    assert lake.expire([], 3_600_000) == Expired(0, 0, 0)
    assert len(files(lake)) == 5


def test_nothing_to_do_is_nothing_done(lake: Lake, versions: list[int], tmp_path: Path) -> None:
    """Twice is once; and a lake that was never made is not made for it."""
    lake.expire([], 0)

    assert lake.expire([], 0) == Expired(0, 0, 0)
    with Lake(tmp_path / "none") as none:
        assert none.expire([], 0) == Expired(0, 0, 0)
        assert not none.exists


def test_a_reader_at_a_kept_snapshot_is_not_disturbed(lake: Lake, versions: list[int]) -> None:
    """It reads on while its neighbours go, in the same connection and in one opened later."""
    with open_reader(lake.folder, versions[1]) as reader:
        rows = reader.execute("SELECT * FROM mart.a")
        assert rows.fetchone() is not None

        lake.expire([versions[1]], 0)

        assert len(rows.fetchall()) == 49999
        assert reader.execute("SELECT count(*) FROM mart.a").fetchall() == [(50000,)]
    assert read_table(lake.folder.parent, "mart.a", versions[1]).count("*").fetchall() == [(50000,)]


def test_files_of_an_expiry_that_was_killed_are_removed_by_the_next(lake: Lake, versions: list[int]) -> None:
    """Between letting go and deleting a process may die; the catalogue still knows the files."""
    with lake.cursor() as connection:
        connection.execute(f"CALL ducklake_expire_snapshots('lake', versions => [{versions[0]}])")

    expired = lake.expire(versions, 0)

    assert expired.files >= 1
    assert len(files(lake)) == 4


@pytest.fixture(autouse=True)
def forget_readers() -> Iterator[None]:
    """Let no reader that `read_table` keeps outlive the test's lake."""
    yield
    from ropewalk.dataops.lake import reader

    reader._shared_reader.cache_clear()
