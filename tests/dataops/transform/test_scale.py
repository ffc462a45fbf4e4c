"""A hundred tables: what planning them costs when nothing has changed."""

from __future__ import annotations

import time

from ropewalk.dataops.transform import TableKind
from ropewalk.project import load_project

SQL = """
WITH base AS (SELECT id, date_trunc('month', day) AS month, delay FROM {source} WHERE origin IN ('EWR', 'JFK'))
SELECT month, count(*) AS n, avg(delay) FILTER (WHERE delay > {number}) AS late FROM base GROUP BY ALL
"""


def test_hundred_unchanged_tables_declare_in_a_tenth_of_a_second(write_project):
    """With a warm cache, declaring costs reading the files and nothing else."""
    files = {
        f"tables/mart/t{number}.sql": SQL.format(
            number=number, source=f"mart.t{number - 1}" if number else "raw.a"
        )
        for number in range(100)
    }
    project = load_project(write_project(files), [])
    (project.root / ".ropewalk").mkdir()
    TableKind().declare(project)

    started = time.process_time()
    nodes = list(TableKind().declare(project))

    assert len(nodes) == 100
    assert time.process_time() - started < 0.1
