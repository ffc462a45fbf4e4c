"""Digests of files, remembered so that a file that did not change is not read again.

A remembered digest counts while the file's size, inode, device, mtime and ctime are the same, and it is remembered
only if the file system's clock had moved past those times before the first byte was read: a file that is written
again within one tick of that clock keeps its times, so until the tick is over equal times prove nothing.

What is stored through a memory map that stays open for writing changes no time before the kernel writes it back,
and is not seen until then.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

if TYPE_CHECKING:
    from ropewalk.pipeline.workspace import Workspace

# Larger blocks fall out of the processor's cache between reading and hashing; a memory map would be a little
# faster, and kills the process when somebody truncates the file meanwhile.
BLOCK = 1 << 20
# The coarsest clock of a file system in use: FAT counts in two seconds.
GRAIN_NS = 2_000_000_000
# From here on reading a fresh file again later costs more than waiting for the next tick now.
WORTH_WAITING = 32 << 20
TICK_S = 0.005
PATIENCE = 8
# How many lines the file may have beyond those that count before it is written anew.
SLACK = 1000


class Stamp(NamedTuple):
    """What tells that a file is the one that was read."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int


class _Known(NamedTuple):
    stamp: Stamp
    # When the reading began, by the file system's clock.
    read_at: int
    digest: str


class StatCache:
    """The digests of files, kept as lines of the file at `path`; damaged lines are left out and written over.

    Threads and processes may share one file: each adds what it found by one append, so the worst that happens
    between two of them is that a file is read once more.

    Args:
        path: the file; it need not exist, and where it cannot be written nothing is remembered.
        clock: the time in nanoseconds since 1970.
    """

    def __init__(self, path: Path, clock: Callable[[], int] = time.time_ns) -> None:
        self.path = path
        self._clock = clock
        self._probe = _ClockProbe(path.with_name(f"{path.name}.clock"), clock)
        self._lock = threading.Lock()
        self._lines, self._count, self._is_damaged = _load(path)
        self._known: dict[str, _Known] = {}
        self._fresh: dict[str, _Known] = {}

    def digest(self, path: Path) -> str:
        """Return the blake3 digest (64 hex digits) of the file's bytes.

        Raises:
            OSError: it cannot be read, or is no regular file.
        """
        name = str(path.absolute())
        known = self._recall(name)
        # An entry from the future was made before the clock was set back; times to come may repeat its own.
        if known and known.read_at <= self._clock() and known.stamp == _stamp(path.stat()):
            return known.digest
        return self._read(name)

    def save(self) -> None:
        """Write down what was found since the last time."""
        with self._lock:
            fresh, self._fresh = self._fresh, {}
            if not fresh and not self._is_damaged:
                return
            self._count += len(fresh)
            # It is a cache: a full disk or a read-only folder must not stop the work.
            with suppress(OSError):
                if self._is_damaged or self._count > 2 * len(self._lines) + SLACK:
                    self._rewrite()
                else:
                    self._append(fresh)

    def close(self) -> None:
        """Save, and let go of what is open."""
        self.save()
        self._probe.close()

    def _recall(self, name: str) -> _Known | None:
        with self._lock:
            known = self._known.get(name)
            if known is None and name in self._lines:
                known = _parse(self._lines[name])
                if known is None:
                    del self._lines[name]
                    self._is_damaged = True
                else:
                    self._known[name] = known
            return known

    def _read(self, name: str) -> str:
        # Not blocking, because opening a pipe would wait for somebody to write to it.
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            before = _regular(descriptor)
            read_at = self._settled(_stamp(before))
            digest = hash_descriptor(descriptor)
            # The second look catches a file that changed while its bytes were read.
            if read_at is not None and _stamp(os.fstat(descriptor)) == _stamp(before):
                self._remember(name, _Known(_stamp(before), read_at, digest))
        except OSError as error:
            # What fails on a descriptor does not know the name.
            error.filename = name
            raise
        finally:
            os.close(descriptor)
        return digest

    def _settled(self, stamp: Stamp) -> int | None:
        """Return the file system's time if it is past the stamp's times, so that any later write will show."""
        changed = max(stamp.mtime_ns, stamp.ctime_ns)
        for _ in range(PATIENCE):
            now = self._probe.now(stamp.device)
            if changed < now:
                return now
            if stamp.size < WORTH_WAITING or changed > now + GRAIN_NS:
                return None
            time.sleep(TICK_S)
        return None

    def _remember(self, name: str, known: _Known) -> None:
        with self._lock:
            self._known[name] = self._fresh[name] = known
            self._lines[name] = _line(name, known)

    def _append(self, fresh: dict[str, _Known]) -> None:
        # The first line break ends what a killed writer may have left unfinished.
        text = "\n" + "".join(self._lines[name] for name in fresh)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def _rewrite(self) -> None:
        # Files that are gone are forgotten here, or the memory would grow with every file there ever was.
        self._lines = {name: line for name, line in self._lines.items() if Path(name).exists()}
        self._count, self._is_damaged = len(self._lines), False
        unfinished = self.path.with_name(f"{self.path.name}.{os.getpid()}-{threading.get_ident()}")
        unfinished.write_text("".join(self._lines.values()), encoding="utf-8")
        # What another process appends between these two lines is found again when it is needed.
        unfinished.replace(self.path)


