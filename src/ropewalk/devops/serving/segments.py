"""The prediction log: one file per worker process, appended to before each reply.

A segment is a row of frames, each `length, CRC-32, JSON`: first a header that says whose predictions these are,
then one record per request. A frame is appended by a single write, so a process killed at any moment loses no
record that was acknowledged, and leaves at most one torn frame at the very end. The bytes are in the kernel's
hands before the reply; surviving a power cut as well would cost a disk flush per request and is not promised.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from ropewalk.devops.serving.errors import PredictionNotRecorded, SegmentDamaged
from ropewalk.devops.serving.payload import Values
from ropewalk.errors import Place

_Decoded = TypeVar("_Decoded")
_FRAME = struct.Struct("<II")
# How the JSON of every record begins: an array whose first item is the request's id.
_RECORD_START = b'["'


class SegmentHeader(msgspec.Struct, frozen=True):
    """Whose predictions a segment holds.

    Attributes:
        deployment: the deployment that answered.
        model: the model's registered name.
        version: its version.
        key: the request column that identifies what is predicted.
        types: MLflow type of each of the model's columns.
    """

    deployment: str
    model: str
    version: int
    key: str
    types: dict[str, str]


class Record(msgspec.Struct, array_like=True, frozen=True):
    """One answered request: its id, arrival (UTC ms), columns as sent, and one prediction per row."""

    request_id: str
    arrived_at: int
    names: Sequence[str]
    columns: Sequence[Values]
    predictions: Sequence[object]


@dataclass(frozen=True)
class Entry:
    """A record as read back, with the segment it stands in and the position after it."""

    segment: str
    position: int
    header: SegmentHeader
    record: Record


class SegmentWriter:
    """The segment of this process; made at once, so that a folder that cannot be written shows at start.

    When the file is taken away, cut or torn under it, the next record begins another one.

    Raises:
        PredictionNotRecorded: the file cannot be made or written.
    """

    def __init__(self, folder: Path, header: SegmentHeader) -> None:
        self._folder = folder
        self._header = msgspec.json.encode(header)
        self._descriptor = -1
        self._start()

    def append(self, record: Record) -> None:
        """Append one record; when this returns, it survives the end of this process.

        Raises:
            PredictionNotRecorded: the disk is full or gone; the records before it are as they were.
        """
        # A file without a name takes bytes as well as any other, and they are gone with the process.
        if not self._is_in_place():
            self.close()
            self._start()
        self._append(msgspec.json.encode(record))

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _start(self) -> None:
        self._end = 0
        self.path = self._folder / f"{time.time_ns()}-{os.getpid()}.seg"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Exclusive: process ids repeat between containers that share the folder.
            flags = os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY
            self._descriptor = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise PredictionNotRecorded(
                f"cannot write {self.path}: {error.strerror}",
                hint="nothing is answered that cannot be recorded: make the folder writable",
            ) from error
        try:
            self._append(self._header)
        except PredictionNotRecorded:
            # Every request to a full disk would leave one more empty file.
            self.path.unlink(missing_ok=True)
            raise

    def _is_in_place(self) -> bool:
        try:
            return self.path.stat().st_size == self._end
        except OSError:
            return False

    def _append(self, content: bytes) -> None:
        frame = _FRAME.pack(len(content), zlib.crc32(content)) + content
        try:
            written = os.write(self._descriptor, frame)
        except OSError as error:
            raise self._unwritten(error.strerror or str(error)) from error
        if written != len(frame):
            # A frame behind the part could not be read; if it stays, the next record begins another file.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._end)
            raise self._unwritten("the disk took only a part")
        self._end += written

    def _unwritten(self, reason: str) -> PredictionNotRecorded:
        return PredictionNotRecorded(
            f"the prediction could not be recorded: {reason}",
            hint=f"make room on the disk that holds {self._folder}",
        )


def read_segments(folder: Path, after: Mapping[str, int]) -> Iterator[Entry]:
    """Yield the records of all segments in `folder` that stand behind the positions `after`.

    A torn frame at the end of a segment is left alone: it was never acknowledged, or is being written now.

    Raises:
        SegmentDamaged: bytes before the end are not what was written.
    """
    for path in segment_files(folder):
        yield from _read_segment(path, after.get(path.name, 0))


def prediction_ids(request_id: str, rows: int) -> Sequence[str]:
    """Return the id of each row's prediction; the log's reader derives the same ids."""
    # Derived and not stored: the log grows by one id per request, not one per row.
    return [f"{request_id}-{row}" for row in range(rows)]


def segment_files(folder: Path) -> list[Path]:
    """Return the segments in `folder`, oldest first."""
    # The times have one length until the year 2286; the length keeps the order right even then.
    return sorted(folder.glob("*.seg"), key=lambda path: (len(path.name.partition("-")[0]), path.name))


def log_state(folder: Path) -> dict[str, str]:
    """Return name -> size in bytes of each segment in `folder` that holds more than its header, unread.

    Every worker that starts makes a segment with a header alone; until it answers, nothing has changed.

    Raises:
        SegmentDamaged: a segment cannot be opened.
    """
    sizes = {path.name: _sizes(path) for path in segment_files(folder)}
    return {name: str(size) for name, (size, header) in sizes.items() if size > header}


def _sizes(path: Path) -> tuple[int, int]:
    """Return how long a segment is, and how long its header says that it is itself."""
    with _readable(path), path.open("rb") as stream:
        start = stream.read(_FRAME.size)
        size = os.fstat(stream.fileno()).st_size
    length: int = _FRAME.unpack(start)[0] if len(start) == _FRAME.size else 0
    return size, _FRAME.size + length


def _read_segment(path: Path, after: int) -> Iterator[Entry]:
    size, start = _sizes(path)
    if size < start or start == _FRAME.size:
        # No whole header: its worker was killed right at the start, or the bytes have changed since.
        _refuse_frames_behind(path, _read(path, 0), 0)
    elif size > max(start, after):
        _, head = next(_frames(path, _read(path, 0, start), 0))
        header = _decode(path, 0, head, SegmentHeader)
        start = max(start, after)
        for end, frame in _frames(path, _read(path, start), start):
            yield Entry(path.name, end, header, _decode(path, end, frame, Record))


def _read(path: Path, start: int, size: int = -1) -> bytes:
    with _readable(path), path.open("rb") as stream:
        stream.seek(start)
        return stream.read(size)


def _frames(path: Path, content: bytes, position: int) -> Iterator[tuple[int, bytes]]:
    """Yield (position behind the frame, its bytes) for each whole frame of what stands from `position` on."""
    offset = 0
    while offset + _FRAME.size <= len(content):
        length, checksum = _FRAME.unpack_from(content, offset)
        end = offset + _FRAME.size + length
        # A lost write at a power cut can leave zeros behind the last frame.
        if end > len(content) or length == 0:
            break
        frame = content[offset + _FRAME.size : end]
        if zlib.crc32(frame) != checksum:
            raise _damaged(path, position + offset, "the checksum does not match")
        yield position + end, frame
        offset = end
    _refuse_frames_behind(path, content[offset:], position + offset)


def _refuse_frames_behind(path: Path, rest: bytes, position: int) -> None:
    """Refuse to take `rest` for a torn end when a whole record stands in it.

    A length that has changed looks like a frame that was not written to its end, and would hide all behind it.
    """
    found = rest.find(_RECORD_START, 2 * _FRAME.size)
    while found >= 0:
        length, checksum = _FRAME.unpack_from(rest, found - _FRAME.size)
        if found + length <= len(rest) and zlib.crc32(rest[found : found + length]) == checksum:
            raise _damaged(path, position, "a frame's length is wrong, and records stand behind it")
        found = rest.find(_RECORD_START, found + 1)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SegmentDamaged(
            f"the prediction log cannot be read: {error.strerror}",
            place=Place(str(path)),
            hint="restore the file or its permissions",
        ) from error


def _decode(path: Path, position: int, frame: bytes, kind: type[_Decoded]) -> _Decoded:
    try:
        return msgspec.json.decode(frame, type=kind)
    except msgspec.MsgspecError as error:
        raise _damaged(path, position, str(error)) from error


def _damaged(path: Path, position: int, reason: str) -> SegmentDamaged:
    return SegmentDamaged(
        f"the prediction log is damaged at byte {position}: {reason}",
        place=Place(str(path)),
        hint="restore the file from a backup, or move it away to go on without its predictions",
    )
