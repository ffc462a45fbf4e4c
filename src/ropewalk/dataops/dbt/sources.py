"""Seeds and sources of dbt as sources: seeds are files that come along, sources are to be filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ropewalk.dataops.dbt.manifest import Manifest, Node
from ropewalk.dataops.dbt.moves import Import, Moved, Names

# What reads the database that dbt worked in, by dbt's word for it.
SERVERS = {"postgres": "postgres", "redshift": "postgres", "mysql": "mysql", "mariadb": "mysql"}


def add_sources(manifest: Manifest, names: Names, found: Import) -> None:
    """Declare a source for each seed and each source, and say what is to be filled in."""
    for node in manifest.of_type("seed"):
        _add_seed(node, names[node.unique_id], found)
    for _, node in sorted(manifest.sources.items()):
        _add_source(node, manifest.metadata.adapter_type or "duckdb", names[node.unique_id], found)


def _add_seed(node: Node, table: str, found: Import) -> None:
    name = table.partition(".")[2]
    path = f"seeds/{node.original_file_path.replace(chr(92), '/').rpartition('/')[2]}"
    if path in found.copies:
        # Two packages may have seeds of one name.
        path = f"seeds/{name}.csv"
    found.copies[path] = node.original_file_path
    declared: dict[str, object] = {"kind": "files", "path": path}
    if node.config.delimiter and node.config.delimiter != ",":
        declared["delimiter"] = node.config.delimiter
    if node.config.column_types:
        declared["types"] = {column: kind.upper() for column, kind in node.config.column_types.items()}
    found.sources[name] = _flow(declared)
    found.moved.append(Moved("seed", node.name, table, f"loaded from {path}"))


def _add_source(node: Node, adapter: str, table: str, found: Import) -> None:
    name = table.partition(".")[2]
    relation = f"{node.schema}.{node.identifier or node.name}"
    full = f"{node.source_name}.{node.name}"
    if adapter in SERVERS:
        secret = f"{_upper(node.database or adapter)}_URL"
        declared: Mapping[str, object] = {
            "kind": SERVERS[adapter],
            "url": f"secret://{secret}",
            "table": relation,
        }
        found.sources[name] = _flow(declared)
        found.leave(
            "source", full, f"set the secret {secret} to the database's address; it is read as {table}"
        )
    elif adapter == "duckdb":
        path = f"{node.database or 'database'}.duckdb"
        found.sources[name] = _flow({"kind": "duckdb", "path": path, "table": relation})
        found.leave("source", full, f"check the path of the database file, {path}; it is read as {table}")
    else:
        path = f"landing/{name}/*.parquet"
        found.sources[name] = _flow({"kind": "files", "path": path})
        found.leave(
            "source",
            full,
            f"{adapter} is not read directly: put its rows into {path}, or declare another source",
        )


def _flow(value: Mapping[str, object]) -> str:
    """Return a mapping as YAML on one line; JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)


def _upper(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text).upper()
