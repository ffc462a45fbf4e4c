"""Claims about the prediction log: nothing written is lost, torn ends are left alone, damage is told."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.devops.serving.errors import PredictionNotRecorded, SegmentDamaged
from ropewalk.devops.serving.segments import Record, SegmentWriter, log_state, prediction_ids, read_segments

from .conftest import HEADER


def record(name: str, rows: int = 1) -> Record:
    return Record(name, 1000, ["flight_id", "hour"], [[*range(rows)], [7] * rows], [0.5] * rows)


def ids(folder: Path, after: dict[str, int] | None = None) -> list[str]:
    return [entry.record.request_id for entry in read_segments(folder, after or {})]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SegmentWriter]:
    found = SegmentWriter(tmp_path, HEADER)
    yield found
    found.close()


def test_records_come_back_as_written(tmp_path: Path, writer: SegmentWriter) -> None:
    """A record is read with the header of its segment and the position behind it."""
    writer.append(record("one", 2))

    (entry,) = read_segments(tmp_path, {})

    assert entry.record == record("one", 2)
    assert entry.header == HEADER
    assert (entry.segment, entry.position) == (writer.path.name, writer.path.stat().st_size)


def test_reading_goes_on_behind_a_position(tmp_path: Path, writer: SegmentWriter) -> None:
    """Who remembers positions gets each record once."""
    writer.append(record("one"))
    after = {entry.segment: entry.position for entry in read_segments(tmp_path, {})}
    writer.append(record("two"))

    assert ids(tmp_path, after) == ["two"]
    assert ids(tmp_path, {writer.path.name: writer.path.stat().st_size}) == []


def test_a_segment_without_records_has_none(tmp_path: Path, writer: SegmentWriter) -> None:
    """A worker that never answered leaves a header and nothing else."""
    assert writer.path.is_file()
    assert ids(tmp_path) == []


def test_a_missing_folder_has_no_records(tmp_path: Path) -> None:
    """Before the first worker there is nothing to read."""
    assert ids(tmp_path / "nothing") == []


@given(part=st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True))
@settings(max_examples=40)
def test_a_torn_end_is_left_alone(tmp_path_factory: pytest.TempPathFactory, part: float) -> None:
    """However much of the last frame is there, all frames before it are read, and no error is made of it."""
    folder = tmp_path_factory.mktemp("torn")
    writer = SegmentWriter(folder, HEADER)
    writer.append(record("one"))
    whole = writer.path.stat().st_size
    writer.append(record("two"))
    writer.close()
    os.truncate(writer.path, whole + int(part * (writer.path.stat().st_size - whole)))

    assert ids(folder) == ["one"]


def test_zeros_behind_the_end_are_left_alone(tmp_path: Path, writer: SegmentWriter) -> None:
    """What a power cut can leave behind the last frame is not taken for a frame."""
    writer.append(record("one"))
    with writer.path.open("ab") as stream:
        stream.write(bytes(64))

    assert ids(tmp_path) == ["one"]


def test_a_changed_byte_is_told(tmp_path: Path, writer: SegmentWriter) -> None:
    """A byte that rotted in the middle is an error with its place, not a silent end."""
    writer.append(record("one"))
    content = bytearray(writer.path.read_bytes())
    content[-5] ^= 1
    writer.path.write_bytes(content)

    with pytest.raises(SegmentDamaged, match="the checksum does not match") as caught:
        ids(tmp_path)

    assert caught.value.place is not None
    assert caught.value.place.path == str(writer.path)


def test_a_frame_that_is_no_record_is_told(tmp_path: Path, writer: SegmentWriter) -> None:
    """A whole frame of something else is damage too."""
    writer._append(b'{"not": "a record"}')

    with pytest.raises(SegmentDamaged):
        ids(tmp_path)


def test_a_full_disk_leaves_the_segment_as_it_was(tmp_path: Path, writer: SegmentWriter) -> None:
    """A record that does not fit is undone, and the next that fits is written whole."""
    writer.append(record("one"))
    size = writer.path.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, before[1]))
    try:
        with pytest.raises(PredictionNotRecorded, match="only a part"):
            writer.append(record("two", 50))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert writer.path.stat().st_size == size
    writer.append(record("three"))

    assert ids(tmp_path) == ["one", "three"]


def test_behind_a_torn_end_another_segment_begins(tmp_path: Path, writer: SegmentWriter) -> None:
    """A part of a frame that could not be taken away hides no record that is acknowledged later."""
    writer.append(record("one"))
    with writer.path.open("ab") as stream:
        stream.write(b"\xff\0\0\0torn")

    writer.append(record("two"))

    assert ids(tmp_path) == ["one", "two"]
    assert len(list(tmp_path.glob("*.seg"))) == 2


@pytest.mark.parametrize("how", ["removed", "moved", "cut", "folder"])
def test_a_segment_taken_away_is_begun_anew(tmp_path: Path, how: str) -> None:
    """A worker whose file somebody removed, moved or cut records where the next reader looks."""
    writer = SegmentWriter(tmp_path / "late", HEADER)
    writer.append(record("one"))
    if how == "removed":
        writer.path.unlink()
    elif how == "moved":
        writer.path.rename(tmp_path / "kept.seg")
    elif how == "cut":
        os.truncate(writer.path, 10)
    else:
        shutil.rmtree(tmp_path / "late")

    writer.append(record("two"))
    writer.append(record("three"))
    writer.close()

    assert ids(tmp_path / "late") == ["two", "three"]


def test_a_disk_that_stays_full_leaves_no_files(tmp_path: Path, writer: SegmentWriter) -> None:
    """Requests that cannot be recorded do not fill the folder with empty segments; later ones are recorded."""
    writer.path.unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        for _ in range(3):
            with pytest.raises(PredictionNotRecorded):
                writer.append(record("lost"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []

    writer.append(record("kept"))

    assert ids(tmp_path) == ["kept"]


@pytest.mark.parametrize("byte", range(4))
@pytest.mark.parametrize("frame", [0, 1, 2])
def test_a_changed_length_hides_nothing(tmp_path: Path, writer: SegmentWriter, frame: int, byte: int) -> None:
    """A length that rotted, of the header or of a record, is damage, even where it looks like a torn end."""
    starts = [0]
    for name in ("one", "two", "three"):
        starts.append(writer.path.stat().st_size)
        writer.append(record(name))
    content = bytearray(writer.path.read_bytes())
    content[starts[frame] + byte] ^= 0x41
    writer.path.write_bytes(content)

    with pytest.raises(SegmentDamaged):
        ids(tmp_path)


def test_a_length_of_zero_hides_nothing(tmp_path: Path, writer: SegmentWriter) -> None:
    """Zeros where a header or a record began are damage when records stand behind them."""
    writer.append(record("one"))
    writer.append(record("two"))
    writer.path.write_bytes(bytes(8) + writer.path.read_bytes()[8:])

    with pytest.raises(SegmentDamaged, match="damaged at byte 0"):
        ids(tmp_path)


def test_a_segment_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """What stands in the place of a segment and is none is told of with its path."""
    (tmp_path / "1-1.seg").mkdir()

    with pytest.raises(SegmentDamaged, match="cannot be read") as caught:
        log_state(tmp_path)

    assert str(caught.value.place).endswith("1-1.seg")


def test_a_folder_that_cannot_be_made_is_told_at_start(tmp_path: Path) -> None:
    """A worker that cannot record does not start."""
    (tmp_path / "file").write_text("")

    with pytest.raises(PredictionNotRecorded, match="cannot write"):
        SegmentWriter(tmp_path / "file" / "late", HEADER)


def test_ids_of_predictions_are_the_requests_and_the_row() -> None:
    """The worker and the reader derive the same ids."""
    assert prediction_ids("abc", 2) == ["abc-0", "abc-1"]


def test_the_state_of_a_log_is_its_sizes(tmp_path: Path, writer: SegmentWriter) -> None:
    """A segment counts from its first record on: a worker that only started changes nothing."""
    assert log_state(tmp_path) == {}

    writer.append(record("one"))

    assert log_state(tmp_path) == {writer.path.name: str(writer.path.stat().st_size)}


def test_a_torn_header_is_no_state(tmp_path: Path) -> None:
    """A segment whose worker was killed while it made it holds nothing."""
    (tmp_path / "1-1.seg").write_bytes(b"\x05")

    assert log_state(tmp_path) == {}
    assert ids(tmp_path) == []
