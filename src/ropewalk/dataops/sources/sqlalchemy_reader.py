"""In its own process: reading a database by an SQLAlchemy dialect, batch by batch, as Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ropewalk.dataops.sources.arrow_batches import ArrowBatches
from ropewalk.dataops.sources.driver_sql import driver_query, table_path
from ropewalk.dataops.sources.rows_harness import NotThere
from ropewalk.dataops.sources.rows_job import RowsJob
from ropewalk.dataops.sources.secrets import resolve_secrets
from ropewalk.errors import nearest

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select, TextClause

ROWS = 20_000


def read(job: RowsJob) -> Iterator[object]:
    """Yield the rows of the table or query that the job names, as Arrow tables.

    Raises:
        NotThere: the database does not have the table.
        Exception: whatever the dialect says.
    """
    import sqlalchemy

    engine = sqlalchemy.create_engine(resolve_secrets({"url": str(job.options["url"])})["url"])
    with engine.connect().execution_options(stream_results=True, max_row_buffer=ROWS) as connection:
        result = connection.execute(_statement(connection, job))
        batches = ArrowBatches(list(result.keys()))
        for rows in result.partitions(ROWS):
            found: Sequence[Sequence[object]] = rows
            yield batches.table(found)
        if (rest := batches.rest()) is not None:
            yield rest
    engine.dispose()


def _statement(connection: Connection, job: RowsJob) -> Select[tuple[object, ...]] | TextClause:
    import sqlalchemy

    path = table_path(job)
    if path is None:
        return sqlalchemy.text(driver_query(job).replace(":", "\\:"))
    try:
        table = sqlalchemy.Table(
            path.name, sqlalchemy.MetaData(), schema=path.schema, autoload_with=connection
        )
    except sqlalchemy.exc.NoSuchTableError:
        looked = sqlalchemy.inspect(connection)
        names = [*looked.get_table_names(path.schema), *looked.get_view_names(path.schema)]
        close = nearest(path.name, names)
        hint = f"; did you mean {close!r}?" if close else ""
        raise NotThere(f"the database has no table {str(path)!r}{hint}") from None
    found = sqlalchemy.select(table)
    if job.since is None:
        return found
    cursor = table.c[str(job.options["cursor"])]
    # Bound in the column's own type, so that the dialect writes it as the database wants it.
    value = sqlalchemy.cast(sqlalchemy.literal(job.since), cursor.type)
    return found.where(sqlalchemy.or_(cursor >= value, cursor.is_(None)))
