"""A disk that is full: a clear error, the lake as it was, and no space kept by what could not be written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ropewalk.dataops.lake import Lake, LakeFailed, compact_lake, export_tables, verify_lake

MUCH = "SELECT i, md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS h FROM range(400_000) AS r(i)"


@pytest.fixture
def small_disk(tmp_path: Path):
    """Return a folder on a disk of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_table_that_does_not_fit(small_disk: Path) -> None:
    """The write fails as a whole with what to do, and what was there can still be read and written."""
    with Lake(small_disk / "lake") as lake:
        with lake.transaction("small") as transaction:
            transaction.replace("mart.a", "SELECT 1 AS n")

        with (
            pytest.raises(LakeFailed, match="No space left on device") as caught,
            lake.transaction("much") as transaction,
        ):
            transaction.replace("mart.b", MUCH)

        assert "make room" in caught.value.hint
        assert lake.table_names() == ("mart.a",)
        with lake.transaction("again") as transaction:
            transaction.replace("mart.a", "SELECT 2 AS n")
        assert lake.query("SELECT n FROM mart.a").rows == ((2,),)


def test_failed_write_keeps_no_space(small_disk: Path) -> None:
    """What could not be written whole is gone, so that a disk filled by it is not full for ever."""
    with Lake(small_disk / "lake") as lake:
        lake.cursor().close()
        with pytest.raises(LakeFailed), lake.transaction("much") as transaction:
            transaction.replace("mart.b", MUCH)

    left = sum(path.stat().st_size for path in (small_disk / "lake/data").rglob("*.parquet"))
    assert left < 100_000


def test_upkeep_without_room(small_disk: Path) -> None:
    """Compaction that finds no room leaves every snapshot as it was, and keeps no space; nor does an export."""
    with Lake(small_disk / "lake") as lake:
        number = lake.write("mart.a", MUCH.replace("400_000", "40_000"), "one")
        with lake.transaction("more") as transaction:
            transaction.connection.execute(f"INSERT INTO lake.mart.a {MUCH.replace('400_000', '30_000')}")
        filler = small_disk / "filler"
        filler.write_bytes(
            b"x" * (6_000_000 - sum(p.stat().st_size for p in small_disk.rglob("*") if p.is_file()))
        )
        before = sorted(path.name for path in small_disk.rglob("*.parquet"))

        with pytest.raises(LakeFailed, match="No space left"):
            compact_lake(lake)
        with pytest.raises(LakeFailed, match="No space left"):
            export_tables(lake, {"mart.a": number}, small_disk / "out")

        assert sorted(path.name for path in small_disk.rglob("*.parquet")) == before
        filler.unlink()
        assert verify_lake(lake, {}).problems == []
        assert compact_lake(lake).files_after < len(before)
