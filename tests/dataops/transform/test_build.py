"""Building tables through the pipeline: content, contract, failures and what stays."""

from __future__ import annotations

from ropewalk.dataops.lake import open_lake
from ropewalk.pipeline import State

FLIGHTS = "SELECT * FROM (VALUES (1, 'EWR', 10), (2, 'JFK', NULL), (3, 'LGA', 70)) AS v (id, origin, delay)"
CONTRACT = """
    apiVersion: v3.1.0
    kind: DataContract
    id: flights
    version: 1.0.0
    schema:
      - name: staging.flights
        properties:
          - {name: id, logicalType: integer, primaryKey: true}
"""


def test_table_holds_the_rows_of_its_select(write_project, open_tables, run_tables):
    """A table is what its file selects, and a table may read another by its full or its short name."""
    root = write_project(
        {
            "tables/staging/flights.sql": FLIGHTS,
            "tables/mart/late.sql": "SELECT id FROM staging.flights WHERE delay > 60",
            "tables/mart/punctual.sql": "SELECT flights.id FROM Flights WHERE delay <= 60",
        }
    )
    workspace = open_tables(root)

    results = run_tables(workspace)

    rows = open_lake(workspace).cursor().execute("SELECT * FROM mart.late, mart.punctual").fetchall()
    assert rows == [(3, 1)]
    assert results["mart.late"].output.summary == {"rows": 1, "columns": ["id"], "contract": None}


def test_second_run_executes_nothing(write_project, open_tables, run_tables):
    """A table whose file did not change is a hit."""
    root = write_project({"tables/staging/flights.sql": FLIGHTS})
    run_tables(open_tables(root))

    results = run_tables(open_tables(root))

    assert results["staging.flights"].state is State.HIT
