"""What is recorded of a project as OpenLineage run events (https://openlineage.io/spec/2-0-2/OpenLineage.json).

One event for each node that is current in the environment, and one for each set of checks; of a run that failed, one
for each node that did. They are written, not sent: whoever wants them elsewhere posts the lines to a server.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import ropewalk
from ropewalk.dataops.columns.tables import read_table_lineage
from ropewalk.dataops.columns.values import ColumnLineage, Origin, TableLineage
from ropewalk.dataops.contracts import Contract
from ropewalk.dataops.lake import TableInfo, list_environment_tables, snapshot_of, table_of
from ropewalk.dataops.transform import TableSpec, read_tables
from ropewalk.pipeline import JSON, Graph, Node, Record, Workspace, current_records
from ropewalk.store.run_history import PastNode, list_past_nodes, list_past_runs

PRODUCER = f"https://github.com/ropewalk/ropewalk/tree/v{ropewalk.__version__}"
SPEC = "https://openlineage.io/spec"
EVENT = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
# The version of each facet that is written.
FACETS = {
    "ColumnLineageDatasetFacet": "1-2-0",
    "DataQualityAssertionsDatasetFacet": "1-0-1",
    "DatasetVersionDatasetFacet": "1-0-1",
    "DocumentationDatasetFacet": "1-0-1",
    "ErrorMessageRunFacet": "1-0-1",
    "JobTypeJobFacet": "2-0-3",
    "OutputStatisticsOutputDatasetFacet": "1-0-2",
    "OwnershipDatasetFacet": "1-0-1",
    "ParentRunFacet": "1-0-1",
    "SQLJobFacet": "1-0-1",
    "SchemaDatasetFacet": "1-1-1",
}
TRANSFORMS = {
    "constant": "TRANSFORMATION",
    "copy": "IDENTITY",
    "computed": "TRANSFORMATION",
    "aggregated": "AGGREGATION",
    "picked": "AGGREGATION",
}
# The standard's words for how a column decides.
INDIRECT = {
    "join": "JOIN",
    "group": "GROUP_BY",
    "distinct": "GROUP_BY",
    "order": "SORT",
    "window": "WINDOW",
    "condition": "CONDITIONAL",
}
# Ids of runs are made of ours, so that writing the same thing twice gives the same events.
_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/ropewalk/ropewalk")
Object = dict[str, JSON]


@dataclass(frozen=True)
class _Known:
    """Everything that events are made of."""

    namespace: str
    graph: Graph
    records: Mapping[str, Record]
    lineage: Mapping[str, TableLineage]
    contracts: Mapping[str, Contract]
    built: Mapping[str, TableInfo]


def openlineage_events(workspace: Workspace, graph: Graph) -> Iterator[Object]:
    """Yield an OpenLineage event for each node that the environment has, inputs first, and for each failure of its last run."""
    environment = workspace.settings.environment
    known = _Known(
        namespace=f"ropewalk://{workspace.project.name}/{environment}",
        graph=graph,
        records=current_records(workspace),
        lineage=read_table_lineage(workspace, graph),
        contracts=read_tables(workspace.project).contracts,
        built={f"{info.schema}.{info.name}".lower(): info for info in list_environment_tables(workspace)},
    )
    for node_id, node in graph.nodes.items():
        record = known.records.get(node_id)
        if record is not None:
            yield _made(known, node, record)
            yield from _checked(known, node, record)
    for run in list_past_runs(workspace.database, 1, environment=environment):
        for past in list_past_nodes(workspace.database, run.id):
            if past.state == "failed" and past.node in graph.nodes:
                yield _failed(known, graph.nodes[past.node], run.id, past)


def _made(known: _Known, node: Node, record: Record) -> Object:
    job = _job(known, node, node.id)
    if isinstance(node.spec, TableSpec):
        job["facets"] = {
            **_object(job["facets"]),
            "sql": _facet("SQLJobFacet", query=node.spec.sql.statement),
        }
    event = _event("COMPLETE", record.finished_at, _run(known, record.run_id, node.id), job)
    outside: list[JSON] = [{"namespace": "file", "name": path} for path in _files(record)]
    event["inputs"] = [*_inputs(known, node), *outside]
    event["outputs"] = [_output(known, node, record)] if _dataset_name(node.id, record) else []
    return event


def _checked(known: _Known, node: Node, record: Record) -> Iterator[Object]:
    """Yield the event of the contract's checks, which read what the node made."""
    table = table_of(node.id)
    contract = known.contracts.get(table or "")
    found = record.output.summary.get("contract")
    if contract is None or not isinstance(found, dict):
        return
    failed = {str(item.get("name")) for item in _list(found.get("failed")) if isinstance(item, dict)}
    assertions: list[JSON] = [
        {
            "assertion": check.name,
            "success": check.name not in failed,
            **({"column": check.columns[0]} if check.columns else {}),
        }
        for check in contract.checks
    ]
    name = f"checks:{table}"
    event = _event("COMPLETE", record.finished_at, _run(known, record.run_id, name), _job(known, node, name))
    facets: Object = {
        "dataQualityAssertions": _facet("DataQualityAssertionsDatasetFacet", assertions=assertions)
    }
    event["inputs"] = [{"namespace": known.namespace, "name": table, "inputFacets": facets}]
    event["outputs"] = []
    yield event


