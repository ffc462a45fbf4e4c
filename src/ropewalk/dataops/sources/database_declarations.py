"""What stands below `sources:` for databases: PostgreSQL, MySQL and MariaDB, and DuckDB files."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ropewalk.dataops.sources.entries import Entry, LandedSource, Name
from ropewalk.dataops.sources.refreshing import Refresh
from ropewalk.dataops.sources.secrets import SCHEME

SCHEMES = {"postgres": ("postgresql", "postgres"), "mysql": ("mysql", "mariadb")}


def _require_address(url: str) -> str:
    known = [f"{scheme}://" for schemes in SCHEMES.values() for scheme in schemes]
    if not url.startswith((SCHEME, *known)):
        raise ValueError(f"must start with {', '.join(known)} or {SCHEME}")
    return url


DatabaseURL = Annotated[str, AfterValidator(_require_address)]


class TLS(Entry):
    """How the connection to a server is encrypted, and who the server must prove to be."""

    mode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = Field(
        "verify-full", description="`require` encrypts; `verify-ca` and `verify-full` also check who answers"
    )
    ca: Name | None = Field(None, description="File with the authority's certificate")
    cert: Name | None = Field(None, description="File with the client's certificate")
    key: Name | None = Field(None, description="File with the client's key")


class TableSource(LandedSource):
    """A source that is a table of a database, or a query over its tables."""

    table: Name | None = Field(None, description="The table or view to load: `orders`, or `shop.orders`")
    query: Name | None = Field(
        None, description="Instead of a table: one SELECT, in the SQL of the database, which runs it"
    )
    refresh: Refresh | None = Field(
        None,
        description="Without a cursor: how old what was loaded may be, such as 6h; by default every run loads",
    )

    @model_validator(mode="after")
    def _one_of_table_and_query(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("exactly one of table and query is needed")
        if self.refresh is not None and self.cursor is not None:
            raise ValueError(
                "refresh is for sources without a cursor: with one, the database is asked for news"
            )
        return self


class ServerSource(TableSource):
    """A table or query of a database server."""

    url: DatabaseURL | None = Field(None, description="Address of the database; secret://NAME allowed")
    host: Name | None = Field(None, description="Instead of a url: the server's name; secret://NAME allowed")
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    user: Name | None = Field(None, description="secret://NAME allowed")
    password: Name | None = Field(None, description="secret://NAME, so that it stands in no file")
    database: Name | None = Field(None, description="secret://NAME allowed")
    tls: TLS | None = Field(None, description="By default encrypted when the server offers it")

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        parts = [name for name in ("host", "port", "user", "password", "database") if getattr(self, name)]
        if self.url is not None and parts:
            raise ValueError(f"{parts[0]} is part of the url")
        if self.url is None and self.host is None:
            raise ValueError("url, or host and database, are needed")
        return self


class PostgresSource(ServerSource):
    """A table, view or query of a PostgreSQL database; read only."""

    kind: Literal["postgres"]


class MySQLSource(ServerSource):
    """A table, view or query of a MySQL or MariaDB database; read only."""

    kind: Literal["mysql"]


class DuckDBSource(TableSource):
    """A table, view or query of a DuckDB file; read only."""

    kind: Literal["duckdb"]
    path: Name = Field(description="The database file, relative to the project")
