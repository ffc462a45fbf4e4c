"""Many read while one writes: in threads and in processes, without an error and without half a table."""

from __future__ import annotations

import threading
from pathlib import Path

from ropewalk.dataops.lake import Lake

ROWS = 2000
WRITER = """
from ropewalk.dataops.lake import Lake
with Lake(folder, wait_s=60) as lake:
    for turn in range({turns}):
        with lake.transaction("turn") as transaction:
            digest = transaction.replace("mart.{table}", f"SELECT {{turn}} AS turn FROM range({rows})")
            transaction.record_build("table:mart.{table}", str(turn), digest)
        print(turn, flush=True)
"""


def write(lake: Lake, turn: int) -> None:
    with lake.transaction("turn") as transaction:
        digest = transaction.replace("mart.a", f"SELECT {turn} AS turn FROM range({ROWS})")
        transaction.record_build("table:mart.a", str(turn), digest)


def look(lake: Lake) -> tuple[int, int]:
    """Return how many rows and how many different turns the table shows."""
    with lake.cursor() as connection:
        row = connection.execute("SELECT count(*), count(DISTINCT turn) FROM mart.a").fetchone()
    assert row is not None
    return row


def test_a_reader_in_another_process_sees_whole_tables(lake: Lake, start_script) -> None:
    """While one process rebuilds a table again and again, another always reads one whole version of it."""
    write(lake, -1)
    writer = start_script(WRITER.format(turns=25, table="a", rows=ROWS))

    seen = set()
    while writer.poll() is None:
        seen.add(look(lake))
        assert lake.build("table:mart.a") is not None

    assert writer.returncode == 0, writer.stdout.read()
    assert seen == {(ROWS, 1)}
    assert lake.build("table:mart.a").key == "24"


def test_two_processes_write_in_turns(lake: Lake, start_script) -> None:
    """Both get all their commits in, and both tables are whole."""
    before = lake.snapshot()

    writers = [start_script(WRITER.format(turns=6, table=name, rows=10)) for name in "ab"]
    for writer in writers:
        output, _ = writer.communicate(timeout=100)
        assert writer.returncode == 0, output

    assert lake.snapshot() == before + 12
    assert {table.name: table.rows for table in lake.tables()} == {"a": 10, "b": 10}


def test_threads_read_while_one_writes(lake: Lake) -> None:
    """Each thread has its own cursor, and none sees a half-written table."""
    write(lake, -1)
    done = threading.Event()
    seen: list[tuple[int, int]] = []

    def read() -> None:
        while not done.is_set():
            seen.append(look(lake))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for turn in range(10):
        write(lake, turn)
    done.set()
    for reader in readers:
        reader.join()

    assert set(seen) == {(ROWS, 1)}


def test_two_lakes_may_be_made_at_once(tmp_path: Path, start_script) -> None:
    """Processes that find no lake agree on one."""
    code = (
        "from ropewalk.dataops.lake import Lake\nwith Lake(folder, wait_s=60) as lake: print(lake.snapshot())"
    )

    outputs = [
        script.communicate(timeout=100)[0].strip() for script in (start_script(code), start_script(code))
    ]

    assert outputs == ["1", "1"]


BUILD_TURNS = """
from ropewalk.dataops.lake import Lake
with Lake(folder) as lake:
    for turn in range(8):
        with lake.transaction("build", reads={{"raw.a": {read}}}) as transaction:
            made = transaction.replace("mart.b", f"SELECT n + {{turn}} AS n FROM raw.a")
            transaction.record_build("table:mart.b", f"{name}{{turn}}", made)
        print(transaction.snapshot, turn, made.digest)
"""


def test_two_processes_build_two_versions_of_a_table(lake: Lake, start_script) -> None:
    """Each reads its own input and is told the snapshot of its own commit, however they take turns."""
    inputs = {}
    for name, start in (("one", 100), ("two", 200)):
        with lake.transaction("load") as transaction:
            made = transaction.replace("raw.a", f"SELECT {start} AS n")
            transaction.record_build("source:a", name, made)
        inputs[name] = (transaction.snapshot, start)

    scripts = {
        name: start_script(BUILD_TURNS.format(read=read, name=name)) for name, (read, _) in inputs.items()
    }
    told = {
        name: [line.split() for line in script.stdout.read().splitlines()] for name, script in scripts.items()
    }

    for name, (_, start) in inputs.items():
        assert len(told[name]) == 8
        for snapshot, turn, digest in told[name]:
            assert lake.query(f"FROM mart.b AT (VERSION => {snapshot})").rows == ((start + int(turn),),)
            assert lake.holds("table:mart.b", f"{name}{turn}", digest, int(snapshot))
