"""A hundred tables: what planning them costs when nothing has changed."""

from __future__ import annotations

import sys
from types import FrameType

from ropewalk.dataops.transform import TableKind
from ropewalk.project import Project, load_project

SQL = """
WITH base AS (SELECT id, date_trunc('month', day) AS month, delay FROM {source} WHERE origin IN ('EWR', 'JFK'))
SELECT month, count(*) AS n, avg(delay) FILTER (WHERE delay > {number}) AS late FROM base GROUP BY ALL
"""


def test_hundred_unchanged_tables_declare_without_a_parse(write_project):
    """With a warm cache, declaring costs reading the files and nothing else: no call goes to the parser of SQL."""
    files = {
        f"tables/mart/t{number}.sql": SQL.format(
            number=number, source=f"mart.t{number - 1}" if number else "raw.a"
        )
        for number in range(100)
    }
    project = load_project(write_project(files), [])
    (project.root / ".ropewalk").mkdir()
    cold, warm = _parser_calls(project), _parser_calls(project)

    # What is counted is calls and not seconds: a busy machine makes as many.
    assert cold > 10_000
    assert warm == 0


def _parser_calls(project: Project) -> int:
    """Declare the tables, and return how many calls of the parser of SQL that took."""
    calls = 0

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call" and "/sqlglot/" in frame.f_code.co_filename

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        nodes = list(TableKind().declare(project))
    finally:
        sys.setprofile(before)
    assert len(nodes) == 100
    return calls
