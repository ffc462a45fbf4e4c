"""In its own process: reading a database by an ADBC driver, batch by batch."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import cast

from ropewalk.dataops.sources.driver_sql import driver_query
from ropewalk.dataops.sources.rows_job import RowsJob
from ropewalk.dataops.sources.secrets import resolve_secrets


def read(job: RowsJob) -> Iterator[object]:
    """Yield the Arrow batches of the table or query that the job names.

    Raises:
        Exception: whatever the driver says.
    """
    from adbc_driver_manager import dbapi

    options = resolve_secrets(cast("Mapping[str, str]", job.options["options"]))
    uri = job.options["uri"]
    given = resolve_secrets({"uri": str(uri)}) if uri else {}
    driver = _driver(str(job.options["driver"]))
    # Both are closed before the process ends: an open cursor makes the driver complain there.
    with (
        dbapi.connect(driver=driver, db_kwargs={**options, **given}) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(driver_query(job))
        batches = cursor.fetch_record_batch()
        # Even without rows there are columns.
        yield batches.schema.empty_table()
        yield from batches


def _driver(name: str) -> str:
    """Return the library of a Python package with a driver, or `name` itself for one that stands alone."""
    try:
        package = importlib.import_module(name)
    except ModuleNotFoundError:
        # Every package of a driver is called so; anything else may be a library's path or the name of a manifest.
        if name.startswith("adbc_driver_"):
            raise
        return name
    path: str = package._driver_path()  # noqa: SLF001  # every package of a driver has it, and nothing else
    return path
