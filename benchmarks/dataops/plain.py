"""The least that a load can cost: DuckDB copies a relation into a fresh DuckLake table, and nothing is checked or kept.

python benchmarks/dataops/plain.py RELATION FOLDER [EXTENSION [ATTACH]]
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import duckdb


def connect(*extensions: str) -> duckdb.DuckDBPyConnection:
    """Return an engine with extensions from their wheels."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    for name in extensions:
        wheel = f"duckdb_extension_{name}/extensions/v{duckdb.__version__}/{name}.duckdb_extension"
        connection.execute(f"LOAD '{Path(sysconfig.get_path('purelib'), wheel)}'")
    return connection


def main() -> None:
    """Copy the relation."""
    relation, folder, *more = sys.argv[1:]
    connection = connect("sqlite_scanner", "ducklake", *more[:1])
    for statement in more[1:]:
        connection.execute(statement)
    Path(folder, "data").mkdir(parents=True)
    connection.execute(
        f"ATTACH 'ducklake:sqlite:{folder}/catalog.sqlite' AS lake (DATA_PATH '{folder}/data/', DATA_INLINING_ROW_LIMIT 0)"
    )
    connection.execute("CREATE SCHEMA lake.raw")
    connection.execute(f"CREATE TABLE lake.raw.orders AS FROM {relation}")


if __name__ == "__main__":
    main()
