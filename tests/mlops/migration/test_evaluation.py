"""Traces, evaluation sets and reviews move with their project, and are held against the source."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from ropewalk.mlops.migration import FolderSource, ServerSource, export_project, import_source, open_export
from ropewalk.mlops.migration.checks import Outcome
from ropewalk.mlops.migration.errors import InvalidExport
from ropewalk.mlops.migration.records import EvaluationSetRecord
from ropewalk.mlops.registry import ask_approval, comment_on, get_version, review_of
from ropewalk.mlops.tracking import endpoint, moved_traces
from ropewalk.pipeline import Workspace
from ropewalk.store.imports import list_evaluation_set_ids, trace_links

OpenProject = Callable[..., Workspace]
TRACE = "tr-" + "ab" * 16


def _added(outcome: Outcome) -> dict[str, int]:
    return {kind: tally.added for kind, tally in outcome.tallies.items()}


def _export() -> dict[str, object]:
    """Return an export of two spans, with every kind of value that spans bring."""
    values = [
        {"key": "whole", "value": {"intValue": "7"}},
        {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}]}}},
        {
            "key": "mlflow.chat.tokenUsage",
            "value": {"stringValue": '{"input_tokens": 3, "output_tokens": 4}'},
        },
    ]
    event = {"name": "said", "timeUnixNano": "1700000000500000000"}
    root = {
        "traceId": "ab" * 16,
        "spanId": "01" * 8,
        "name": "root",
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000001000000000",
        "attributes": values,
        "events": [event],
        "status": {"code": 1},
    }
    child = {**root, "spanId": "02" * 8, "parentSpanId": "01" * 8, "name": "child"}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [root, child]}]}]}


@pytest.fixture
def asked(open_project: OpenProject, written: Path) -> Iterator[tuple[Workspace, str]]:
    """Return a project with a trace, what is said of it, an evaluation set and a review, and its address."""
    project = open_project("asked")
    import_source(project, FolderSource(written))
    version = get_version(project, "late", "1")
    ask_approval(project, version, "please look")
    comment_on(project, version, "on Monday")
    with endpoint(project) as address, httpx.Client(base_url=address) as client:
        client.post("/v1/traces", json=_export(), headers={"x-mlflow-experiment-id": "0"}).raise_for_status()
        feedback = {"assessment_name": "good", "feedback": {"value": 0.5}, "rationale": "why"}
        at = f"/api/3.0/mlflow/traces/{TRACE}"
        client.post(f"{at}/assessments", json={"assessment": feedback}).raise_for_status()
        client.patch(f"{at}/tags", json={"key": "seen", "value": "yes"}).raise_for_status()
        made = client.post(
            "/api/3.0/mlflow/datasets/create",
            json={"name": "asked", "experiment_ids": ["0"], "tags": '{"a": "b"}'},
        ).json()["dataset"]["dataset_id"]
        records = json.dumps([{"inputs": {"q": n}, "expectations": {"n": n}} for n in range(3)])
        client.post(f"/api/3.0/mlflow/datasets/{made}/records", json={"records": records}).raise_for_status()
        yield project, address


def test_server_with_traces(asked: tuple[Workspace, str], open_project: OpenProject) -> None:
    """A server's traces come with spans and assessments, evaluation sets with records; again adds nothing."""
    project, address = asked
    other, source = open_project("other"), ServerSource(address)

    first, again = import_source(other, source), import_source(other, source)
    source.close()

    assert (first.differing, again.differing, set(_added(again).values())) == ([], [], {0})
    assert (_added(first)["traces"], _added(first)["evaluation records"]) == (1, 3)
    [before], [after] = list(moved_traces(project, "0")), list(moved_traces(other, "0"))
    assert (before.spans, before.trace.assessments) == (after.spans, after.trace.assessments)
    assert after.trace.tags["seen"] == "yes"


@pytest.mark.parametrize("name", ["export", "export.zip"])
def test_export_with_traces_and_reviews(
    name: str, asked: tuple[Workspace, str], open_project: OpenProject, tmp_path: Path
) -> None:
    """An export holds traces, evaluation sets, and what was said of versions; what was asked for stays asked for."""
    project, other = asked[0], open_project("other")
    export_project(project, tmp_path / name)

    first, again = (import_source(other, open_export(tmp_path / name)) for _ in range(2))

    assert (first.differing, again.differing, set(_added(again).values())) == ([], [], {0})
    review = review_of(other, get_version(other, "late", "1"))
    assert (review.state, [event.reason for event in review.comments]) == ("open", ["on Monday"])
    with project.database.read() as here, other.database.read() as there:
        assert list_evaluation_set_ids(here) == list_evaluation_set_ids(there)


