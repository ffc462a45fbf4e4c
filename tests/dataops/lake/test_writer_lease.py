"""One writer at a time: threads wait for each other, processes for a while, and a dead one holds nothing."""

from __future__ import annotations

import os
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from ropewalk.dataops.lake import LakeBusy
from ropewalk.dataops.lake.writer_lease import FileLock, WriterLease

HOLD = """
from ropewalk.dataops.lake.writer_lease import FileLock, WriterLease
import time
with WriterLease(FileLock(folder / "writer.lock"), 0).hold():
    print("held", flush=True)
    time.sleep({seconds})
print("released", flush=True)
"""


def take(folder: Path, wait_s: float = 0.0) -> str:
    with WriterLease(FileLock(folder / "writer.lock"), wait_s).hold():
        return "taken"


def test_a_free_lease_is_taken_at_once(tmp_path: Path) -> None:
    """The folder is made when it is missing, and the file names the holder."""
    with WriterLease(FileLock(tmp_path / "lake" / "writer.lock"), 0).hold():
        assert (tmp_path / "lake" / "writer.lock").read_text() == str(os.getpid())


def test_the_lease_is_given_back(tmp_path: Path) -> None:
    """After the block it can be taken again, also after an error."""
    lease = WriterLease(FileLock(tmp_path / "writer.lock"), 0)
    with pytest.raises(LookupError), lease.hold():
        raise LookupError

    assert take(tmp_path) == "taken"


def test_another_process_is_named(tmp_path: Path, start_script) -> None:
    """A second writer gives up after its time and says who holds the lease."""
    holder = start_script(HOLD.format(seconds=60))
    assert holder.stdout.readline().strip() == "held"

    with pytest.raises(LakeBusy, match=f"process {holder.pid} has been writing") as caught:
        take(tmp_path / "lake", wait_s=0.1)

    assert caught.value.hint is not None


@pytest.mark.parametrize("is_ours", [True, False])
def test_nobody_waits_on_when_all_is_to_end(tmp_path: Path, start_script, is_ours: bool) -> None:
    """After Ctrl-C a waiting writer gives up at once, whether a thread or another process is at work."""
    stopping = threading.Event()
    lease = WriterLease(FileLock(tmp_path / "lake" / "writer.lock"), 60, stopping)
    found: list[str] = []

    def wait() -> None:
        try:
            with lease.hold():
                found.append("taken")
        except LakeBusy as error:
            found.append(error.message)

    with lease.hold() if is_ours else nullcontext():
        if not is_ours:
            assert start_script(HOLD.format(seconds=60)).stdout.readline().strip() == "held"
        waiting = threading.Thread(target=wait)
        waiting.start()
        stopping.set()
        waiting.join(60)

    assert found == ["the run was stopped while it waited to write to the lake"]


def test_another_process_is_waited_for(tmp_path: Path, start_script) -> None:
    """Within its time, a second writer gets the lease as soon as it is free."""
    holder = start_script(HOLD.format(seconds=0.3))
    assert holder.stdout.readline().strip() == "held"

    assert take(tmp_path / "lake", wait_s=30) == "taken"


def test_a_killed_holder_holds_nothing(tmp_path: Path, start_script) -> None:
    """The lock goes away with its process."""
    holder = start_script(HOLD.format(seconds=60))
    assert holder.stdout.readline().strip() == "held"

    holder.kill()
    holder.wait()

    assert take(tmp_path / "lake", wait_s=1) == "taken"


def test_a_killed_holder_is_told_of_once(tmp_path: Path, start_script) -> None:
    """The next holder learns that its predecessor was killed, the one after that does not."""
    holder = start_script(HOLD.format(seconds=60))
    assert holder.stdout.readline().strip() == "held"
    holder.kill()
    holder.wait()

    told = []
    for _ in range(2):
        with WriterLease(FileLock(tmp_path / "lake" / "writer.lock"), 1).hold() as was_killed:
            told.append(was_killed)

    assert told == [True, False]


def test_a_holder_that_failed_was_not_killed(tmp_path: Path) -> None:
    """An error ends its block in order."""
    with pytest.raises(LookupError), WriterLease(FileLock(tmp_path / "writer.lock"), 0).hold():
        raise LookupError

    with WriterLease(FileLock(tmp_path / "writer.lock"), 0).hold() as was_killed:
        assert not was_killed


def test_a_thread_cannot_take_it_twice(tmp_path: Path) -> None:
    """A transaction inside a transaction is an error, not a wait without end."""
    lease = WriterLease(FileLock(tmp_path / "writer.lock"), 60)

    with lease.hold(), pytest.raises(LakeBusy, match="this thread"), lease.hold():
        pass


def test_threads_take_turns(tmp_path: Path) -> None:
    """No two threads of one lake are inside at the same time, and all get their turn."""
    lease = WriterLease(FileLock(tmp_path / "writer.lock"), 0)
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        with lease.hold():
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == [1] * 8
