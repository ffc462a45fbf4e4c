"""The stat cache: never a wrong digest, and nothing read twice that did not change."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.pipeline import StatCache, Workspace, open_stat_cache
from ropewalk.project import Project
from ropewalk.settings import load_settings

HOUR_NS = 3600 * 10**9
EDITS = ("same size", "other size", "replaced", "back in time", "through a link", "removed", "touched")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[StatCache]:
    found = StatCache(tmp_path / "cache")
    yield found
    found.close()


def settled(path: Path, content: bytes) -> Path:
    """Write a file and wait until the file system's clock has moved on."""
    path.write_bytes(content)
    time.sleep(0.03)
    return path


def is_known(cache: StatCache, path: Path) -> bool:
    """Return whether the cache answers without reading, told by bytes that changed without any time doing so."""
    known = cache._recall(str(path))
    return known is not None and known.stamp.ctime_ns == path.stat().st_ctime_ns


def edit(path: Path, way: str, content: bytes) -> None:
    """Change the file (or its name) in one of the ways in which files change."""
    found = path.stat()
    if way == "replaced":
        beside = path.with_name("beside")
        beside.write_bytes(content[: found.st_size])
        os.utime(beside, ns=(found.st_atime_ns, found.st_mtime_ns))
        beside.replace(path)
    elif way == "removed":
        path.unlink()
        path.write_bytes(content[: found.st_size])
    elif way == "through a link":
        link = path.with_name("link")
        link.hardlink_to(path)
        link.write_bytes(content[: found.st_size])
        link.unlink()
    elif way != "touched":
        path.write_bytes(content if way == "other size" else content[: found.st_size])
    if way in ("back in time", "touched"):
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


@settings(max_examples=60)
@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from(EDITS),
            st.binary(min_size=8, max_size=8),
            st.sampled_from((0, 0, 0, 6)),
            st.sampled_from((0, 0, -HOUR_NS, HOUR_NS)),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_never_a_wrong_digest(edits: list[tuple[str, bytes, int, int, bool]]) -> None:
    """Whatever happens to a file, at whatever moment and whatever the clock says, its digest is that of its bytes."""
    shift = {"ns": 0}

    def clock() -> int:
        return time.time_ns() + shift["ns"]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(b"12345678")
        cache = StatCache(Path(folder) / "cache", clock)
        for way, content, pause_ms, shift["ns"], is_new_process in edits:
            assert cache.digest(path) == blake3(path.read_bytes()).hexdigest()
            time.sleep(pause_ms / 1000)
            edit(path, way, content)
            if is_new_process:
                cache.close()
                cache = StatCache(Path(folder) / "cache", clock)
            assert cache.digest(path) == blake3(path.read_bytes()).hexdigest()
        cache.close()


def test_edits_within_one_tick(cache: StatCache, tmp_path: Path) -> None:
    """A thousand edits of equal size, as fast as they can be made, are all seen."""
    path = tmp_path / "file"

    for number in range(1000):
        content = b"%04d" % number
        path.write_bytes(content)
        assert cache.digest(path) == blake3(content).hexdigest()


def test_a_settled_file_is_read_once(cache: StatCache, tmp_path: Path) -> None:
    """The second answer needs no reading: bytes that nobody may read any more are still known."""
    path = settled(tmp_path / "file", b"content")
    first = cache.digest(path)

    assert is_known(cache, path)
    assert cache.digest(path) == first


def test_a_fresh_file_is_read_again(cache: StatCache, tmp_path: Path) -> None:
    """Nothing is remembered of a file that changed in the very tick in which it was read."""
    for number in range(20):
        path = tmp_path / f"file{number}"
        path.write_bytes(b"content")
        cache.digest(path)

    assert not all(is_known(cache, tmp_path / f"file{number}") for number in range(20))


def test_a_large_fresh_file_is_waited_for(cache: StatCache, tmp_path: Path) -> None:
    """Where reading again is dear, one tick is waited for, so that once is enough."""
    path = tmp_path / "file"
    with path.open("wb") as stream:
        stream.truncate(40 << 20)

    cache.digest(path)

    assert is_known(cache, path)


