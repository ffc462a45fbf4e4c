"""The SQL that a driver is given: plain enough for any database."""

from __future__ import annotations

import re

from ropewalk.dataops.lake import literal, quote
from ropewalk.dataops.sources.dialects import TablePath
from ropewalk.dataops.sources.rows_job import RowsJob
from ropewalk.errors import Place

_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")


def table_path(job: RowsJob) -> TablePath | None:
    """Return the table that the job names, or None when it has a query."""
    table = job.options["table"]
    return TablePath.parse(str(table), Place("ropewalk.yaml")) if table else None


def driver_query(job: RowsJob) -> str:
    """Return the SELECT of what the job names, from the watermark on where there is one."""
    table = table_path(job)
    if table is not None:
        relation = ".".join(quote(part) for part in (table.schema, table.name) if part)
    else:
        # On lines of its own, as it may end in a comment.
        query = str(job.options["query"]).strip().rstrip(";")
        relation = f"(\n{query}\n) AS q"
    if job.since is None:
        return f"SELECT * FROM {relation}"
    cursor = quote(str(job.options["cursor"]))
    value = job.since if _NUMBER.fullmatch(job.since) else literal(job.since)
    # A row without a value always comes: it goes to quarantine, where somebody can see it.
    return f"SELECT * FROM {relation} WHERE {cursor} >= {value} OR {cursor} IS NULL"
