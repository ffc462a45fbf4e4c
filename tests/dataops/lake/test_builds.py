"""What the lake says about its own snapshots: for whom, and under which key, each was committed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ropewalk.dataops.lake import Lake, LakeFailed
from ropewalk.dataops.lake.builds import Builds
from ropewalk.dataops.lake.catalog_file import FileCatalog

NODE = "table:mart.a"


def build(lake: Lake, value: int, key: str) -> tuple[int, str]:
    """Write the table under a key; return its snapshot and its digest."""
    with lake.transaction("build") as transaction:
        made = transaction.replace("mart.a", f"SELECT {value} AS n")
        transaction.record_build(NODE, key, made)
    return transaction.snapshot, made.digest


def test_two_versions_of_a_table_are_both_held(lake: Lake) -> None:
    """The later one does not take away the earlier: each is addressed by its snapshot."""
    first, second = build(lake, 1, "one"), build(lake, 2, "two")

    assert lake.holds(NODE, "one", first[1], first[0])
    assert lake.holds(NODE, "two", second[1], second[0])


@pytest.mark.parametrize(
    "change", [{"key": "two"}, {"node_id": "table:mart.b"}, {"digest": "0" * 64}, {"snapshot": 99}]
)
def test_anything_else_is_not_held(lake: Lake, change: dict[str, object]) -> None:
    """Node, key, digest and snapshot must all be those of the commit."""
    snapshot, digest = build(lake, 1, "one")
    asked = {"node_id": NODE, "key": "one", "digest": digest, "snapshot": snapshot} | change

    assert not lake.holds(**asked)  # type: ignore[arg-type]  # the cases are of several types


def test_equal_content_under_another_key_has_its_own_snapshot(lake: Lake) -> None:
    """No rows are written, and there is still a snapshot that says so."""
    first, second = build(lake, 1, "one"), build(lake, 1, "two")

    assert first[0] != second[0]
    assert lake.holds(NODE, "one", first[1], first[0])
    assert lake.holds(NODE, "two", second[1], second[0])


def test_a_snapshot_without_a_build_is_nobodys(lake: Lake) -> None:
    """A commit that records nothing holds nothing."""
    with lake.transaction("by hand") as transaction:
        made = transaction.replace("mart.a", "SELECT 1 AS n")

    assert not lake.holds(NODE, "one", made.digest, lake.snapshot())


def test_a_lake_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    """Asking does not make it."""
    with Lake(tmp_path / "none") as lake:
        assert not lake.holds(NODE, "one", "0" * 64, 1)
        assert not lake.exists


def test_another_process_is_heard_of(lake: Lake, start_script) -> None:
    """What is kept in memory is read again when the catalogue has changed."""
    snapshot, digest = build(lake, 1, "one")
    assert lake.holds(NODE, "one", digest, snapshot)
    code = f"""
        from ropewalk.dataops.lake import Lake
        with Lake(folder) as lake, lake.transaction("build") as transaction:
            made = transaction.replace("mart.a", "SELECT 2 AS n")
            transaction.record_build({NODE!r}, "two", made)
        print(transaction.snapshot, made.digest)
    """

    process = start_script(code)
    number, digest = process.stdout.read().split()

    assert lake.holds(NODE, "two", digest, int(number))


def test_words_of_others_with_a_commit_are_no_builds(lake: Lake) -> None:
    """Somebody who writes with another program may say anything; it is not believed and does no harm."""
    with lake.cursor() as connection:
        for text in ("hello", "[1]", '{"builds": 3}', '{"builds": {"table:mart.a": {"key": "one"}}}'):
            connection.execute("BEGIN; CREATE OR REPLACE TABLE lake.main.t AS SELECT 1 AS n")
            connection.execute(f"CALL lake.set_commit_message('x', 'y', extra_info => '{text}'); COMMIT")

    assert not any(lake.holds(NODE, "one", "0" * 64, number) for number in range(lake.snapshot() + 1))


def test_asking_drops_no_lock_of_an_open_transaction(lake: Lake, start_script) -> None:
    """While this process writes, another one must not take the catalogue's log for left behind."""
    snapshot, digest = build(lake, 1, "one")
    log = lake.folder / "catalog.sqlite-wal"
    with lake.transaction("build") as transaction:
        transaction.replace("mart.b", "SELECT 2 AS n")
        with Lake(lake.folder) as other:
            assert other.holds(NODE, "one", digest, snapshot)

        reader = start_script(
            "from ropewalk.dataops.lake import Lake\nwith Lake(folder) as lake: print(lake.table_names())"
        )

        assert reader.stdout.read() == "('mart.a',)\n"
        assert log.exists()
    assert lake.table_names() == ("mart.a", "mart.b")


def test_a_process_that_has_opened_nothing_asks_the_file(lake: Lake, start_script) -> None:
    """Then the engine is not even loaded, which is what most of a plan's time would go to."""
    snapshot, digest = build(lake, 1, "one")
    code = f"""
        import sys
        from ropewalk.dataops.lake import Lake
        lake = Lake(folder)
        print(lake.holds({NODE!r}, "one", {digest!r}, {snapshot}), lake._engines._used)
    """

    assert start_script(code).stdout.read() == "True {}\n"


def test_catalogue_that_is_none(tmp_path):
    """A damaged catalogue is told with its path, whoever asks."""
    catalog = tmp_path / "catalog.sqlite"
    catalog.write_bytes(b"not a database at all, and longer than a header of one hundred bytes" * 4)

    with pytest.raises(LakeFailed, match=r"catalog\.sqlite cannot be read"):
        Builds(FileCatalog(tmp_path), lambda _sql: []).at(1)


def test_a_log_that_comes_and_goes_stops_nobody(lake: Lake) -> None:
    """The engine of another thread takes the log away when it is the last to close, at any moment."""
    build(lake, 1, "one")
    lake.close()
    catalog, log, is_over = lake.home.catalog, lake.folder / "catalog.sqlite-wal", threading.Event()

    def come_and_go() -> None:
        while not is_over.is_set():
            log.touch()
            log.unlink()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        states = [catalog.state() for _ in range(3000)]
    finally:
        is_over.set()
        thread.join()

    assert len(states) == 3000