def test_the_next_process_knows(tmp_path: Path) -> None:
    """What one process found another uses."""
    path = settled(tmp_path / "file", b"content")
    first = StatCache(tmp_path / "cache")
    first.digest(path)
    first.close()

    assert is_known(StatCache(tmp_path / "cache"), path)


def test_a_clock_set_back(tmp_path: Path) -> None:
    """What was found in the future is found again: times to come may repeat its own."""
    path = settled(tmp_path / "file", b"content")
    first = StatCache(tmp_path / "cache")
    first.digest(path)
    first.close()
    early = StatCache(tmp_path / "cache", lambda: time.time_ns() - HOUR_NS)
    known = early._recall(str(path))
    # As a file would look that was written, with other bytes, at the same moment of the repeated hour.
    assert known is not None
    early._known[str(path)] = known._replace(digest="wrong")

    assert early.digest(path) == blake3(b"content").hexdigest()


def test_changed_while_it_is_read(cache: StatCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody writes to while it is read is not remembered."""
    path = settled(tmp_path / "file", b"content")
    read = os.readv

    def write_and_read(descriptor: int, blocks: list[memoryview]) -> int:
        path.write_bytes(b"CONTENT")
        return read(descriptor, blocks)

    monkeypatch.setattr(os, "readv", write_and_read)
    cache.digest(path)

    assert cache._recall(str(path)) is None


def test_times_to_come(cache: StatCache, tmp_path: Path) -> None:
    """A file that claims to be from the future is read each time, however large: no clock has passed it."""
    path = settled(tmp_path / "file", b"")
    os.truncate(path, 40 << 20)
    os.utime(path, ns=(0, time.time_ns() + HOUR_NS))

    cache.digest(path)

    assert not is_known(cache, path)


def test_another_file_system(cache: StatCache, other_disk: Path) -> None:
    """Where the clock of the file system is not known, a file must have been left alone for two seconds."""
    path = settled(other_disk / "file", b"content")
    cache.digest(path)
    assert not is_known(cache, path)

    time.sleep(2.1)
    cache.digest(path)
    assert is_known(cache, path)


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"\n\n", b"\x00" * 50, b'12345678\tdigest\t"/file"\n', b"\xff\xfe\t[1]\n"]
)
def test_a_damaged_file_is_written_anew(tmp_path: Path, damage: bytes) -> None:
    """It is a cache: damage costs a reading, is gone after the next save, and nothing else is lost."""
    path = settled(tmp_path / "file", b"content")
    (tmp_path / "cache").write_bytes(damage)
    cache = StatCache(tmp_path / "cache")

    digest = cache.digest(path)
    cache.close()

    assert digest == blake3(b"content").hexdigest()
    assert is_known(StatCache(tmp_path / "cache"), path)


@given(where=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
@settings(max_examples=80)
def test_a_flipped_byte(where: float, value: int) -> None:
    """A line that is not as it was written says nothing, whichever byte of it changed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(b"content")
        os.utime(path, ns=(1, 1))
        cache = StatCache(Path(folder) / "cache")
        time.sleep(0.012)
        cache.digest(path)
        cache.close()
        kept = bytearray(cache.path.read_bytes() if cache.path.exists() else b"\n")
        kept[int(where * len(kept))] = value
        cache.path.write_bytes(kept)

        again = StatCache(Path(folder) / "cache")

        assert again.digest(path) == blake3(b"content").hexdigest()
        again.close()


def test_a_torn_append(tmp_path: Path) -> None:
    """What a killed writer left unfinished does not spoil the next line."""
    path = settled(tmp_path / "file", b"content")
    (tmp_path / "cache").write_text('0badf00d\tdigest\t7\t"/half')
    cache = StatCache(tmp_path / "cache")
    cache._is_damaged = False
    cache.digest(path)
    cache.close()

    assert is_known(StatCache(tmp_path / "cache"), path)


def test_two_processes_add(tmp_path: Path) -> None:
    """Caches that were open at the same time keep what each of them found."""
    one, two = settled(tmp_path / "one", b"1"), settled(tmp_path / "two", b"2")
    first, second = StatCache(tmp_path / "cache"), StatCache(tmp_path / "cache")
    first.digest(one)
    second.digest(two)

    first.close()
    second.close()

    third = StatCache(tmp_path / "cache")
    assert is_known(third, one)
    assert is_known(third, two)


def test_many_processes_at_once(tmp_path: Path) -> None:
    """Eight processes that hash, change and save at once all find what is true."""
    code = (
        "import sys; from pathlib import Path; from blake3 import blake3; from ropewalk.pipeline import StatCache\n"
        "folder, name = Path(sys.argv[1]), sys.argv[2]\n"
        "for n in range(60):\n"
        "    cache = StatCache(folder / 'cache'); own = folder / name; own.write_text(f'{n:03}')\n"
        "    assert cache.digest(own) == blake3(f'{n:03}'.encode()).hexdigest()\n"
        "    assert cache.digest(folder / 'same') == blake3(b'same').hexdigest(); cache.close()\n"
    )
    settled(tmp_path / "same", b"same")
    processes = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(n)]) for n in range(4)]

    assert [process.wait() for process in processes] == [0] * 4


