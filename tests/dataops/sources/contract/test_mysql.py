"""MySQL, as MariaDB, keeps the contract of all sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from .suite import SECRET, Adapter, Row, SourceContract

# The fast lane proves what is its own in `test_database.py`, and these promises with PostgreSQL.
pytestmark = pytest.mark.slow


class MySQLTable(Adapter):
    """A table of a real server."""

    def __init__(self, project, server, database: str) -> None:
        super().__init__(project)
        self.server = server
        self.database = database
        server.run(f"CREATE OR REPLACE USER contract@'127.0.0.1' IDENTIFIED BY '{SECRET}'")
        server.run("GRANT SELECT ON *.* TO contract@'127.0.0.1'")
        self.secret = (
            f"host: 127.0.0.1, port: {server.port}, user: contract, "
            f"password: 'secret://CONTRACT_SECRET', database: {database}"
        )

    def entry(self) -> str:
        return "kind: mysql, table: things"

    def declare(self, *options: str):
        address = () if self.secret in options else (f"url: '{self.server.url(self.database)}'",)
        return super().declare(*address, *options)

    def put(self, rows: Sequence[Row]) -> None:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        types = {name: sql_type([row.get(name) for row in rows]) for name in columns}
        made = ", ".join(f"{identifier(name)} {kind}" for name, kind in types.items())
        inserts = [f"({', '.join(sql_value(row.get(name)) for name in columns)})" for row in rows]
        self.server.run(
            f"CREATE OR REPLACE TABLE things ({made}); INSERT INTO things VALUES {', '.join(inserts)}",
            self.database,
        )

    def stop(self) -> None:
        self.server.run(f"DROP DATABASE {self.database}; CREATE DATABASE {self.database}")
        pytest.skip("the server is shared by all tests; one that does not answer is tested with the loader")


def identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def sql_value(value: object) -> str:
    if isinstance(value, str):
        return f"CONVERT(X'{value.encode().hex()}' USING utf8mb4)"
    return "NULL" if value is None else str(value)


def sql_type(values: Sequence[object]) -> str:
    kinds = {type(value) for value in values if value is not None}
    return "bigint" if kinds == {int} else "double" if kinds == {float} else "text"


class TestMySQL(SourceContract):
    @pytest.fixture
    def adapter(self, project, mariadb_server) -> Iterator[MySQLTable]:
        with mariadb_server.database() as name:
            yield MySQLTable(project, mariadb_server, name)
