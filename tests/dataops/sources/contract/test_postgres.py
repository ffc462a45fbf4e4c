"""PostgreSQL keeps the contract of all sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import pytest
from pg8000.native import Connection, identifier, literal

from .suite import SECRET, Adapter, Row, SourceContract


class PostgresTable(Adapter):
    """A table of a real server."""

    def __init__(self, project, server, name: str) -> None:
        super().__init__(project)
        self.server = server
        self.url = url = server.network_url(name)
        parts = urlsplit(url)
        self.connection = Connection(
            parts.username,
            host=parts.hostname,
            port=parts.port,
            password=parts.password,
            database=parts.path[1:],
        )
        self.connection.run(f"CREATE ROLE contract LOGIN PASSWORD {literal(SECRET)}")
        self.connection.run("GRANT pg_read_all_data TO contract")
        self.secret = (
            f"host: 127.0.0.1, port: {parts.port}, user: contract, "
            f"password: 'secret://CONTRACT_SECRET', database: {parts.path[1:]}"
        )

    def entry(self) -> str:
        return "kind: postgres, table: things"

    def declare(self, *options: str):
        address = () if self.secret in options else (f"url: '{self.url}'",)
        return super().declare(*address, *options)

    def put(self, rows: Sequence[Row]) -> None:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        types = {name: sql_type([row.get(name) for row in rows]) for name in columns}
        made = ", ".join(f"{identifier(name)} {kind}" for name, kind in types.items())
        self.connection.run("DROP TABLE IF EXISTS things")
        self.connection.run(f"CREATE TABLE things ({made})")
        for row in rows:
            values = ", ".join(literal(row.get(name)) for name in columns)
            self.connection.run(f"INSERT INTO things VALUES ({values})")

    def stop(self) -> None:
        # The name stays, so that the declaration does; nobody can connect to the database behind it.
        name = urlsplit(self.url).path[1:]
        self.server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")

    def close(self) -> None:
        self.connection.run("DROP OWNED BY contract")
        self.connection.run("DROP ROLE contract")
        self.connection.close()


def sql_type(values: Sequence[object]) -> str:
    kinds = {type(value) for value in values if value is not None}
    return "bigint" if kinds == {int} else "double precision" if kinds == {float} else "text"


class TestPostgres(SourceContract):
    @pytest.fixture
    def adapter(self, project, database_server) -> Iterator[PostgresTable]:
        with database_server.database("template1") as name:
            adapter = PostgresTable(project, database_server, name)
            yield adapter
            adapter.close()
