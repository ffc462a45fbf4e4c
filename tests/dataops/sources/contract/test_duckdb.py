"""DuckDB files keep the contract of all sources."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pytest

from ropewalk.dataops.lake import literal, quote

from .suite import Adapter, Row, SourceContract

# The fast lane proves what is its own in `test_database.py`, and these promises with PostgreSQL.
pytestmark = pytest.mark.slow


class DuckDBTable(Adapter):
    """A table of a DuckDB file."""

    def entry(self) -> str:
        return "kind: duckdb, path: things.duckdb, table: things"

    def put(self, rows: Sequence[Row]) -> None:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        types = {name: sql_type([row.get(name) for row in rows]) for name in columns}
        path = self.project.root / "things.duckdb"
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        with duckdb.connect(path) as connection:
            made = ", ".join(f"{quote(name)} {kind}" for name, kind in types.items())
            connection.execute(f"CREATE TABLE things ({made})")
            for row in rows:
                values = ", ".join(sql_value(row.get(name)) for name in columns)
                connection.execute(f"INSERT INTO things VALUES ({values})")


def sql_value(value: float | str | None) -> str:
    return literal(value) if isinstance(value, str | None) else repr(value)


def sql_type(values: Sequence[object]) -> str:
    kinds = {type(value) for value in values if value is not None}
    return "BIGINT" if kinds == {int} else "DOUBLE" if kinds == {float} else "VARCHAR"


class TestDuckDB(SourceContract):
    @pytest.fixture
    def adapter(self, project):
        return DuckDBTable(project)
