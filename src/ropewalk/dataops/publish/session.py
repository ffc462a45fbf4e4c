"""One connection to a target database, through the engine's scanner: statements there, and rows from the lake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import duckdb

from ropewalk.dataops.lake import literal, load_extension, quote
from ropewalk.dataops.publish.dialects import MYSQL, POSTGRES, Dialect, Sent
from ropewalk.dataops.publish.servers import Server

DIALECTS = {dialect.kind: dialect for dialect in (POSTGRES, MYSQL)}
_NAME = "publish_target"
_SECRET = "publish_secret"  # noqa: S105  # the name of one, inside this engine
_CONNECT_S = 15


@dataclass(frozen=True)
class Target:
    """A table of the target: its schema (MySQL: database) and its name."""

    schema: str
    name: str

    def __str__(self) -> str:
        """`schema.name`, as people write it."""
        return f"{self.schema}.{self.name}"


def cut_name(name: str, longest: int) -> str:
    """Return as many letters of `name` as fit into so many bytes, in which PostgreSQL counts and cuts by itself."""
    return name.encode()[:longest].decode(errors="ignore")


class TargetSession:
    """An attached target; `open_session` attaches and detaches it. Its methods raise `duckdb.Error`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, dialect: Dialect) -> None:
        self.connection = connection
        self.dialect = dialect

    def execute(self, sql: str) -> None:
        """Run a statement in the target's own SQL; what the engine knows of its tables is read anew after it."""
        self.connection.execute(f"CALL {self.dialect.kind}_execute('{_NAME}', {literal(sql)})")

    def refresh(self) -> None:
        """See tables that statements have made."""
        self.connection.execute(self.dialect.clears)

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows of a query in the target's own SQL; MySQL answers as if no transaction were open."""
        query = f"FROM {self.dialect.kind}_query('{_NAME}', {literal(sql)})"
        return self.connection.execute(query).fetchall()

    def scan(self, place: Target, columns: Sequence[str], where: str) -> list[tuple[object, ...]]:
        """Return rows of a table there as the open transaction sees them; `where` is the engine's SQL."""
        names = ", ".join(map(quote, columns))
        return self.connection.execute(f"SELECT {names} FROM {self.address(place)} WHERE {where}").fetchall()

    def insert(self, place: Target, columns: Sequence[str], select: str) -> None:
        """Add the rows of a SELECT in the engine's SQL to a table there, in bulk."""
        names = ", ".join(map(quote, columns))
        self.connection.execute(f"INSERT INTO {self.address(place)} ({names}) {select}")

    def address(self, place: Target) -> str:
        """Return the table as the engine addresses it."""
        return f"{_NAME}.{quote(place.schema)}.{quote(place.name)}"

    def there(self, place: Target) -> str:
        """Return the table as the target addresses it."""
        return f"{self.dialect.quote(place.schema)}.{self.dialect.quote(place.name)}"

    def columns(self, place: Target) -> list[tuple[str, str]] | None:
        """Return name and type of each column of a table there, in order; None when there is no such table."""
        rows = self.ask(_COLUMNS[self.dialect.kind].format(literal(place.schema), literal(place.name)))
        return [(str(name), str(kind)) for name, kind in rows] or None

    def create(self, place: Target, columns: Sequence[Sent], key: Sequence[str] = ()) -> None:
        """Make an empty table there."""
        mark = self.dialect.quote
        parts = [f"{mark(column.name)} {column.type}" for column in columns]
        parts += [f"PRIMARY KEY ({', '.join(map(mark, key))})"] if key else []
        # Byte by byte, as the lake compares: MySQL's own default takes `a` for `A`.
        options = (
            "" if self.dialect is POSTGRES else " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
        )
        self.execute(f"CREATE TABLE {self.there(place)} ({', '.join(parts)}){options}")
        self.refresh()

    def drop(self, place: Target) -> None:
        """Remove a table there, if it is there."""
        self.execute(f"DROP TABLE IF EXISTS {self.there(place)}")
        self.refresh()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block does there, or roll all of it back."""
        self.connection.execute("BEGIN")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            # The engine has ended the transaction itself after some errors, and then says that there is none.
            with suppress(duckdb.Error):
                self.connection.execute("ROLLBACK")
            raise


@contextmanager
def open_session(connection: duckdb.DuckDBPyConnection, server: Server) -> Iterator[TargetSession]:
    """Attach the server's database to the engine of `connection` for the length of the block.

    Raises:
        ExtensionMissing: the scanner is not installed.
        duckdb.Error: the server does not answer or refuses.
    """
    dialect = DIALECTS[server.kind]
    load_extension(connection, dialect.extension)
    # As a secret, because messages repeat what stands in the connection's own text.
    given = {"HOST": server.host, "PORT": str(server.port), "USER": server.user, "PASSWORD": server.password}
    options = {**given, "DATABASE": server.database, **_options(server)}
    said = ", ".join(f"{name} {literal(value)}" for name, value in options.items() if value)
    text = " ".join(f"{name}={value}" for name, value in _text(server).items())
    try:
        connection.execute(f"CREATE OR REPLACE TEMPORARY SECRET {_SECRET} (TYPE {server.kind}, {said})")
        connection.execute(f"ATTACH {literal(text)} AS {_NAME} (TYPE {server.kind}, SECRET {_SECRET})")
        yield TargetSession(connection, dialect)
    finally:
        for statement in (f"DETACH DATABASE IF EXISTS {_NAME}", f"DROP SECRET IF EXISTS {_SECRET}"):
            with suppress(duckdb.Error):
                connection.execute(statement)


def _options(server: Server) -> dict[str, str]:
    mode = server.options.get("ssl-mode") or server.options.get("ssl_mode")
    return {"SSL_MODE": mode.lower()} if server.kind == "mysql" and mode else {}


def _text(server: Server) -> dict[str, str]:
    if server.kind == "mysql":
        return {}
    known = {name: value for name, value in server.options.items() if name in {"sslmode", "sslrootcert"}}
    return {"connect_timeout": str(_CONNECT_S), **known}


_COLUMNS = {
    "postgres": """
        SELECT a.attname::text, format_type(a.atttypid, a.atttypmod)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = {0} AND c.relname = {1} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
    """,
    "mysql": """
        SELECT column_name AS c, column_type AS t FROM information_schema.columns
        WHERE table_schema = {0} AND table_name = {1} ORDER BY ordinal_position
    """,
}
