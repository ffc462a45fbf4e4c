"""Logs of steps: found by name and attempt, read from their end, followed while they grow."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.pipeline import LogFile, last_lines, list_logs, read_on
from ropewalk.pipeline.run_logs import BLOCK


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return the place of a log."""
    return tmp_path / "train.log"


def test_logs_of_a_run(write_project, open_workspace) -> None:
    """Each attempt has a log of its own; other files are none."""
    workspace = open_workspace(write_project({}))
    folder = workspace.state / "logs" / "abc1"
    folder.mkdir(parents=True)
    for name in ("train.2.log", "train.log", "score.log", "train.txt", "train.10.log"):
        (folder / name).touch()

    assert [(log.step, log.attempt) for log in list_logs(workspace, "abc1")] == [
        ("score", 1),
        ("train", 1),
        ("train", 2),
        ("train", 10),
    ]
    assert list_logs(workspace, "abc1")[0] == LogFile("score", 1, folder / "score.log")


def test_no_logs(write_project, open_workspace) -> None:
    """A run without a folder has no logs."""
    assert list_logs(open_workspace(write_project({})), "abc1") == []


@settings(max_examples=50)
@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=30)),
    st.integers(0, 9),
)
def test_last_lines(tmp_path_factory, lines: list[str], count: int) -> None:
    """The last lines are those of the whole text."""
    path = tmp_path_factory.mktemp("log") / "a.log"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    assert last_lines(path, count) == (lines[-count:] if count else [])


def test_last_lines_of_a_large_log(log: Path) -> None:
    """Of a long log only the end is read, also where a line is longer than a block."""
    log.write_bytes(b"x" * 3 * BLOCK + b"\n" + b"y" * (BLOCK - 1) + b"\nend")

    assert last_lines(log, 1) == ["end"]
    assert last_lines(log, 2) == ["y" * (BLOCK - 1), "end"]
    assert len(last_lines(log, 9)) == 3


def test_last_lines_of_nothing(log: Path) -> None:
    """A log that is gone, or empty, has no lines."""
    assert last_lines(log, 5) == []
    log.touch()
    assert last_lines(log, 5) == []


def follow(log: Path, ended: Callable[[], bool]) -> list[str]:
    return list(read_on(log, ended, poll_s=0.01))


def test_reading_on(log: Path) -> None:
    """What is written after the start is read in whole lines, and the rest of it at the end."""
    log.write_text("before\n")
    moments = iter([b"on", b"e\ntwo\nth", "é".encode()[:1], "é".encode()[1:]])

    def write_more() -> bool:
        more = next(moments, None)
        with log.open("ab") as stream:
            stream.write(more or b"")
        return more is None

    assert follow(log, write_more) == ["one\ntwo\n", "thé"]


def test_nothing_is_missed_at_the_end(log: Path) -> None:
    """What was written just before the end is read after it."""
    log.touch()

    def write_and_end() -> bool:
        log.write_text("last words")
        return True

    assert follow(log, write_and_end) == ["last words"]


def test_following_ends(log: Path) -> None:
    """Following lasts as long as the step, and no longer."""
    log.touch()
    over = threading.Event()
    thread = threading.Thread(target=follow, args=(log, over.is_set))
    thread.start()
    thread.join(0.1)
    assert thread.is_alive()
    over.set()
    thread.join(60)

    assert not thread.is_alive()


def test_bytes_that_are_no_text(log: Path) -> None:
    """What is not UTF-8 is shown as such, and stops nothing."""
    log.write_bytes(b"\xff\xfe\nfine\n")

    assert last_lines(log, 2) == ["\ufffd\ufffd", "fine"]
