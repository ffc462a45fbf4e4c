"""Which table here each node of dbt is: its schema, its name, and no two alike."""

from __future__ import annotations

import re

from ropewalk.dataops.dbt.manifest import Manifest, Node
from ropewalk.dataops.transform import RESERVED

_OTHER = re.compile(r"[^a-z0-9_]+")


def name_tables(manifest: Manifest) -> dict[str, str]:
    """Return the table of each model, snapshot, seed and source, by its id in dbt.

    Models stand in the schema that they are configured for, or else in that of their folder; what comes from
    outside stands in `raw`, as sources do.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for node in manifest.of_type("model", "snapshot"):
        if node.config.materialized != "ephemeral":
            found[node.unique_id] = _free(_schema(node), _word(node.alias or node.name), node, taken)
    for node in [*manifest.of_type("seed"), *(source for _, source in sorted(manifest.sources.items()))]:
        found[node.unique_id] = _free("raw", _word(node.name), node, taken)
    return found


def _schema(node: Node) -> str:
    folders = node.path.replace("\\", "/").split("/")[:-1]
    if node.resource_type == "snapshot":
        folders = []
    schema = _word(node.config.schema or (folders[0] if folders else node.schema or "main"))
    # Where sources and steps have their tables, nothing else can stand.
    return f"{schema}_models" if schema in RESERVED else schema


def _free(schema: str, name: str, node: Node, taken: set[str]) -> str:
    """Return a name that nothing has yet: two packages may have models of one name."""
    table = f"{schema}.{name}"
    for prefix in filter(None, (node.source_name, node.package_name, node.schema)):
        if table not in taken:
            break
        table = f"{schema}.{_word(prefix)}_{name}"
    number = 2
    while table in taken:
        table, number = f"{schema}.{name}_{number}", number + 1
    taken.add(table)
    return table


def _word(text: str) -> str:
    word = _OTHER.sub("_", text.lower()).strip("_") or "table"
    return f"_{word}" if word[0].isdigit() else word
