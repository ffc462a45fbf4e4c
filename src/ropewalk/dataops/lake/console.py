"""Read-only SQL for people: one SELECT over the lake's tables, within a time and a number of rows.

Three fences stand one behind the other: DuckDB's own parse of the text must be one SELECT whose table functions
are all on the list below; the lake is attached read-only; and the engine may open no file but the lake's own.
The first is needed beside the last because the SQLite extension opens files by a way of its own.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from ropewalk.dataops.lake.apart import answer_apart, is_growing
from ropewalk.dataops.lake.asking import MEMORY, Asking, QueryResult, bound, fetch
from ropewalk.dataops.lake.catalog import SPILL_FOLDER
from ropewalk.dataops.lake.digest import read_columns
from ropewalk.dataops.lake.engines import Engines
from ropewalk.dataops.lake.errors import InvalidQuery, QueryNotAllowed, QueryTimeout, translate_error
from ropewalk.dataops.lake.home import LakeHome
from ropewalk.dataops.lake.masked_query import masked_table, move_past, refuse_detours
from ropewalk.dataops.lake.masks import Masks
from ropewalk.dataops.lake.names import LAKE, TableName, literal
from ropewalk.dataops.lake.reader import open_reader
from ropewalk.dataops.lake.retry import retry_locked
from ropewalk.dataops.lake.scope import open_scope
from ropewalk.errors import Place, nearest

TABLE_FUNCTIONS = frozenset(
    {"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"}
)
# Built in beside the table functions: scalar functions that run SQL or reach outside.
SCALAR_FUNCTIONS_REFUSED = frozenset({"write_log", "getenv", "json_execute_serialized_sql"})
# DuckDB reads a file that stands where a table should.
_PATH = re.compile(r"[/\\.*]")
_PREFIX = f"{LAKE}."


@dataclass(frozen=True)
class Names:
    """What a query's unqualified table names mean.

    Attributes:
        tables: the snapshot of each table; None where every name means the head.
        refuse: is told each name that is not in `tables`, and may raise.
        known: gives the names for error messages, when there is one.
        masks: what is masked; whoever is masked from anything may name tables only.
    """

    tables: Mapping[str, int] | None
    refuse: Callable[[str], None]
    known: Callable[[], tuple[str, ...]]
    masks: Masks = field(default_factory=Masks)

    def is_table(self, name: str) -> bool:
        """Return whether `name`, in lower case, is a table's, here or at the lake's head."""
        return name in (self.tables or ()) or name in map(str.lower, self.known())

    def refuse_unknown(self, wanted: Iterable[TableName]) -> None:
        """Tell `refuse` of each table that is not in `tables`, in order of their names."""
        for name in sorted(str(table).lower() for table in wanted):
            if name not in (self.tables or ()):
                self.refuse(name)

    def snapshots(self, wanted: Iterable[TableName]) -> dict[TableName, int | None]:
        """Return the snapshot of each table; None for the head."""
        return {table: (self.tables or {}).get(str(table).lower()) for table in wanted}


class Console:
    """Engines of its own, read-only and locked down, for the lake at `home`."""

    def __init__(self, home: LakeHome, memory: str = MEMORY) -> None:
        self._home = home
        self._memory = memory
        self._engines = Engines(self._connect)

    def run(self, sql: str, asking: Asking, names: Names) -> QueryResult:
        """Return what the one SELECT that `sql` is finds.

        Raises:
            RopewalkError: as `Lake.query` says.
        """
        with self._engines.cursor() as connection:
            query = Query(sql, None)
            try:
                query = _look(connection, sql, names, asking)
                if query.is_growing:
                    return answer_apart(Question(self._home, self._memory, query, asking), asking)
                return self.answer_here(connection, query, asking)
            except duckdb.InterruptException as error:
                raise QueryTimeout(
                    f"the query ran longer than {asking.timeout_s:g} s", hint="ask for less, or aggregate"
                ) from error
            except duckdb.Error as error:
                # The names are asked for only now: most queries are right.
                columns = _columns(connection, query.tables or {})
                found = translate_error(error, names.known(), first_line=0, columns=columns)
                found.place = query.as_written(found.place)
                raise found from error

    def answer_here(self, connection: duckdb.DuckDBPyConnection, query: Query, asking: Asking) -> QueryResult:
        """Return what a query that was looked at finds, on an engine of this process.

        Raises:
            duckdb.Error: it cannot be answered.
        """
        with bound(connection, asking), _stopped_after(connection, asking.timeout_s):
            return retry_locked(lambda: _answer(connection, query, asking, self._spill))

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Return a connection to this thread's engine."""
        return self._engines.cursor()

    def close(self) -> None:
        """Close the engines."""
        self._engines.close()

    @property
    def _spill(self) -> Path:
        return self._home.folder / SPILL_FOLDER

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Return a new engine that reads the lake and nothing else; what is locked down here stays so."""
        connection = open_reader(self._home)
        # SQLite opens these beside the catalogue; every other file of the machine is out of reach from here on.
        files = ", ".join(literal(str(path)) for path in self._home.catalog.files)
        folders = ", ".join(map(literal, (self._home.storage.path, f"{self._spill}/")))
        connection.execute(
            f"SET allowed_directories = [{folders}];"
            f"SET allowed_paths = [{files}];"
            f"SET memory_limit = {literal(self._memory)}; SET enable_external_access = false; SET lock_configuration = true"
        )
        return connection


@dataclass(frozen=True)
class Query:
    """A SELECT as it is run.

    Attributes:
        text: its SQL.
        tables: the snapshot, or None for the head, of each unqualified name; None where nothing is looked up.
        moved: where the lake's name was put in: line and column.
        masks: what is masked in the tables.
        past: tables of another time that were given names of their own: by name the table and the SELECT of it.
        is_growing: whether it could make values of any size.
    """

    text: str
    tables: Mapping[TableName, int | None] | None
    moved: tuple[tuple[int, int], ...] = ()
    masks: Masks = field(default_factory=Masks)
    past: Mapping[TableName, tuple[TableName, str]] = field(default_factory=dict)
    is_growing: bool = False

    def as_written(self, place: Place | None) -> Place | None:
        """Return where in the SQL of the person the character at `place` of the text stands."""
        if place is None or place.column is None:
            return place
        before = sum(line == place.line and column < place.column for line, column in self.moved)
        return Place(place.path, place.line, place.column - before * len(_PREFIX))


@dataclass(frozen=True)
class Question:
    """What a process of its own is asked: where the lake is, the memory of its engine, the query and its limits."""

    home: LakeHome
    memory: str
    query: Query
    asking: Asking


def _look(connection: duckdb.DuckDBPyConnection, sql: str, names: Names, asking: Asking) -> Query:
    """Return the one SELECT that `sql` is, with what its names mean.

    Raises:
        QueryNotAllowed, InvalidQuery: it is something else, or reads more than tables.
    """
    tree = _parse(connection, sql)
    found = list(_nodes(tree))
    for node in found:
        _refuse_node(node)
    grows = is_growing(found)
    if names.masks:
        names.refuse_unknown(_tables(found))
        refuse_detours(connection, found, names.is_table, bound=asking.values)
        query = _look_masked(connection, sql, names, tree)
    else:
        query = Query(sql, None) if names.tables is None else _look_scoped(sql, names, found)
    return replace(query, is_growing=grows)


def _look_scoped(sql: str, names: Names, found: Sequence[Mapping[str, Any]]) -> Query:
    """Return the query with tables at the snapshots that `names` says in the place of unqualified names."""
    named = [node for node in found if _is_unqualified(node)]
    # A view cannot be asked for another time than its own; the table behind it can.
    timed = sorted(int(node["query_location"]) for node in named if node["at_clause"])
    wanted = _tables(node for node in named if not node["at_clause"])
    names.refuse_unknown(wanted)
    moved = tuple(_line_and_column(sql, offset) for offset in timed)
    return Query(_with_prefix(sql, timed), names.snapshots(wanted), moved)


def _look_masked(
    connection: duckdb.DuckDBPyConnection, sql: str, names: Names, tree: dict[str, Any]
) -> Query:
    """Return the query with masked views in the place of all tables."""
    found = list(_nodes(tree))
    # From here on the nodes of tables at another time have the names that were given to them.
    text, past = move_past(connection, tree, found)
    tables = names.snapshots(_tables(found) - past.keys())
    return Query(text or sql, tables, masks=names.masks, past=past)


def _tables(nodes: Iterable[Mapping[str, Any]]) -> set[TableName]:
    """Return the tables that unqualified names among the nodes stand for."""
    return {TableName(node["schema_name"], node["table_name"]) for node in nodes if _is_unqualified(node)}


def _with_prefix(sql: str, offsets: Sequence[int]) -> str:
    """Return `sql` with the lake's name put in at the offsets, which count bytes."""
    ends = [0, *offsets, len(sql.encode())]
    parts = [sql.encode()[start:end].decode() for start, end in itertools.pairwise(ends)]
    return _PREFIX.join(parts)