class _ClockProbe:
    """The clock by which files get their times: that of a file of our own, on the file system that it is on."""

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        self._path = path
        self._clock = clock
        self._descriptor: int | None = None
        self._lock = threading.Lock()

    def now(self, device: int) -> int:
        """Return a time that no file written on `device` from now on will be behind."""
        with self._lock, suppress(OSError):
            if self._descriptor is None:
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
                self._descriptor = os.open(self._path, flags, 0o644)
            os.utime(self._descriptor)
            found = os.fstat(self._descriptor)
            if found.st_dev == device:
                return found.st_mtime_ns
        # Elsewhere only the grain is known, and that the two clocks are one or kept together.
        return self._clock() - GRAIN_NS

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


def open_stat_cache(workspace: Workspace) -> StatCache:
    """Return the project's stat cache; it is saved when the workspace closes."""

    @contextmanager
    def opened() -> Iterator[StatCache]:
        known = StatCache(workspace.state / "stat-cache")
        try:
            yield known
        finally:
            known.close()

    return workspace.once("stat cache", opened)


def hash_descriptor(descriptor: int) -> str:
    """Return the blake3 digest (64 hex digits) of what can be read from the descriptor's position on."""
    digest = blake3()
    block = memoryview(bytearray(BLOCK))
    while count := os.readv(descriptor, [block]):
        digest.update(block[:count])
    return digest.hexdigest()


def _regular(descriptor: int) -> os.stat_result:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return found


def _stamp(found: os.stat_result) -> Stamp:
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)


def _load(path: Path) -> tuple[dict[str, str], int, bool]:
    """Return the last line about each file, how many lines there are, and whether any of them is damaged."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}, 0, False
    lines: dict[str, str] = {}
    is_damaged = False
    count = 0
    # Only taken apart when a file is asked for: most commands ask for few.
    for line in text.split("\n"):
        if not line:
            continue
        count += 1
        name = _name(line)
        if name is None:
            is_damaged = True
        else:
            lines[name] = line + "\n"
    return lines, count, is_damaged


def _name(line: str) -> str | None:
    quoted = line.rpartition("\t")[2]
    with suppress(ValueError):
        name = json.loads(quoted)
        return name if isinstance(name, str) else None
    return None


def _line(name: str, known: _Known) -> str:
    fields = [known.digest, *map(str, known.stamp), str(known.read_at), json.dumps(name)]
    text = "\t".join(fields)
    return f"{zlib.crc32(text.encode()):08x}\t{text}\n"


def _parse(line: str) -> _Known | None:
    """Return what the line says, or None when it is not as it was written."""
    check, _, text = line.rstrip("\n").partition("\t")
    if check != f"{zlib.crc32(text.encode()):08x}":
        return None
    digest, size, mtime, ctime, inode, device, read_at, _ = text.split("\t")
    return _Known(Stamp(int(size), int(mtime), int(ctime), int(inode), int(device)), int(read_at), digest)
