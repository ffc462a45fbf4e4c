"""Traces and assessments between the wire and the store, there and back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.wire import trace_answers as answers
from ropewalk.mlops.tracking.wire import traces as wire
from ropewalk.store.tracking.traces import Trace


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00.0015+01:00", 2),
        ("1970-01-01T00:00:01.123456789Z", 1123),
    ],
)
def test_times_are_read(text: str, ms: int) -> None:
    """Times of any zone and fineness become milliseconds."""
    sent = wire.Assessment(assessment_name="a", feedback=wire.Feedback(1), create_time=text)

    # A time of 0 is no time: protobuf leaves it out, and so the moment of arrival stands.
    found = answers.read_assessment(sent, "tr-1").created_at
    assert ms in (found, 0)


@pytest.mark.parametrize(
    "text", ["", "now", "1970-13-01T00:00:00Z", "1970-01-01", "1970-01-01T00:00:00", "9" * 300]
)
def test_what_is_no_time(text: str) -> None:
    """What is no time is refused."""
    sent = wire.Assessment(assessment_name="a", feedback=wire.Feedback(1), create_time=text)

    with pytest.raises(InvalidRequest, match="must be a time"):
        answers.read_assessment(sent, "tr-1")


@pytest.mark.parametrize("text", ["", "5", "s", "1.s", "1e5s", "9999999999999s", "-s", "1,5s"])
def test_what_is_no_duration(text: str) -> None:
    """What is no duration is refused."""
    with pytest.raises(InvalidRequest, match="seconds"):
        answers.read_duration(text)


@pytest.mark.parametrize(("ms", "text"), [(0, "0s"), (1500, "1.500s"), (-2001, "-2.001s"), (60_000, "60s")])
def test_durations(ms: int, text: str) -> None:
    """Durations are written with their milliseconds and read back."""
    assert answers.written_duration(ms) == text
    assert answers.read_duration(text) == ms


def test_a_trace_there_and_back() -> None:
    """What is read of a written trace is the trace."""
    trace = Trace(0, "tr-1", "7", 1_001, 2_500, "ERROR", "mine", "in", "out", "", {"a": "b"}, {"c": "d"})

    sent = msgspec.json.decode(msgspec.json.encode(answers.trace_info(trace)), type=wire.TraceInfoV3)

    assert answers.read_trace_info(sent) == trace


def test_a_trace_as_before_3() -> None:
    """Older clients read state, times, tags and metadata by other names."""
    written = answers.legacy_info(Trace(0, "tr-1", "7", 5, None, "STATE_UNSPECIFIED", tags={"a": "b"}))

    assert (written.status, written.timestamp_ms, written.execution_time_ms) == (
        "TRACE_STATUS_UNSPECIFIED",
        5,
        None,
    )
    assert written.tags == [wire.TraceTag("a", "b")]


def test_older_names_of_previews() -> None:
    """Before 3.2 a request's first words had another name."""
    place = wire.TraceLocation(mlflow_experiment=wire.MlflowExperimentLocation("1"))

    read = answers.read_trace_info(
        wire.TraceInfoV3("tr-1", trace_location=place, request="in", response="out")
    )

    assert (read.request_preview, read.response_preview) == ("in", "out")


@pytest.mark.parametrize(("value", "name"), [(None, "STATE_UNSPECIFIED"), (2, "ERROR"), ("OK", "OK")])
def test_names_and_numbers(value: str | int | None, name: str) -> None:
    """An enumeration's member comes by name or number, or not at all."""
    assert answers.named(wire.TRACE_STATES, value, "STATE_UNSPECIFIED") == name


@pytest.mark.parametrize("value", [4, -1, 10**12])
def test_numbers_of_nothing(value: int) -> None:
    """A number without a member is refused."""
    with pytest.raises(InvalidRequest, match="the numbers are"):
        answers.named(wire.TRACE_STATES, value, "")


@pytest.mark.parametrize(("value", "kept"), [(float("nan"), "NaN"), (float("inf"), "Infinity"), (0.5, 0.5)])
def test_numbers_that_json_lacks(value: float, kept: Any) -> None:
    """Feedback that is not a number is kept as the word for it."""
    sent = wire.Assessment(assessment_name="a", feedback=wire.Feedback(value))

    assert answers.read_assessment(sent, "tr-1").value == kept


def test_an_issue_is_named() -> None:
    """A reference to an issue is written with the issue's name."""
    sent = wire.Assessment(assessment_name="i-1", issue=wire.IssueReference("i-1"))

    assert answers.assessment(answers.read_assessment(sent, "tr-1")).issue == wire.IssueReference("i-1")
