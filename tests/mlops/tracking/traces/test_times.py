"""Times, durations and enumerations as protobuf's JSON writes them: back and forth, and refused where they are none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.wire.trace_answers import (
    _time,
    named,
    read_duration,
    written_duration,
    written_time,
)

NAMES = {0: "UNSPECIFIED", 2: "OK"}


@settings(max_examples=60)
@given(ms=st.integers(0, 253_402_300_799_999))
def test_times_round_trip(ms: int) -> None:
    """Every millisecond of four-digit years."""
    assert _time("request_time", written_time(ms)) == ms


@settings(max_examples=60)
@given(ms=st.integers(-(10**12), 10**12))
def test_durations_round_trip(ms: int) -> None:
    """To the millisecond, also backwards."""
    assert read_duration(written_duration(ms)) == ms


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (1_700_000_000_120, "2023-11-14T22:13:20.120Z"),
        (1_700_000_000_000, "2023-11-14T22:13:20Z"),
    ],
)
def test_times(ms: int, text: str) -> None:
    """Digits of a second in threes, and only where there are some."""
    assert written_time(ms) == text


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2023-11-14T22:13:20Z", 1_700_000_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000_000),
        ("2023-11-14T22:13:20.1Z", 1_700_000_000_100),
        ("2023-11-14T22:13:20.123456789Z", 1_700_000_000_123),
        ("2023-11-14T22:13:20.9999Z", 1_700_000_001_000),
        (None, None),
    ],
)
def test_times_of_other_clients(text: str | None, ms: int | None) -> None:
    """With an offset, or finer than is kept."""
    assert _time("request_time", text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2023-11-14",
        "2023-11-14T22:13:20",
        "2023-11-14 22:13:20Z",
        "2023-13-14T22:13:20Z",
        "2023-11-14T25:13:20Z",
        "1969-12-31T23:59:59Z",
        "2023-11-14T22:13:20.Z",
        "2023-11-14T22:13:20Z\n",
        "9" * 500,
    ],
)
def test_what_is_no_time(text: str) -> None:
    """It is refused by the parameter's name, and shown shortened."""
    with pytest.raises(InvalidRequest, match="'request_time' supplied: It must be a time") as caught:
        _time("request_time", text)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("text", "ms"), [("0s", 0), ("1.5s", 1500), ("-0.25s", -250), ("0.0004s", 0), ("12.000000001s", 12_000)]
)
def test_durations(text: str, ms: int) -> None:
    """Finer than a millisecond is rounded."""
    assert read_duration(text) == ms


@pytest.mark.parametrize(
    "text", ["", "1", "s", "1.5", "1.s", ".5s", "1e3s", "nans", "1m", " 1s", "1s\n", f"{'9' * 13}s"]
)
def test_what_is_no_duration(text: str) -> None:
    """Only seconds are one."""
    with pytest.raises(InvalidRequest, match=r"It must be seconds, such as 1\.5s"):
        read_duration(text)


@pytest.mark.parametrize(
    ("value", "name"), [("OK", "OK"), (2, "OK"), (0, "UNSPECIFIED"), (None, "NONE"), ("", "NONE")]
)
def test_names(value: str | int | None, name: str) -> None:
    """By name or by number; zero is a number, and nothing is the default."""
    assert named(NAMES, value, "NONE") == name


def test_a_number_that_names_nothing() -> None:
    """The numbers that there are are told."""
    with pytest.raises(InvalidRequest, match=r"the numbers are \[0, 2\]"):
        named(NAMES, 1, "NONE")