def _failed(known: _Known, node: Node, run_id: str, past: PastNode) -> Object:
    run = _run(known, run_id, node.id)
    error = _facet("ErrorMessageRunFacet", message=past.error or "failed", programmingLanguage="Python")
    run["facets"] = {**_object(run["facets"]), "errorMessage": error}
    event = _event("FAIL", past.finished_at, run, _job(known, node, node.id))
    event["inputs"] = _inputs(known, node)
    event["outputs"] = []
    return event


def _event(kind: str, moment: int, run: Object, job: Object) -> Object:
    time = datetime.fromtimestamp(moment / 1000, UTC).isoformat().replace("+00:00", "Z")
    return {
        "eventType": kind,
        "eventTime": time,
        "producer": PRODUCER,
        "schemaURL": EVENT,
        "run": run,
        "job": job,
    }


def _run(known: _Known, run_id: str, name: str) -> Object:
    parent = _facet(
        "ParentRunFacet",
        run={"runId": str(uuid.uuid5(_IDS, run_id))},
        job={"namespace": known.namespace, "name": "run"},
    )
    return {"runId": str(uuid.uuid5(_IDS, f"{run_id} {name}")), "facets": {"parent": parent}}


def _job(known: _Known, node: Node, name: str) -> Object:
    kind = _facet(
        "JobTypeJobFacet", processingType="BATCH", integration="ROPEWALK", jobType=node.kind.upper()
    )
    return {"namespace": known.namespace, "name": name, "facets": {"jobType": kind}}


def _inputs(known: _Known, node: Node) -> list[JSON]:
    found: list[JSON] = []
    for upstream in dict.fromkeys(known.graph.inputs[node.id].values()):
        record = known.records.get(upstream)
        name = _dataset_name(upstream, record) if record else None
        if record is not None and name is not None:
            facets: Object = {"version": _version(record)}
            found.append({"namespace": known.namespace, "name": name, "facets": facets})
    return found


def _files(record: Record) -> list[str]:
    return [origin.removeprefix("file:") for origin in record.output.origins if origin.startswith("file:")]


def _dataset_name(node_id: str, record: Record) -> str | None:
    """Return what a node's output is called as a dataset: a table or a model; None for what holds no data."""
    if snapshot_of(record.output) is not None:
        return table_of(node_id)
    return node_id if node_id.startswith("model:") else None


def _output(known: _Known, node: Node, record: Record) -> Object:
    name = _dataset_name(node.id, record) or node.id
    facets: Object = {"version": _version(record)}
    info, contract, lineage = known.built.get(name), known.contracts.get(name), known.lineage.get(name)
    if info is not None:
        facets["schema"] = _schema(info, contract)
    if lineage is not None and not lineage.unknown:
        facets["columnLineage"] = _column_lineage(known, lineage)
    if described := _description(node, contract):
        facets["documentation"] = _facet("DocumentationDatasetFacet", description=described)
    if contract is not None and contract.owner:
        facets["ownership"] = _facet(
            "OwnershipDatasetFacet", owners=[{"name": contract.owner, "type": "OWNER"}]
        )
    found: Object = {"namespace": known.namespace, "name": name, "facets": facets}
    rows = record.output.summary.get("rows")
    if isinstance(rows, int):
        statistics = _facet("OutputStatisticsOutputDatasetFacet", rowCount=rows)
        found["outputFacets"] = {"outputStatistics": statistics}
    return found


def _description(node: Node, contract: Contract | None) -> str | None:
    # As the catalogue has it: what is written for readers, else the comment above the SQL.
    own = node.spec.sql.description if isinstance(node.spec, TableSpec) else None
    return (contract.description if contract else None) or own


def _version(record: Record) -> Object:
    return _facet("DatasetVersionDatasetFacet", datasetVersion=record.output.reference)


def _schema(info: TableInfo, contract: Contract | None) -> Object:
    meanings = {column.name.lower(): column.description for column in contract.columns} if contract else {}
    fields: list[JSON] = []
    for column in info.columns:
        meaning = meanings.get(column.name.lower())
        fields.append(
            {"name": column.name, "type": column.type, **({"description": meaning} if meaning else {})}
        )
    return _facet("SchemaDatasetFacet", fields=fields)


def _column_lineage(known: _Known, lineage: TableLineage) -> Object:
    fields: Object = {
        column.name: {"inputFields": _input_fields(known, column)} for column in lineage.columns
    }
    deciding: list[JSON] = [
        _field(known, use.origin, "INDIRECT", INDIRECT.get(use.how, "FILTER")) for use in lineage.rows
    ]
    return _facet("ColumnLineageDatasetFacet", fields=fields, dataset=deciding)


def _input_fields(known: _Known, column: ColumnLineage) -> list[JSON]:
    direct = [_field(known, origin, "DIRECT", TRANSFORMS[column.transform]) for origin in column.values]
    indirect = [_field(known, use.origin, "INDIRECT", INDIRECT.get(use.how, "FILTER")) for use in column.uses]
    return [*direct, *indirect]


def _field(known: _Known, origin: Origin, kind: str, subtype: str) -> Object:
    how: Object = {"type": kind, "subtype": subtype, "description": "", "masking": False}
    return {
        "namespace": known.namespace,
        "name": origin.table,
        "field": origin.column,
        "transformations": [how],
    }


def _facet(name: str, **content: JSON) -> Object:
    return {
        "_producer": PRODUCER,
        "_schemaURL": f"{SPEC}/facets/{FACETS[name]}/{name}.json#/$defs/{name}",
        **content,
    }


def _object(value: JSON) -> Object:
    return value if isinstance(value, dict) else {}


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []
