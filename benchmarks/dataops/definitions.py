"""Column lineage of five hundred tables, and a contract of fifty checks on ten million rows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.dataops.changes import ROWS, write_readings
from benchmarks.dataops.project import ropewalk, run, write_project
from benchmarks.rig.cpu import Command, cpu_seconds, median_cpu
from benchmarks.rig.goals import Goal

TABLES = 500
SELECT = """
WITH recent AS (
    SELECT a.id, (a.value + b.value) % 1000 + 1 AS value, a.kind, row_number() OVER (PARTITION BY a.kind ORDER BY a.value) AS place
    FROM {first} AS a
    LEFT JOIN {second} AS b ON a.id = b.id
    WHERE a.value > 0
)
SELECT id, CAST(sum(value) AS BIGINT) AS value, max(kind) AS kind, CASE WHEN min(place) = 1 THEN 'first' ELSE 'later' END AS place
FROM recent
GROUP BY id
"""
BASE = "SELECT i AS id, i + 1 AS value, 'k' || (i % 3) AS kind, 'x' AS place FROM range(10) AS r(i)\n"
# Beside the column, its type, whether it is required, and both its bounds: ten for each of five columns.
NULLS = 6
COLUMNS = ("id", "station", "temperature", "humidity", "pressure")


def column_lineage(here: Path, _dlt: Path | None) -> Iterator[Goal]:
    """Where the columns of the last of five hundred tables come from, through all the others."""
    files = {"tables/mart/t0.sql": BASE, "tables/mart/t1.sql": BASE}
    for number in range(2, TABLES):
        first, second = f"mart.t{number - 1}", f"mart.t{number - 2}"
        files[f"tables/mart/t{number}.sql"] = SELECT.format(first=first, second=second)
    project = write_project(here / "columns", files)
    run(project, "run")
    asked = ropewalk(project, "lineage", "--columns", f"mart.t{TABLES - 1}")
    cold = cpu_seconds(asked)
    yield Goal("columns of 500 tables, cold", f"{cold:.2f} CPU-s", cold, 10)
    warm = median_cpu(asked)
    yield Goal("columns of 500 tables, warm", f"{warm:.3f} CPU-s", warm, 0.3)


def contract(here: Path, _dlt: Path | None) -> Iterator[Goal]:
    """Fifty checks of ten million rows, against one aggregate of the same conditions by DuckDB alone."""
    project = write_project(
        here / "contract",
        {
            "ropewalk.yaml": "project: bench\nsources: {readings: {kind: files, path: 'landing/*.parquet'}}\n",
            "contracts/raw.readings.odcs.yaml": _contract(),
        },
    )
    write_readings(project / "landing/1.parquet")
    run(project, "run")
    ours = median_cpu(ropewalk(project, "contract", "check", "raw.readings"))
    theirs = median_cpu(Command([sys.executable, "-c", _plain(project / "landing/1.parquet")], here, {}))
    shutil.rmtree(project)
    measured = f"{ours:.2f} s, one aggregate by DuckDB {theirs:.2f} s"
    yield Goal(f"50 checks on {ROWS // 1_000_000}M rows / one scan", measured, ours / theirs, 1.5)


def _contract() -> str:
    properties = []
    for column in COLUMNS:
        nulls = [
            f"          - {{metric: nullValues, mustBeLessThan: {limit}}}" for limit in range(1, NULLS + 1)
        ]
        properties += [
            f"      - name: {column}",
            "        logicalType: number",
            "        required: true",
            "        logicalTypeOptions: {minimum: -1000, maximum: 1000000000}",
            "        quality:",
            *nulls,
        ]
    head = "apiVersion: v3.1.0\nkind: DataContract\nid: readings\nversion: 1.0.0\nstatus: active\nschema:\n"
    return head + "  - name: readings\n    properties:\n" + "\n".join(properties) + "\n"


def _plain(parquet: Path) -> str:
    """Return a program that counts what all checks of the contract count, once."""
    conditions = [
        f"{column} {condition}"
        for column in COLUMNS
        for condition in ("IS NULL", "< -1000", "> 1000000000", *["IS NULL"] * NULLS)
    ]
    counts = ", ".join(f"count(*) FILTER ({condition})" for condition in conditions)
    return f"import duckdb; duckdb.sql({f'SELECT {counts} FROM read_parquet({str(parquet)!r})'!r}).fetchall()"
