"""The ways in which MLflow's wire differs from plain JSON."""

from __future__ import annotations

import json
import math

import msgspec
import pytest
from starlette.requests import Request

from ropewalk.errors import Conflict, Failed, InvalidInput, NotFound, RopewalkError, Unavailable
from ropewalk.mlops.tracking.errors import ExperimentExists, InvalidRequest, UnknownRoute, UnknownRun
from ropewalk.mlops.tracking.wire import compat
from ropewalk.mlops.tracking.wire import models as wire
from ropewalk.mlops.tracking.wire import requests as ask
from ropewalk.mlops.tracking.wire.models import Metric


def _query(text: str) -> Request:
    return Request({"type": "http", "method": "GET", "headers": [], "query_string": text.encode()})


@pytest.mark.parametrize("text", ['"170"', "170", "170.0"])
def test_integers_from_text_or_number(text: str) -> None:
    """64-bit integers are read from numbers and from strings."""
    read = compat.decode(f'{{"start_time": {text}}}'.encode(), ask.CreateRun)

    assert read.start_time == 170


@pytest.mark.parametrize("text", ['"1.5"', "1.5", "true", "[]", "9223372036854775808", '"x"'])
def test_other_integers_are_refused(text: str) -> None:
    """What is no 64-bit integer is refused by the name of its parameter."""
    with pytest.raises(InvalidRequest, match="for parameter 'start_time' supplied"):
        compat.decode(f'{{"start_time": {text}}}'.encode(), ask.CreateRun)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"NaN"', math.nan),
        ('"Infinity"', math.inf),
        ('"-Infinity"', -math.inf),
        ("NaN", math.nan),
        ("-Infinity", -math.inf),
        ("1", 1.0),
        ('"0.5"', 0.5),
    ],
)
def test_doubles(text: str, value: float) -> None:
    """Doubles are read in every form that clients write, bare NaN included."""
    read = compat.decode(f'{{"key": "a", "value": {text}}}'.encode(), ask.LogMetric)

    assert repr(read.value) == repr(value)


def test_wrong_double_in_a_list() -> None:
    """A wrong value deep in a list is refused with its place: MLflow's own server loses the metric."""
    body = b'{"run_id": "r", "metrics": [{"key": "a", "value": "x"}]}'

    with pytest.raises(InvalidRequest, match=r"for parameter 'metrics' supplied: .* at metrics\[0\].value"):
        compat.decode(body, ask.LogBatch)


def test_exact_text_for_a_wrong_type() -> None:
    """The sentence names the value and the parameter, as MLflow's own tests expect."""
    with pytest.raises(InvalidRequest, match="Invalid value 1 for parameter 'name' supplied"):
        compat.decode(b'{"name": 1}', ask.CreateExperiment)


@pytest.mark.parametrize(
    "body", [b"{", b"", b"nope", b'{"name": 1, ', b"\xff\xfe", b"[" * 100_000, b'{"name": "\\ud800"']
)
def test_what_is_no_json(body: bytes) -> None:
    """Bytes that are not JSON are refused, never taken for an empty request."""
    with pytest.raises(InvalidRequest):
        compat.decode(body, ask.CreateExperiment)


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null"])
def test_what_is_no_object(body: bytes) -> None:
    """JSON that is no object is refused."""
    with pytest.raises(InvalidRequest):
        compat.decode(body, ask.CreateExperiment)


def test_long_values_are_shown_shortened() -> None:
    """An error does not send a large value back."""
    body = json.dumps({"name": ["x" * 10_000]}).encode()

    with pytest.raises(InvalidRequest) as caught:
        compat.decode(body, ask.CreateExperiment)

    assert len(caught.value.message) < 400


def test_unknown_fields_are_ignored() -> None:
    """A newer client's fields do no harm."""
    read = compat.decode(b'{"name": "a", "from_the_future": {}}', ask.CreateExperiment)

    assert read.name == "a"


def test_unset_fields_are_left_out() -> None:
    """Unset fields and empty lists are omitted; values set to 0 or "" are kept."""
    info = wire.RunInfo(user_id="", start_time=0)

    assert compat.answer(info).body == b'{"user_id":"","start_time":0}'
    assert compat.answer(None).body == b"{}"
    assert compat.answer(wire.RunData()).body == b"{}"


