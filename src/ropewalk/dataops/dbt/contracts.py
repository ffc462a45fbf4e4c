"""What dbt's YAML says of models, sources and seeds as contracts in the Open Data Contract Standard."""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

from ropewalk.dataops.dbt.checks import Draft
from ropewalk.dataops.dbt.columns import find_columns
from ropewalk.dataops.dbt.manifest import Column, Manifest, Node
from ropewalk.dataops.dbt.moves import Import, Moved, Names

WIDTH = 110
# What a constraint of dbt is in the standard's words.
CONSTRAINTS: Mapping[str, Mapping[str, bool]] = {
    "not_null": {"required": True},
    "unique": {"unique": True},
    "primary_key": {"primaryKey": True, "required": True, "unique": True},
}
_COLUMN = re.compile(r"[A-Za-z_]\w*")


def draft_contracts(manifest: Manifest, names: Names, found: Import) -> dict[str, Draft]:
    """Return what is said of the columns of each table that moved, by the table."""
    nodes = {**manifest.nodes, **manifest.sources}
    there = {moved.into for moved in found.moved}
    known = find_columns(manifest, names, found)
    drafts = {}
    for node_id, table in names.items():
        schema, _, name = table.partition(".")
        # What did not move has no table that a contract could be about.
        if schema != "raw" and f"tables/{schema}/{name}.sql" not in there:
            continue
        draft = Draft(table)
        for column in nodes[node_id].columns.values():
            if column.name.lower() not in known.get(table, {column.name.lower()}):
                why = "it is described, and the table has no such column"
                found.leave("documentation", f"{table}.{column.name}", why)
                continue
            said = draft.column(column.name)
            if column.description:
                said["description"] = column.description.strip()
            if column.data_type:
                said["physicalType"] = column.data_type
            _add_constraints(column, table, said, found)
        _add_age(nodes[node_id], draft, found)
        drafts[table] = draft
    return drafts


def _add_constraints(column: Column, table: str, said: dict[str, object], found: Import) -> None:
    for constraint in column.constraints:
        if constraint.type in CONSTRAINTS:
            said.update(CONSTRAINTS[constraint.type])
        else:
            why = f"the constraint {constraint.type} has no plain counterpart: write an SQL rule in the contract"
            found.leave("constraint", f"{table}.{column.name}", why)


def _add_age(node: Node, draft: Draft, found: Import) -> None:
    """Let the contract of a source say how old its newest row may be, as `dbt source freshness` asks."""
    # What is configured below a model's own `freshness` says when to build it, which content decides here.
    limit = node.freshness.limit if node.freshness and node.resource_type == "source" else None
    if limit is None:
        return
    name, column = f"{node.source_name}.{node.name}", node.loaded_at_field or ""
    if not _COLUMN.fullmatch(column):
        why = (
            f"its time {column!r} is no column: load one, and promise its age in the contract (slaProperties)"
        )
        found.leave("freshness", name, why)
        return
    promise: dict[str, object] = {
        "property": "latency",
        "value": limit.count,
        "unit": limit.period,
        "element": f"{draft.table}.{column}",
    }
    draft.promises.append(promise)
    found.moved.append(
        Moved("freshness", name, f"contracts/{draft.table}.odcs.yaml", "an older row is a warning")
    )


def add_contracts(manifest: Manifest, names: Names, drafts: Mapping[str, Draft], found: Import) -> None:
    """Add a contract for each table that something is said of."""
    nodes = {**manifest.nodes, **manifest.sources}
    for node_id, table in names.items():
        draft, node = drafts.get(table), nodes[node_id]
        is_told = bool(node.description) and not table.startswith("raw.")
        if draft is None or not (draft.columns or draft.rules or draft.promises or is_told):
            continue
        path = f"contracts/{table}.odcs.yaml"
        found.files[path] = _text(table, node, draft)
        if draft.columns or is_told:
            found.moved.append(Moved("documentation", node.name, path))


def _text(table: str, node: Node, draft: Draft) -> str:
    described: dict[str, object] = {"name": table.rpartition(".")[2], "physicalName": table}
    if node.description:
        described["description"] = node.description.strip()
    if draft.rules:
        described["quality"] = draft.rules
    if draft.columns:
        described["properties"] = list(draft.columns.values())
    contract: dict[str, object] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": table.replace(".", "-").replace("_", "-"),
        "version": "1.0.0",
        "status": "active",
    }
    owner = node.meta.get("owner")
    if isinstance(owner, str):
        contract["team"] = {"name": owner}
    contract["schema"] = [described]
    if draft.promises:
        contract["slaProperties"] = draft.promises
    return dump_yaml(contract)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and lists indented below their keys, as people do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # PyYAML asks by this name for lists that are flush with their keys, and never gets them.
        del indentless
        super().increase_indent(flow, indentless=False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def dump_yaml(value: object) -> str:
    """Return `value` as YAML that people like to read."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
