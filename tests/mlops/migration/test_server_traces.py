"""What servers of each age answer about traces and evaluation sets, read page by page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ropewalk.mlops.migration.errors import InvalidExport, NoSuchSource
from ropewalk.mlops.migration.server_traces import ServerTraces, has_spans

V3, V2 = "/api/3.0/mlflow", "/api/2.0/mlflow"
SET = {"dataset_id": "d-1", "name": "cases", "tags": '{"a": "b"}', "experiment_ids": ["3", 4]}
HERE = {"mlflow.trace.spansLocation": "TRACKING_STORE"}


class Answers:
    """What a server of some age answers: by path, one page after the other; nothing else is there."""

    def __init__(self, pages: Mapping[str, list[dict[str, Any]]]) -> None:
        self.pages = pages
        self.asked: list[tuple[str, object]] = []

    def __call__(self, path: str, query: Mapping[str, object]) -> Mapping[str, Any]:
        """Return the page that the token names."""
        if path not in self.pages:
            raise NoSuchSource(path)
        self.asked.append((path, query.get("page_token")))
        return self.pages[path][int(str(query.get("page_token", 0)))]


def _server(pages: Mapping[str, list[dict[str, Any]]]) -> ServerTraces:
    answers = Answers(pages)
    return ServerTraces(answers, answers)


def _info(identifier: str, **more: object) -> dict[str, object]:
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "3"}}
    known = {
        "trace_id": identifier,
        "trace_location": place,
        "request_time": "2026-01-02T03:04:05Z",
        "state": "OK",
    }
    return {**known, **more}


def test_traces_of_several_pages() -> None:
    """Each page is asked for by the token of the one before, until there is none."""
    pages = [
        {"traces": [_info("tr-1")], "next_page_token": "1"},
        {"traces": [], "next_page_token": "2"},
        {"traces": [_info("tr-2")], "next_page_token": ""},
    ]

    found = list(_server({f"{V3}/traces/search": pages}).traces("3"))

    assert [trace.id for trace in found] == ["tr-1", "tr-2"]
    assert [trace.trace.experiment_id for trace in found] == ["3", "3"]


def test_traces_of_an_old_server() -> None:
    """Before 3.0 they are asked for in another place, and their spans are files."""
    old = {
        "request_id": "tr-1",
        "experiment_id": "3",
        "timestamp_ms": "1000",
        "execution_time_ms": "5",
        "status": "TRACE_STATUS_UNSPECIFIED",
        "tags": [{"key": "a", "value": "b"}],
        "request_metadata": [{"key": "c"}],
    }

    (found,) = _server({f"{V2}/traces": [{"traces": [old]}]}).traces("3")

    assert (found.id, found.trace.started_at, found.trace.duration_ms) == ("tr-1", 1000, 5)
    assert (found.trace.state, found.trace.tags, found.trace.metadata) == (
        "STATE_UNSPECIFIED",
        {"a": "b"},
        {"c": ""},
    )


def test_a_server_without_traces() -> None:
    """One of before 2.14 has none, and that is no error."""
    assert list(_server({}).traces("3")) == []
    assert list(_server({}).evaluation_sets()) == []


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (HERE, True),
        ({"mlflow.trace.spansLocation": "ARTIFACT_REPO"}, False),
        ({"mlflow.artifactLocation": "TRACKING_STORE"}, False),
        ({}, False),
    ],
)
def test_where_spans_are(tags: dict[str, str], expected: bool) -> None:
    """Only a server that says so has them itself."""
    assert has_spans({"tags": tags}) is expected
    assert not has_spans({})


def test_spans_are_asked_for_where_they_are() -> None:
    """A trace whose spans are a file costs no question about them."""
    answers = Answers(
        {f"{V3}/traces/search": [{"traces": [_info("tr-1"), _info("tr-2", tags=HERE)]}]}
        | {f"{V3}/traces/get": [{"trace": {}}]}
    )

    assert [len(trace.spans) for trace in ServerTraces(answers, answers).traces("3")] == [0, 0]
    assert [path for path, _ in answers.asked].count(f"{V3}/traces/get") == 1


def test_an_evaluation_set_with_its_records() -> None:
    """Records come as a text of JSON, by pages; what nobody gave is None, and not an empty text."""
    records = f"{V3}/datasets/d-1/records"
    first = [{"dataset_record_id": "c1", "inputs": {"q": 1}, "created_time": 7}]
    second = [{"dataset_record_id": "c2", "inputs": {"q": 2}, "outputs": {"a": None}, "tags": {}}]
    server = _server(
        {
            f"{V3}/datasets/search": [{"datasets": [SET]}],
            records: [
                {"records": json.dumps(first), "next_page_token": "1"},
                {"records": json.dumps(second)},
            ],
        }
    )

    (found,) = server.evaluation_sets()

    assert (found.described.id, found.described.tags, found.described.experiment_ids) == (
        "d-1",
        {"a": "b"},
        ("3", "4"),
    )
    assert [(one.id, one.outputs, one.tags, one.created_at) for one in found.records] == [
        ("c1", None, None, 7),
        ("c2", '{"a": null}', "{}", 0),
    ]
    assert found.records[0].inputs_digest != found.records[1].inputs_digest


def test_experiments_of_a_set_may_have_to_be_asked_for() -> None:
    """Some servers tell them only when they are asked."""
    described = {name: value for name, value in SET.items() if name != "experiment_ids"}
    server = _server(
        {
            f"{V3}/datasets/search": [{"datasets": [described]}],
            f"{V3}/datasets/d-1/experiment-ids": [{"experiment_ids": ["8"]}],
            f"{V3}/datasets/d-1/records": [{}],
        }
    )

    (found,) = server.evaluation_sets()

    assert (found.described.experiment_ids, found.records) == (("8",), ())


def test_records_that_are_no_json() -> None:
    """The set is named."""
    pages = {f"{V3}/datasets/search": [{"datasets": [SET]}], f"{V3}/datasets/d-1/records": [{"records": "{"}]}

    with pytest.raises(InvalidExport, match="evaluation set d-1"):
        list(_server(pages).evaluation_sets())
