"""The size of a prediction log, told without reading it."""

from __future__ import annotations

import pytest

from ropewalk.devops.serving import log_state
from ropewalk.devops.serving.segments import Record, SegmentHeader, SegmentWriter

HEADER = SegmentHeader("late", "late", 1, "flight_id", {"wind": "double"})
RECORD = Record("r1", 1, ["flight_id"], [[7]], [0.25])


@pytest.fixture
def writer(tmp_path):
    opened = SegmentWriter(tmp_path / "late", HEADER)
    yield opened
    opened.close()


def test_no_folder_holds_nothing(tmp_path):
    """A deployment that was never started has no log."""
    assert log_state(tmp_path / "late") == {}


def test_worker_that_only_started_holds_nothing(writer):
    """A header alone is no prediction."""
    assert log_state(writer.path.parent) == {}


def test_each_record_counts(writer):
    """The size grows with each request that was answered."""
    writer.append(RECORD)
    one = log_state(writer.path.parent)

    writer.append(RECORD)

    two = log_state(writer.path.parent)
    assert set(one) == set(two) == {writer.path.name}
    assert int(two[writer.path.name]) > int(one[writer.path.name])


@pytest.mark.parametrize("size", [0, 3, 8, 20])
def test_torn_header_holds_nothing(writer, size):
    """A worker killed while it wrote its header has predicted nothing."""
    whole = writer.path.read_bytes()
    (writer.path.parent / "1-1.seg").write_bytes(whole[:size])

    assert log_state(writer.path.parent) == {}