def test_interrupted_import_goes_on(
    asked: tuple[Workspace, str], open_project: OpenProject, tmp_path: Path
) -> None:
    """An import that breaks off in the middle of the traces leaves whole things, and the next adds the rest."""
    export_project(asked[0], tmp_path / "export")
    other, source = open_project("other"), open_export(tmp_path / "export")
    broken = open_export(tmp_path / "export")
    # The source fails as a disk does: between two things that it hands out.
    broken.evaluation_sets = _failing  # type: ignore[method-assign]  # a source that stops to answer
    with pytest.raises(InvalidExport):
        import_source(other, broken)

    outcome = import_source(other, source)

    assert outcome.differing == []
    assert (outcome.tallies["traces"].kept, outcome.tallies["traces"].added) == (1, 0)
    assert _added(outcome)["evaluation sets"] == 1


def _failing() -> Iterator[EvaluationSetRecord]:
    raise InvalidExport("the disk is gone")


def test_changed_trace_is_found(asked: tuple[Workspace, str], open_project: OpenProject) -> None:
    """A trace that went on in the old server differs, and is named."""
    other, source = open_project("other"), ServerSource(asked[1])
    import_source(other, source)
    httpx.patch(
        f"{asked[1]}/api/3.0/mlflow/traces/{TRACE}/tags", json={"key": "seen", "value": "no"}
    ).raise_for_status()

    assert import_source(other, source).differing == [f"trace {TRACE}"]
    source.close()


def test_links_of_traces_move(
    asked: tuple[Workspace, str], open_project: OpenProject, tmp_path: Path
) -> None:
    """To which runs a trace belongs, and which prompts it used, is in the export."""
    project = asked[0]
    run = httpx.post(f"{asked[1]}/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}).json()["run"][
        "info"
    ]
    httpx.post(
        f"{asked[1]}/api/2.0/mlflow/traces/link-to-run", json={"trace_ids": [TRACE], "run_id": run["run_id"]}
    ).raise_for_status()
    export_project(project, tmp_path / "export")
    other = open_project("other")
    import_source(other, open_export(tmp_path / "export"))

    [moved] = moved_traces(other, "0")
    with other.database.read() as connection:
        assert trace_links(connection, moved.trace.number) == ((run["run_id"],), ())


def _write_trace(folder: Path, identifier: str, info: dict[str, object]) -> None:
    place = folder / "0" / "traces" / identifier
    (place / "artifacts").mkdir(parents=True)
    (place / "trace_info.yaml").write_text(yaml.safe_dump(info), encoding="utf-8")
    for name, key in (("tags", "mlflow.traceName"), ("request_metadata", "mlflow.traceInputs")):
        (place / name).mkdir()
        (place / name / key).write_text("x", encoding="utf-8")
    (place / "artifacts" / "traces.json").write_text('{"spans": []}', encoding="utf-8")


@pytest.fixture
def mlruns(tmp_path: Path) -> Path:
    """Return a folder `mlruns` with an empty experiment."""
    folder = tmp_path / "mlruns"
    (folder / "0").mkdir(parents=True)
    (folder / "0" / "meta.yaml").write_text("experiment_id: '0'\nname: Default\n", encoding="utf-8")
    return folder


# The two forms of MLflow's own file stores: of 2.x, and of 3.x.
OLD = {
    "request_id": "a1",
    "experiment_id": "0",
    "timestamp_ms": 1000,
    "execution_time_ms": 5,
    "status": "ERROR",
}
NEW = {
    "trace_id": "a1",
    "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}},
    "request_time": "1970-01-01T00:00:01Z",
    "execution_duration_ms": 5,
    "state": "ERROR",
}


@pytest.mark.parametrize("info", [OLD, NEW], ids=["2.x", "3.x"])
def test_traces_of_a_folder(info: dict[str, object], mlruns: Path, open_project: OpenProject) -> None:
    """Traces of either form come with times, state, tags, metadata and the file that has their spans."""
    _write_trace(mlruns, "a1", info)
    project = open_project("moved")

    outcome = import_source(project, FolderSource(mlruns))

    [found] = moved_traces(project, "0")
    assert (outcome.differing, _added(outcome)["files"]) == ([], 1)
    assert (found.trace.started_at, found.trace.duration_ms, found.trace.state) == (1000, 5, "ERROR")
    assert (found.trace.tags["mlflow.traceName"], found.trace.metadata) == ("x", {"mlflow.traceInputs": "x"})


def test_trace_of_another_name(mlruns: Path, open_project: OpenProject) -> None:
    """A folder that says to be another trace is refused: its files are another's."""
    _write_trace(mlruns, "a2", OLD)

    with pytest.raises(InvalidExport, match="another trace"):
        import_source(open_project("moved"), FolderSource(mlruns))


@pytest.mark.parametrize("state", [{"status": []}, {"timestamp_ms": "soon"}])
def test_trace_that_is_none(state: dict[str, object], mlruns: Path, open_project: OpenProject) -> None:
    """What is not of MLflow's form is told as such."""
    _write_trace(mlruns, "a1", OLD | state)

    with pytest.raises(InvalidExport, match="not of MLflow's form"):
        import_source(open_project("moved"), FolderSource(mlruns))
