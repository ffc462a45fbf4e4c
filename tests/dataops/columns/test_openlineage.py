"""OpenLineage events: what the standard requires of each is there, and says what is recorded.

The schemas of the standard are not part of this repository; the shapes below are our own reading of what its version
2-0-2, and the versions of facets that are named, require. An export of a project with every kind of node was held
against the published schemas themselves, in these versions and the newest ones: no complaint.
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime

import pytest

from ropewalk import plugins
from ropewalk.dataops.columns import openlineage_events
from ropewalk.dataops.columns.openlineage import FACETS
from ropewalk.pipeline import execute

from .conftest import FILES, Silent


@pytest.fixture
def events(open_graph) -> dict[str, dict]:
    """Return the events of a project whose tables were made, by the name of the job."""
    cities = "tables/mart/cities.sql"
    workspace, graph = open_graph(FILES | {cities: f"-- What cities pay.\n{FILES[cities]}"}, run=True)
    return {event["job"]["name"]: event for event in openlineage_events(workspace, graph)}


def _facets(value: object):
    if isinstance(value, dict):
        if "_schemaURL" in value:
            yield value
        for item in value.values():
            yield from _facets(item)
    elif isinstance(value, list):
        for item in value:
            yield from _facets(item)


def test_every_event_is_a_run_event(events):
    """Run, job, producer, time and schema; ids are UUIDs; datasets have a namespace and a name."""
    for event in events.values():
        assert event["schemaURL"].endswith("/2-0-2/OpenLineage.json#/$defs/RunEvent")
        assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
        assert str(uuid.UUID(event["run"]["runId"])) == event["run"]["runId"]
        assert {"namespace", "name"} <= event["job"].keys()
        assert event["eventType"] == "COMPLETE"
        assert all({"namespace", "name"} <= item.keys() for item in [*event["inputs"], *event["outputs"]])
        assert json.loads(json.dumps(event)) == event


def test_every_facet_names_its_schema(events):
    """Each with the version of it that is written, and its producer."""
    found = [facet for event in events.values() for facet in _facets(event)]

    assert len(found) > 20
    for facet in found:
        name = facet["_schemaURL"].rpartition("/")[2]
        assert facet["_schemaURL"].endswith(f"/facets/{FACETS[name]}/{name}.json#/$defs/{name}")
        assert facet["_producer"].startswith("https://")


def test_column_lineage_tells_values_from_decisions(events):
    """Direct with what happened to the value, indirect with how it decides; rows of the whole by themselves."""
    facet = events["table:mart.cities"]["outputs"][0]["facets"]["columnLineage"]

    (paid,) = facet["fields"]["paid"]["inputFields"]
    assert (paid["name"], paid["field"]) == ("staging.orders", "amount")
    assert [(t["type"], t["subtype"]) for t in paid["transformations"]] == [("DIRECT", "AGGREGATION")]
    assert {(item["field"], item["transformations"][0]["subtype"]) for item in facet["dataset"]} == {
        ("city", "GROUP_BY"),
        ("late", "FILTER"),
    }
    assert facet["fields"]["city"]["inputFields"][0]["transformations"][0]["subtype"] == "IDENTITY"


def test_schema_statistics_sql_and_owner(events):
    """What a reader of the catalogue wants of a table goes with it."""
    orders = events["table:staging.orders"]
    facets = orders["outputs"][0]["facets"]

    assert facets["schema"]["fields"][1] == {
        "name": "amount",
        "type": "BIGINT",
        "description": "What was paid",
    }
    assert facets["ownership"]["owners"] == [{"name": "Sales", "type": "OWNER"}]
    assert facets["version"]["datasetVersion"].startswith("snapshot:")
    assert orders["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert orders["job"]["facets"]["sql"]["query"].startswith("SELECT id")
    assert events["source:orders"]["inputs"] == [{"namespace": "file", "name": "drops/one.csv"}]


def test_a_comment_above_the_sql_describes_a_table(events):
    """Where no contract says what a table is."""
    documentation = events["table:mart.cities"]["outputs"][0]["facets"]["documentation"]

    assert documentation["description"] == "What cities pay."


def test_checks_are_assertions_on_what_they_read(events):
    """Each check with its column and whether it held."""
    (dataset,) = events["checks:staging.orders"]["inputs"]
    found = dataset["inputFacets"]["dataQualityAssertions"]["assertions"]

    assert dataset["name"] == "staging.orders"
    assert {"assertion": "required(amount)", "success": True, "column": "amount"} in found


def test_failures_of_the_last_run(open_graph):
    """What failed says why; what it would have made is not there."""
    files = {**FILES, "tables/mart/ranks.sql": "SELECT city, CAST(city AS INTEGER) AS place FROM mart.cities"}
    workspace, graph = open_graph(files, run=True)

    (event,) = [event for event in openlineage_events(workspace, graph) if event["eventType"] == "FAIL"]

    assert (event["job"]["name"], event["outputs"]) == ("table:mart.ranks", [])
    assert "mart.ranks cannot be built" in event["run"]["facets"]["errorMessage"]["message"]


def test_same_record_same_events(open_graph):
    """Writing them again, also after a run that had nothing to do, gives the same."""
    workspace, graph = open_graph(run=True)
    before = list(openlineage_events(workspace, graph))
    wanted = [node for node in graph.nodes if node.startswith("table:")]
    execute(graph, plugins.kinds(), workspace, Silent(), wanted)

    assert list(openlineage_events(workspace, graph)) == before


TEXT: dict[str, object] = {"type": "string"}
MOMENT = {"type": "string", "format": "date-time"}
UUID = {"type": "string", "format": "uuid"}
WHOLE = {"type": "integer", "minimum": 0}


def shape(*required: str, **properties: object) -> dict[str, object]:
    """Return the schema of an object that has at least the `required` keys."""
    return {"type": "object", "required": list(required), "properties": properties}


def each(item: object) -> dict[str, object]:
    """Return the schema of a list."""
    return {"type": "array", "items": item}


HOW = shape("type", type=TEXT, subtype=TEXT, description=TEXT, masking={"type": "boolean"})
ORIGIN = shape("namespace", "name", "field", namespace=TEXT, name=TEXT, field=TEXT, transformations=each(HOW))
JOB, DATASET = (
    shape("namespace", "name", namespace=TEXT, name=TEXT),
    shape("namespace", "name", namespace=TEXT, name=TEXT),
)
SHAPES = {
    "RunEvent": shape(
        "eventTime", "producer", "schemaURL", "run", "job",
        eventTime=MOMENT, producer={"type": "string", "format": "uri"}, run=shape("runId", runId=UUID), job=JOB,
        eventType={"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]}, inputs=each(DATASET), outputs=each(DATASET),
    ),
    "ColumnLineageDatasetFacet": shape(
        "fields", dataset=each(ORIGIN),
        fields={"type": "object", "additionalProperties": shape("inputFields", inputFields=each(ORIGIN))},
    ),
    "DataQualityAssertionsDatasetFacet": shape(
        "assertions", assertions=each(shape("assertion", "success", assertion=TEXT, success={"type": "boolean"}, column=TEXT)),
    ),
    "DatasetVersionDatasetFacet": shape("datasetVersion", datasetVersion=TEXT),
    "DocumentationDatasetFacet": shape("description", description=TEXT),
    "ErrorMessageRunFacet": shape("message", "programmingLanguage", message=TEXT, programmingLanguage=TEXT),
    "JobTypeJobFacet": shape("processingType", "integration", processingType=TEXT, integration=TEXT, jobType=TEXT),
    "OutputStatisticsOutputDatasetFacet": shape(rowCount=WHOLE, size=WHOLE),
    "OwnershipDatasetFacet": shape(owners=each(shape("name", name=TEXT, type=TEXT))),
    "ParentRunFacet": shape("run", "job", run=shape("runId", runId=UUID), job=JOB),
    "SQLJobFacet": shape("query", query=TEXT),
    "SchemaDatasetFacet": shape(fields=each(shape("name", name=TEXT, type=TEXT, description=TEXT))),
}  # fmt: skip


def complaints(name: str, value: object) -> list[str]:
    """Return what keeps `value` from having the shape of that name."""
    jsonschema = pytest.importorskip("jsonschema_rs", reason="no validator of JSON Schema is installed")
    validator = jsonschema.Draft202012Validator(SHAPES[name], validate_formats=True)
    return [f"{name} {error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


def test_every_part_has_the_shape_of_its_schema(events):
    """Each event, and each facet within it, has what its schema requires, of the types that it says."""
    found = [(facet["_schemaURL"].rpartition("/")[2], facet) for e in events.values() for facet in _facets(e)]

    told = [text for event in events.values() for text in complaints("RunEvent", event)]
    told += [text for name, facet in found for text in complaints(name, facet)]

    assert told == []
    assert {name for name, _ in found} >= SHAPES.keys() - {"RunEvent", "ErrorMessageRunFacet"}
    assert FACETS.keys() == SHAPES.keys() - {"RunEvent"}


def test_what_has_another_shape_is_told():
    """The shapes are no formality: what is missing or of another type is found."""
    assert complaints("SQLJobFacet", {"query": 7})
    assert complaints(
        "RunEvent", {"eventTime": "yesterday", "producer": "us", "schemaURL": "", "run": {}, "job": {}}
    )
