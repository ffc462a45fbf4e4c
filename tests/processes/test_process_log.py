"""The log of a step: bounded, whole lines, secrets hidden, and never a reason for a step to fail."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from ropewalk.processes.masking import Mask
from ropewalk.processes.process_log import LONGEST_HELD, LONGEST_LINE, ProcessLog, log_path

SECRET = "s3cr3tvalue"


@pytest.fixture
def log(tmp_path):
    """Return a function that feeds pieces to a new log of at most 1,000 bytes and returns it, closed."""

    def make(*pieces: bytes, limit: int = 1000) -> ProcessLog:
        with ProcessLog(tmp_path / "logs/x.log", limit, Mask([SECRET])) as made:
            for piece in pieces:
                made.feed(piece)
        return made

    return make


def test_short_log_is_whole(log):
    """What fits is kept as it came, also without a last line's end, and binary."""
    content = b"one\r\ntwo\n\x00\xff\xfe no end"

    assert log(content[:5], content[5:]).path.read_bytes() == content


def test_middle_of_a_long_log_is_dropped(log):
    """Head and tail of a log that is too long are kept, and one line says how much is missing."""
    made = log(*(b"%05d\n" % n for n in range(1000)))

    lines = made.path.read_bytes().split(b"\n")
    assert lines[0] == b"00000"
    assert lines[-2] == b"00999"
    assert b"ropewalk: 5,000 bytes of this log were dropped here" in lines


@pytest.mark.parametrize("cut", range(1, 11))
def test_secret_in_two_pieces(log, cut):
    """A secret that arrives in two parts is hidden all the same."""
    text = f"a {SECRET} b\n".encode()

    assert log(text[: 2 + cut], text[2 + cut :]).path.read_bytes() == b"a *** b\n"


def test_secret_in_an_endless_line(log):
    """A line that never ends is written in pieces, none of which shows half of a secret."""
    piece = (SECRET + " ").encode() * 1000

    made = log(*[piece] * 30, limit=10_000_000)

    assert b"s3cr3t" not in made.path.read_bytes()
    assert made.path.read_bytes().count(b"***") == 30_000


def test_last_lines(log):
    """The last lines are known without reading the file; long ones are cut, empty and undecodable ones no error."""
    made = log(b"first\n" * 30, b"x" * 5000 + b"\n", b"\n", b"\xff end")

    lines = made.tail().splitlines()
    assert len(lines) == 20
    assert len(lines[-2]) == LONGEST_LINE
    assert lines[-1] == made.last_line() == "\ufffd end"


def test_progress_bars_are_lines(log):
    """What overwrites itself on a terminal is told by its last state."""
    assert log(b"10 %\r", b"20 %\r").last_line() == "20 %"


def test_nothing_was_printed(log):
    """A silent step has an empty log."""
    made = log()

    assert (made.tail(), made.last_line(), made.path.read_bytes()) == ("", "", b"")


def test_log_that_the_step_deleted(log, tmp_path):
    """A log whose file or folder was removed is written again at the end."""
    with ProcessLog(tmp_path / "logs/y.log", 1000, Mask(())) as made:
        made.feed(b"before\n")
        shutil.rmtree(tmp_path / "logs")
        made.feed(b"after\n")

    assert made.path.read_text() == "before\nafter\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_stops_the_log_only(tmp_path):
    """When the disk is full the step goes on, its last lines are known, and the reason is told."""
    (tmp_path / "x.log").symlink_to("/dev/full")
    with ProcessLog(tmp_path / "x.log", 1000, Mask(())) as log:
        log.feed(b"one\n")
        log.feed(b"two\n")

    assert log.problem == "No space left on device"
    assert log.tail() == "one\ntwo"


def test_folder_that_cannot_be_made(tmp_path):
    """A log that has no place is an error before anything runs."""
    (tmp_path / "logs").write_text("a file")

    with pytest.raises(FileExistsError):
        ProcessLog(tmp_path / "logs/x.log", 1000, Mask(()))


def test_hundred_megabytes_are_cheap(log):
    """Taking 100 MB costs a fraction of what printing them does."""
    piece = b"a line of a step that prints far too much\n" * 25_000
    started = time.process_time()

    made = log(*[piece] * 95, limit=20_000_000)

    assert time.process_time() - started < 2
    assert made.path.stat().st_size < 20_000_200


def test_each_attempt_has_a_log(tmp_path):
    """A second try does not overwrite the first one's log."""
    assert log_path(tmp_path, "train", 1).name == "train.log"
    assert log_path(tmp_path, "train", 3).name == "train.3.log"


def test_closing_twice(log):
    """Closing again changes nothing."""
    made = log(b"one\n")
    made.close()

    assert made.path.stat().st_size == 4


def test_secret_longer_than_what_is_held(tmp_path):
    """Also of a secret that is longer than a held line nothing is written."""
    secret = "k" * (LONGEST_HELD + 5_000)
    with ProcessLog(tmp_path / "x.log", 1 << 20, Mask([secret])) as log:
        log.feed(secret[: LONGEST_HELD + 1].encode())
        log.feed(secret[LONGEST_HELD + 1 :].encode() + b"\n")

    assert log.path.read_bytes() == b"***\n"


def test_line_under_way_is_the_last_when_there_is_no_other(tmp_path):
    """A program that has not ended its first line says something all the same."""
    with ProcessLog(tmp_path / "x.log", 1000, Mask([])) as log:
        assert log.last_line() == ""
        log.feed(b"working")
        assert log.last_line() == "working"
        log.feed(b" on\n  \nnext")
        assert log.last_line() == "working on"
        assert log.tail() == "working on\nnext"
