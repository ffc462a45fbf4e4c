"""Read-only SQL for people: one SELECT over the lake's tables, within a time and a number of rows.

Three fences stand one behind the other: DuckDB's own parse of the text must be one SELECT whose table functions
are all on the list below; the lake is attached read-only; and the engine may open no file but the lake's own.
The first is needed beside the last because the SQLite extension opens files by a way of its own.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ropewalk.dataops.lake.catalog import CATALOG_FILE, DATA_FOLDER, SPILL_FOLDER
from ropewalk.dataops.lake.digest import Column
from ropewalk.dataops.lake.engines import Engines
from ropewalk.dataops.lake.errors import InvalidQuery, QueryNotAllowed, QueryTimeout, translate_error
from ropewalk.dataops.lake.names import literal
from ropewalk.dataops.lake.reader import open_reader
from ropewalk.dataops.lake.retry import retry_locked
from ropewalk.errors import nearest

TABLE_FUNCTIONS = frozenset(
    {"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"}
)
# More than a person at a console needs, and not all of the machine.
MEMORY = "2GB"
# Built in beside the table functions: scalar functions that run SQL or reach outside.
SCALAR_FUNCTIONS_REFUSED = frozenset({"write_log", "getenv", "json_execute_serialized_sql"})
# DuckDB reads a file that stands where a table should.
_PATH = re.compile(r"[/\\.*]")


@dataclass(frozen=True)
class QueryResult:
    """What a query found.

    Attributes:
        columns: names and types, in order.
        rows: the values, no more than were asked for.
        is_complete: whether these are all the rows there are.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]
    is_complete: bool


class Console:
    """Engines of its own, read-only and locked down, for the lake in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engines = Engines(self._connect)

    def run(
        self, sql: str, limit: int, timeout_s: float, table_names: Callable[[], tuple[str, ...]]
    ) -> QueryResult:
        """Return up to `limit` rows of the one SELECT that `sql` is; `table_names` serves error messages.

        Raises:
            RopewalkError: as `Lake.query` says.
        """
        with self._engines.cursor() as connection:
            try:
                self._check(connection, sql)
                with _stopped_after(connection, timeout_s):
                    return retry_locked(lambda: _fetch(connection, sql, limit))
            except duckdb.InterruptException as error:
                raise QueryTimeout(
                    f"the query ran longer than {timeout_s:g} s", hint="ask for less, or aggregate"
                ) from error
            except duckdb.Error as error:
                # The names are asked for only now: most queries are right.
                raise translate_error(
                    _placed(connection, sql) or error, table_names(), first_line=0
                ) from error

    def close(self) -> None:
        """Close the engines."""
        self._engines.close()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Return a new engine that reads the lake and nothing else; what is locked down here stays so."""
        connection = open_reader(self._folder)
        # SQLite opens these beside the catalogue; every other file of the machine is out of reach from here on.
        catalog = self._folder / CATALOG_FILE
        files = ", ".join(literal(f"{catalog}{suffix}") for suffix in ("", "-wal", "-shm", "-journal"))
        connection.execute(
            f"SET allowed_directories = [{_folders(self._folder)}];"
            f"SET allowed_paths = [{files}];"
            f"SET memory_limit = '{MEMORY}'; SET enable_external_access = false; SET lock_configuration = true"
        )
        return connection

    def _check(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        # DuckDB parses the text itself, so there is no second opinion of it that could be tricked.
        statements = connection.extract_statements(sql)
        if not statements:
            raise InvalidQuery("there is no SQL statement")
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise QueryNotAllowed(
                "only one SELECT is allowed here", hint="the lake is changed by `ropewalk run`"
            )
        serialized = connection.execute(
            f"SELECT json_serialize_sql({literal(statements[0].query)})"
        ).fetchone()
        # What DuckDB cannot serialize is no plain SELECT: PIVOT, CALL and the like become several statements.
        tree = json.loads(serialized[0]) if serialized else {}
        if tree.get("error", True):
            raise QueryNotAllowed("only SELECT is allowed here", hint="the lake is changed by `ropewalk run`")
        for node in _nodes(tree):
            _refuse_node(node)


def _folders(folder: Path) -> str:
    return ", ".join(literal(f"{folder / name}/") for name in (DATA_FOLDER, SPILL_FOLDER))


def _refuse_node(node: dict[str, Any]) -> None:
    """Refuse a part of a parsed query that reaches beyond the lake's tables.

    Raises:
        QueryNotAllowed: it is a table function that is not on the list, or a file in the place of a table.
    """
    kind = node.get("type")
    if kind == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", "")).lower()
        if name not in TABLE_FUNCTIONS:
            raise QueryNotAllowed(
                f"the table function {name!r} is not allowed here",
                nearest=nearest(name, TABLE_FUNCTIONS),
                hint="allowed: " + ", ".join(sorted(TABLE_FUNCTIONS)),
            )
    elif kind == "BASE_TABLE" and _PATH.search(str(node.get("table_name", ""))):
        raise QueryNotAllowed(f"{node['table_name']!r} is a file, not a table of the lake")
    elif str(node.get("function_name", "")).lower() in SCALAR_FUNCTIONS_REFUSED:
        raise QueryNotAllowed(f"the function {node['function_name']!r} is not allowed here")


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Yield every object in DuckDB's own parse of a statement."""
    if isinstance(tree, list):
        for item in tree:
            yield from _nodes(item)
    elif isinstance(tree, dict):
        yield tree
        for item in tree.values():
            yield from _nodes(item)


def _fetch(connection: duckdb.DuckDBPyConnection, sql: str, limit: int) -> QueryResult:
    relation = connection.sql(sql)
    columns = tuple(
        Column(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)
    )
    # One row more than wanted tells whether there are more, without counting them.
    rows = relation.limit(limit + 1).fetchall()
    return QueryResult(columns, tuple(rows[:limit]), len(rows) <= limit)


def _placed(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Error | None:
    """Return the error of preparing `sql`, which names its line and column, as that of a relation does not."""
    try:
        connection.execute(f"EXPLAIN\n{sql}")
    except duckdb.Error as error:
        return error
    return None


@contextmanager
def _stopped_after(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt what runs on `connection` when the block takes longer than `seconds`."""
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
