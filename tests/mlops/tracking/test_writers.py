"""Many writers at once: no error, and no point lost or doubled, whatever happens to the server meanwhile."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tracking_writers import begin_runs, lost_or_doubled, percentile, serving, write_all

if TYPE_CHECKING:
    from database_server import DatabaseServer

WRITERS = 100


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an empty project."""
    (tmp_path / "ropewalk.yaml").write_text("project: test\n", encoding="utf-8")
    return tmp_path


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the URL of a new database, empty for a file in the project."""
    if request.param == "sqlite":
        yield ""
        return
    server: DatabaseServer = request.getfixturevalue("database_server")
    with server.database() as name:
        yield server.url(name)


# Reading every point back takes time as well; the limit of all tests would end the long one in the middle.
@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seconds", [20, 300])
def test_a_hundred_writers(
    root: Path, database: str, seconds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every request of a hundred writers is answered, and what was answered is there, once."""
    with serving(root, database) as (url, _):
        writers = begin_runs(url, WRITERS)
        deadline = time.monotonic() + seconds
        write_all(writers, lambda: url, lambda: time.monotonic() > deadline)

        wrong = lost_or_doubled(url, writers)

    requests = sum(len(writer.waits) for writer in writers)
    with capsys.disabled():
        print(
            f"\n{database.partition(':')[0] or 'sqlite'}, {seconds} s: {requests} requests of {WRITERS} writers,"
            f" {sum(writer.step for writer in writers)} points, {requests / seconds:.0f}/s;"
            f" p50 {percentile(writers, 0.5):.0f} ms, p99 {percentile(writers, 0.99):.0f} ms"
        )
    assert wrong == []


@pytest.mark.parametrize("kills", [2])
def test_kill_under_writers(root: Path, environ: dict[str, str], kills: int) -> None:
    """A server that is killed while twenty log, and started anew, has all that was answered, and nothing twice."""
    database = environ.get("ROPEWALK_DATABASE_URL", "")
    addresses: list[str] = []
    with serving(root, database) as (first, process):
        addresses.append(first)
        writers = begin_runs(first, 20)
        done = threading.Event()
        crowd = threading.Thread(
            target=write_all, args=(writers, lambda: addresses[-1], done.is_set), daemon=True
        )
        crowd.start()
        _await(lambda: sum(len(writer.waits) for writer in writers) > 300)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    for last in range(kills):
        with serving(root, database) as (url, process):
            addresses.append(url)
            answered = sum(len(writer.waits) for writer in writers)
            _await(lambda: sum(len(writer.waits) for writer in writers) > answered + 200)  # noqa: B023
            if last < kills - 1:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                continue
            done.set()
            crowd.join()

            assert lost_or_doubled(url, writers) == []


def _await(is_so: object) -> None:
    assert callable(is_so)
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