def _line_and_column(sql: str, offset: int) -> tuple[int, int]:
    before = sql.encode()[:offset].decode()
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _parse(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    """Return DuckDB's own parse of `sql`: there is no second opinion of it that could be tricked.

    Raises:
        QueryNotAllowed, InvalidQuery: it is not one SELECT.
    """
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise _placed(connection, sql) or error from error
    if not statements:
        raise InvalidQuery("there is no SQL statement")
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise QueryNotAllowed("only one SELECT is allowed here", hint="the lake is changed by `ropewalk run`")
    serialized = connection.execute(f"SELECT json_serialize_sql({literal(sql)})").fetchone()
    # What DuckDB cannot serialize is no plain SELECT: PIVOT, CALL and the like become several statements.
    tree = _read_tree(serialized[0]) if serialized else {}
    if tree.get("error", True):
        raise QueryNotAllowed("only SELECT is allowed here", hint="the lake is changed by `ropewalk run`")
    return tree


def _read_tree(text: str) -> dict[str, Any]:
    try:
        tree: dict[str, Any] = json.loads(text)
    except RecursionError:
        # The engine allows a depth of 1000 expressions, each of which is two levels of JSON.
        raise InvalidQuery(
            "the query has expressions too deep inside each other",
            hint="a long sum or || is one inside the next: use list_sum([...]) or concat(...), or WITH",
        ) from None
    return tree


def _is_unqualified(node: Mapping[str, Any]) -> bool:
    return node.get("type") == "BASE_TABLE" and bool(node["schema_name"]) and not node["catalog_name"]


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
    # Not by recursion: a sum of some hundred numbers is as deep.
    waiting = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting += reversed(item.values())
        elif isinstance(item, list):
            waiting += reversed(item)


def _answer(connection: duckdb.DuckDBPyConnection, query: Query, asking: Asking, spill: Path) -> QueryResult:
    """Return the rows of `query`, whose names mean what it says.

    Raises:
        duckdb.Error: it cannot be answered; the error names its place.
    """
    if query.tables is None:
        return _fetch_placed(connection, query.text, asking, spill)
    if query.masks:
        return _answer_masked(connection, query, asking, spill)
    snapshots = {table: number for table, number in query.tables.items() if number is not None}
    with open_scope(connection, snapshots) as scope:
        for table in query.tables.keys() - snapshots.keys():
            # What is not there either is said by the query itself, with its place.
            with suppress(duckdb.CatalogException):
                scope.show(table, table.sql)
        return _fetch_placed(connection, query.text, asking, spill)


def _answer_masked(
    connection: duckdb.DuckDBPyConnection, query: Query, asking: Asking, spill: Path
) -> QueryResult:
    with open_scope(connection, {}) as scope:
        for table, number in (query.tables or {}).items():
            relation = table.sql if number is None else table.at(number)
            scope.show(table, masked_table(connection, table, relation, query.masks))
        for name, (table, select) in query.past.items():
            scope.show(name, masked_table(connection, table, f"({select})", query.masks))
        return _fetch_placed(connection, query.text, asking, spill)


def _columns(connection: duckdb.DuckDBPyConnection, tables: Mapping[TableName, int | None]) -> set[str]:
    """Return the names of all columns of the tables that are there, for messages."""
    found: set[str] = set()
    for table, snapshot in tables.items():
        with suppress(duckdb.Error):
            columns = read_columns(connection, table.sql if snapshot is None else table.at(snapshot))
            found |= {column.name for column in columns}
    return found


def _fetch_placed(
    connection: duckdb.DuckDBPyConnection, sql: str, asking: Asking, spill: Path
) -> QueryResult:
    try:
        return fetch(connection, sql, asking, spill)
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        raise _placed(connection, sql) or error from error


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
