"""The engine's side of a running process: what its warden reports, and when it is to end."""

from __future__ import annotations

import os
import socket
import threading
import time

import pytest

from ropewalk.processes.masking import Mask
from ropewalk.processes.process import NEWS_S, Ended, Watch, _Link
from ropewalk.processes.process_log import ProcessLog


@pytest.fixture
def link(tmp_path):
    """Return a link to nobody: its other ends are `theirs`, a socket, and `printed`, a pipe; `told` is what it tells."""
    ours, theirs = socket.socketpair()
    output, printed = os.pipe()
    os.set_blocking(output, False)
    told: list[str] = []
    with ours, theirs, ProcessLog(tmp_path / "x.log", 1000, Mask([])) as log:
        made = _Link(None, ours, output, log, Watch(60, threading.Event(), tell=told.append))
        made.theirs, made.printed, made.told = theirs, printed, told
        yield made
    os.close(output)
    os.close(printed)


def test_report_in_pieces(link):
    """A report counts once the warden is gone and all of it is there."""
    for piece in (b"3 40", b"96 1\n"):
        link.theirs.send(piece)
        assert link._hear()
        assert link.report is None
    link.theirs.close()

    assert not link._hear()
    assert link.report == (3, 4096, 1)


@pytest.mark.parametrize("heard", [b"", b"3 40"])
def test_warden_that_was_killed(link, heard):
    """Half a report is none."""
    link.theirs.send(heard)
    link.theirs.close()

    while link._hear():
        pass
    assert link.report is None


@pytest.mark.parametrize(
    ("now", "stops", "timed_out", "was_stopped"),
    [(1, False, False, False), (1, True, False, True), (11, False, True, False), (11, True, True, False)],
)
def test_why_it_is_ended(link, now, stops, timed_out, was_stopped):
    """One cause is told, and a process that ran too long ran too long."""
    if stops:
        link.watch.stopping.set()

    assert link._must_end(now, 10) is (timed_out or was_stopped)
    assert (link.timed_out, link.was_stopped) == (timed_out, was_stopped)


def test_output_is_read_while_there_is_some(link):
    """What was printed goes to the log; nothing to read is no end."""
    os.write(link.printed, b"one\ntwo\n")

    assert [link.read_output(), link.read_output()] == [8, 0]
    assert link.log.last_line() == "two"


def test_news_are_told_now_and_then(link):
    """However much a step prints, whoever watches hears a few lines a second, and none twice."""
    start = time.monotonic() + NEWS_S
    for number, later in enumerate((0.01, 0.02, NEWS_S + 0.02, 3 * NEWS_S)):
        if number < 3:
            os.write(link.printed, f"line {number}\n".encode())
            link.read_output()
        link._tell(start + later)

    assert link.told == ["line 0", "line 2"]


def test_plain_end():
    """A process of which nothing else is known ended by itself."""
    ended = Ended(0)

    assert (ended.timed_out, ended.was_stopped, ended.over_memory) == (False, False, False)
