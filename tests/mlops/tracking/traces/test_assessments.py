"""What is said of traces: kept, changed, overridden and taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Call, Export, fresh_id, span

Say = Callable[..., dict[str, Any]]


@pytest.fixture
def trace(export: Export) -> str:
    """Return the id of a trace."""
    return export(span(1))


@pytest.fixture
def say(v3: Call, trace: str) -> Say:
    """Return a function that adds an assessment of the trace."""

    def add(status: int = 200, **fields: Any) -> dict[str, Any]:
        sent = {"assessment": {"assessment_name": "good", **fields}}
        answer = v3("POST", f"traces/{trace}/assessments", status, json=sent)
        return dict(answer.get("assessment", answer))

    return add


@pytest.mark.parametrize("value", [True, 0.5, "yes", ["a", 1.5], {"a": {"b": None}}, None])
def test_feedback_keeps_any_value(say: Say, v3: Call, trace: str, value: Any) -> None:
    """Feedback may be any JSON value."""
    made = say(feedback={"value": value}, rationale="because", metadata={"k": "v"})

    kept = v3("GET", f"traces/{trace}/assessments/{made['assessment_id']}")["assessment"]

    assert kept == made
    assert kept["feedback"]["value"] == value
    assert kept["source"] == {"source_type": "CODE", "source_id": "default"}
    assert v3("GET", f"traces/{trace}")["trace"]["trace_info"]["assessments"] == [kept]


def test_assessments_of_one_millisecond_keep_their_order(say: Say, v3: Call, trace: str) -> None:
    """Assessments are read in the order in which they were made, also where their times are the same."""
    names = ["accuracy", "clarity", "zeal", "b", "a", "humour"]
    for name in names:
        say(assessment_name=name, feedback={"value": 1}, create_time="2026-01-01T00:00:00.000Z")

    kept = v3("GET", f"traces/{trace}")["trace"]["trace_info"]["assessments"]

    assert {one["create_time"] for one in kept} == {kept[0]["create_time"]}
    assert [one["assessment_name"] for one in kept] == names


def test_an_error_in_place_of_a_value(say: Say) -> None:
    """A judge that failed says why."""
    error = {"error_code": "TIMEOUT", "error_message": "too slow"}

    assert say(feedback={"error": error})["feedback"] == {"error": error}


def test_expectations_are_written_as_clients_read_them(say: Say) -> None:
    """A list or an object is written as a text, and read as one."""
    text = {"serialization_format": "JSON_FORMAT", "value": '{"a": [1]}'}

    assert say(expectation={"value": {"a": [1]}})["expectation"] == {"serialized_value": text}
    assert say(expectation={"serialized_value": text})["expectation"] == {"serialized_value": text}
    assert say(expectation={"value": "plain"})["expectation"] == {"value": "plain"}


def test_a_change_keeps_what_it_does_not_name(say: Say, v3: Call, trace: str) -> None:
    """Only the fields of the mask change; metadata are added."""
    made = say(feedback={"value": 1.0}, rationale="old", metadata={"a": "1"})
    change = {"rationale": "new", "metadata": {"b": "2"}, "assessment_name": "unheeded"}

    path = f"traces/{trace}/assessments/{made['assessment_id']}"
    changed = v3("PATCH", path, json={"assessment": change, "update_mask": "rationale,metadata"})[
        "assessment"
    ]

    assert (changed["rationale"], changed["metadata"]) == ("new", {"a": "1", "b": "2"})
    assert (changed["assessment_name"], changed["feedback"]) == ("good", {"value": 1.0})


def test_overriding_and_taking_back(say: Say, v3: Call, trace: str) -> None:
    """What is overridden does not count, until the other is taken back."""
    first = say(feedback={"value": True})["assessment_id"]
    second = say(feedback={"value": False}, overrides=first)["assessment_id"]
    path = f"traces/{trace}/assessments"
    assert v3("GET", f"{path}/{first}")["assessment"]["valid"] is False

    v3("DELETE", f"{path}/{second}")
    v3("DELETE", f"{path}/{second}")

    assert v3("GET", f"{path}/{first}")["assessment"]["valid"] is True
    v3("GET", f"{path}/{second}", 404)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"feedback": {"value": 1}, "expectation": {"value": 1}},
        {"expectation": {}},
        {"expectation": {"serialized_value": {"serialization_format": "XML", "value": "1"}}},
        {"expectation": {"serialized_value": {"serialization_format": "JSON_FORMAT", "value": "{"}}},
        {"feedback": {"value": 1}, "assessment_name": ""},
        {"feedback": {"value": 1}, "assessment_name": "x" * 300},
        {"feedback": {"value": "x" * (1 << 21)}},
        {"feedback": {"value": 1}, "source": {"source_type": "ORACLE", "source_id": "x"}},
        {"feedback": {"value": 1}, "source": {"source_type": 9, "source_id": "x"}},
        {"feedback": {"value": 1}, "create_time": "today"},
    ],
)
def test_bad_assessments_are_refused(say: Say, fields: dict[str, Any]) -> None:
    """What is no assessment is refused."""
    assert say(400, **fields)["error_code"] == "INVALID_PARAMETER_VALUE"


def test_what_there_is_not(say: Say, v3: Call, trace: str) -> None:
    """Traces and assessments that there are not are not found."""
    say(404, feedback={"value": 1}, overrides="a-none")
    v3("GET", f"traces/{trace}/assessments/a-none", 404)
    v3("GET", "traces/tr-none/assessments/a-none", 404)
    v3("DELETE", "traces/tr-none/assessments/a-none", 404)


@pytest.mark.parametrize("change", [{"update_mask": "source"}, {"update_mask": "expectation"}, {}])
def test_bad_changes_are_refused(say: Say, v3: Call, trace: str, change: dict[str, str]) -> None:
    """A mask names known fields, and feedback becomes no expectation."""
    identifier = say(feedback={"value": 1})["assessment_id"]
    sent = {"assessment": {"expectation": {"value": 1}}, **change}

    v3("PATCH", f"traces/{trace}/assessments/{identifier}", 400, json=sent)


def test_assessments_that_come_with_a_trace(v3: Call, experiment: str) -> None:
    """A description that is sent again doubles none of the assessments in it."""
    said = [{"assessment_name": "a", "feedback": {"value": n}} for n in (1, 2)]
    info = {
        "trace_id": f"tr-{fresh_id()}",
        "trace_location": {"mlflow_experiment": {"experiment_id": experiment}},
        "request_time": "1970-01-01T00:00:01Z",
        "assessments": said,
    }

    for _ in range(2):
        kept = v3("POST", "traces", json={"trace": {"trace_info": info}})["trace"]["trace_info"]

    assert sorted(one["feedback"]["value"] for one in kept["assessments"]) == [1, 2]