def test_threads_share_one(cache: StatCache, tmp_path: Path) -> None:
    """Threads may ask for the same and for different files at the same time."""
    paths = [settled(tmp_path / str(number), b"%d" % number) for number in range(3)]
    found: list[str] = []

    def ask() -> None:
        found.extend(cache.digest(path) for path in paths * 20)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(found) == {blake3(b"%d" % number).hexdigest() for number in range(3)}


def test_it_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that changes at every run leaves some lines, not all there ever were; files that are gone leave none."""
    monkeypatch.setattr("ropewalk.pipeline.stat_cache.SLACK", 5)
    gone = settled(tmp_path / "gone", b"gone")
    for number in range(12):
        cache = StatCache(tmp_path / "cache")
        cache.digest(settled(tmp_path / "file", b"%d" % number))
        if gone.exists():
            cache.digest(gone)
            gone.unlink()
        cache.close()

    text = (tmp_path / "cache").read_text()

    assert len([line for line in text.split("\n") if line]) < 10
    assert "gone" not in text


def test_nowhere_to_save(tmp_path: Path) -> None:
    """A folder that is not there, or cannot be written, does not stop the work."""
    cache = StatCache(tmp_path / "missing" / "cache")
    path = settled(tmp_path / "file", b"content")

    assert cache.digest(path) == blake3(b"content").hexdigest()
    cache.close()


def test_nothing_new_is_not_saved(tmp_path: Path) -> None:
    """Answers from memory write nothing."""
    path = settled(tmp_path / "file", b"content")
    cache = StatCache(tmp_path / "cache")
    cache.digest(path)
    cache.close()
    before = (tmp_path / "cache").stat()
    again = StatCache(tmp_path / "cache")
    again.digest(path)
    again.close()

    assert (tmp_path / "cache").stat() == before


@pytest.mark.parametrize("name", ["a\nb", "tab\there", 'quote"', "déjà", os.fsdecode(b"latin-\xe9")])
def test_unusual_names(tmp_path: Path, name: str) -> None:
    """Whatever a file may be called, it is remembered under that name."""
    path = settled(tmp_path / name, b"content")
    cache = StatCache(tmp_path / "cache")
    cache.digest(path)
    cache.close()

    assert is_known(StatCache(tmp_path / "cache"), path)


def test_what_is_no_file(cache: StatCache, tmp_path: Path) -> None:
    """A missing file, a folder and a pipe are errors, at once."""
    os.mkfifo(tmp_path / "pipe")

    for name in ("missing", "", "pipe"):
        with pytest.raises(OSError, match=str(tmp_path / name)):
            cache.digest(tmp_path / name)


def test_what_the_disk_does_not_give(cache: StatCache, tmp_path: Path) -> None:
    """An error while reading names the file."""
    (tmp_path / "file").symlink_to("/proc/self/mem")

    with pytest.raises(OSError, match="Input/output error") as caught:
        cache.digest(tmp_path / "file")

    assert caught.value.filename == str(tmp_path / "file")


def test_of_a_project(tmp_path: Path) -> None:
    """A project has one, which is saved when the project is closed."""
    path = settled(tmp_path / "file", b"content")
    with Workspace(Project(tmp_path, "test", {}), load_settings({})) as workspace:
        cache = open_stat_cache(workspace)
        cache.digest(path)
        assert open_stat_cache(workspace) is cache

    assert is_known(StatCache(tmp_path / ".ropewalk/stat-cache"), path)
