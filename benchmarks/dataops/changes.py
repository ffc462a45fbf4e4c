"""Differences of ten million rows between two snapshots: by what the lake wrote down, and by joining on the key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
from benchmarks.dataops.project import ropewalk, run, write_project
from benchmarks.rig.cpu import median_cpu
from benchmarks.rig.goals import Goal

ROWS = 10_000_000
CHANGED = 100
READINGS = """
SELECT
    i AS id,
    CAST(hash(i) % 500 AS INTEGER) AS station,
    TIMESTAMP '2026-01-01' + INTERVAL (i) SECOND AS read_at,
    round((hash(i, 1) % 4000) / 100 - 10, 2){more} AS temperature,
    CAST(hash(i, 2) % 100 AS INTEGER) AS humidity,
    950 + (hash(i, 3) % 1000) / 10 AS pressure
FROM range({rows}) AS r(i) {where}
"""
# Merged by its key, the source keeps the rows that did not change; the table is written anew as a whole.
PROJECT = {
    "ropewalk.yaml": """project: bench
sources:
  readings: {kind: files, path: "landing/*.parquet", write: merge, key: [id]}
""",
    "tables/mart/readings.sql": "SELECT * FROM raw.readings ORDER BY read_at\n",
    "contracts/mart.readings.odcs.yaml": """apiVersion: v3.1.0
kind: DataContract
id: readings
version: 1.0.0
status: active
schema:
  - name: readings
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
""",
}


def write_readings(path: Path, *, is_later: bool = False) -> None:
    """Write all readings, or later ones that change the temperature of one in a hundred."""
    path.parent.mkdir(parents=True, exist_ok=True)
    more, where = (" + 1", f"WHERE i % {CHANGED} = 0") if is_later else ("", "")
    query = READINGS.format(rows=ROWS, more=more, where=where)
    duckdb.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


def diff(here: Path, _dlt: Path | None) -> Iterator[Goal]:
    """One row in a hundred of ten million has another temperature."""
    project = write_project(here / "readings", PROJECT)
    write_readings(project / "landing/1.parquet")
    run(project, "run")
    write_readings(project / "landing/2.parquet", is_later=True)
    run(project, "run")
    for table, how, bound in (("raw.readings", "change feed", 1.0), ("mart.readings", "key", 5.0)):
        spent = median_cpu(ropewalk(project, "diff", "dev~1", "--tables", table))
        yield Goal(f"diff of 10M rows by {how}", f"{spent:.2f} CPU-s, 1 % changed", spent, bound)