@pytest.mark.parametrize(
    ("value", "text"),
    [(math.nan, b'"NaN"'), (math.inf, b'"Infinity"'), (-math.inf, b'"-Infinity"'), (0.0, b"0.0")],
)
def test_doubles_are_written(value: float, text: bytes) -> None:
    """What JSON has no number for is written as a string."""
    written = compat.answer(Metric(value=compat.wire_number(value)))

    assert written.body == b'{"value":' + text + b"}"


def test_query_with_lists() -> None:
    """A list's parameter may be repeated, and stands alone as well."""
    repeated = compat.read_query(_query("order_by=a&order_by=b&max_results=5"), ask.SearchExperiments)
    single = compat.read_query(_query("order_by=a"), ask.SearchExperiments)

    assert (repeated.order_by, repeated.max_results) == (["a", "b"], 5)
    assert single.order_by == ["a"]


def test_query_with_a_wrong_number() -> None:
    """A query's values are checked like a body's."""
    with pytest.raises(InvalidRequest, match="for parameter 'max_results' supplied"):
        compat.read_query(_query("max_results=many"), ask.SearchExperiments)


@pytest.mark.parametrize("text", ["1", "yes", ""])
def test_query_with_a_wrong_flag(text: str) -> None:
    """A boolean in a query is `true` or `false`."""

    class Flagged(msgspec.Struct):
        wanted: bool | None = None

    assert compat.read_query(_query("wanted=TRUE"), Flagged).wanted is True
    with pytest.raises(InvalidRequest, match="must be 'true' or 'false'"):
        compat.read_query(_query(f"wanted={text}"), Flagged)


@pytest.mark.parametrize("asked", [ask.CreateExperiment(), ask.CreateExperiment(name="")])
def test_required(asked: ask.CreateExperiment) -> None:
    """What is required is neither missing nor empty."""
    with pytest.raises(InvalidRequest, match="Missing value for required parameter 'name'"):
        compat.check_required(asked)


def test_a_value_may_be_empty() -> None:
    """A tag's or parameter's value is required, and may be an empty text."""
    compat.check_required(ask.LogParam(key="a", value=""))

    with pytest.raises(InvalidRequest, match="'value'"):
        compat.check_required(ask.LogParam(key="a"))


def test_enumerations() -> None:
    """Members are read by name or number, and unknown ones refused."""
    assert compat.by_name(wire.RunStatus, 3, "") == "FINISHED"
    assert compat.by_name(wire.RunStatus, "FAILED", "") == "FAILED"
    assert compat.by_name(wire.ViewType, None, "ACTIVE_ONLY") == "ACTIVE_ONLY"
    with pytest.raises(InvalidRequest, match="Invalid value 9"):
        compat.by_name(wire.RunStatus, 9, "")
    with pytest.raises(InvalidRequest, match="run_view_type"):
        compat.decode(b'{"run_view_type": "XX"}', ask.SearchRuns)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidInput("x"), 400, "INVALID_PARAMETER_VALUE"),
        (NotFound("x"), 404, "RESOURCE_DOES_NOT_EXIST"),
        (UnknownRun("x"), 404, "RESOURCE_DOES_NOT_EXIST"),
        (ExperimentExists("x"), 400, "RESOURCE_ALREADY_EXISTS"),
        (Conflict("x"), 400, "INVALID_PARAMETER_VALUE"),
        (UnknownRoute("x"), 404, "ENDPOINT_NOT_FOUND"),
        (Unavailable("x"), 503, "TEMPORARILY_UNAVAILABLE"),
        (Failed("x"), 500, "INTERNAL_ERROR"),
    ],
)
def test_errors(error: RopewalkError, status: int, code: str) -> None:
    """Every error becomes MLflow's object with the status that its clients know."""
    response = compat.refuse(error)

    body = json.loads(response.body)
    assert (response.status_code, body["error_code"]) == (status, code)
    assert set(body) == {"error_code", "message"}


def test_what_was_meant_is_in_the_message() -> None:
    """The nearest name that there is goes to the client too, before what to do."""
    body = json.loads(compat.refuse(NotFound("No late.", nearest="later", hint="do this")).body)

    assert body["message"] == "No late. (did you mean later? do this)"


def test_hints_reach_the_client() -> None:
    """What to do next is part of the message."""
    body = json.loads(compat.refuse(InvalidInput("Wrong.", hint="do this")).body)

    assert body["message"] == "Wrong. (do this)"
