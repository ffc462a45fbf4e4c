"""Loading a SQLite database's table, or a query over its tables, through DuckDB's own scanner; read-only."""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from ropewalk.dataops.lake import (
    Column,
    InvalidQuery,
    Lake,
    LakeTransaction,
    literal,
    open_lake,
    quote,
    translate_error,
)
from ropewalk.dataops.sources.books import Mark, current_mark, write_mark
from ropewalk.dataops.sources.columns import TEXT, Relation, describe
from ropewalk.dataops.sources.declarations import SQLiteSource
from ropewalk.dataops.sources.errors import InvalidFile, SourceMoved, SourceTableMissing, ValueMisfit
from ropewalk.dataops.sources.facts import reading_digest
from ropewalk.dataops.sources.file_digests import open_digests
from ropewalk.dataops.sources.found_files import FoundFile, find_files
from ropewalk.dataops.sources.landing import Landed, land, landing_rules, start_anew
from ropewalk.dataops.sources.quarantine import RowPlace
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.errors import Place, RopewalkError, nearest
from ropewalk.glance import is_watched
from ropewalk.pipeline import Output, Probe, Task, Workspace

_MISMATCH = re.compile(
    r'Invalid type in column "(.+?)": column was declared as (\w+), found "(.*?)" of type', re.DOTALL
)


@dataclass(frozen=True)
class Database:
    """An attached database: its name in the engine, and the tables and views it has."""

    alias: str
    tables: tuple[str, ...]


class SQLiteLoader:
    """Loads a source of the kind `sqlite`; the table is replaced as a whole when the database changed."""

    def __init__(self, spec: SourceSpec, source: SQLiteSource) -> None:
        self.spec = spec
        self.source = source

    def probe(self, workspace: Workspace) -> Probe:
        """Return the digest of the database file, and of its write-ahead log while there is one.

        Raises:
            FilesMissing: there is no such file.
        """
        found = {file.path: file.digest for file in self._files(workspace)}
        return Probe(facts=found, settled=is_watched(str(workspace.root), self.source.path))

    def load(self, task: Task) -> Output:
        """Make the lake's table hold what the database has.

        Raises:
            RopewalkError: the database cannot be read; then the lake is as it was.
        """
        files = self._files(task.workspace)
        lake = open_lake(task.workspace)
        task.report(0, None, f"reading {self.source.path}")
        # Attached before BEGIN, as an attached database cannot be let go inside the transaction that read it.
        with _attached(lake, task.workspace.root, self.source.path) as database:
            self._require_table(database)
            with lake.transaction(f"load {self.spec.name}") as transaction:
                landed = self._land(transaction, database)
                transaction.record_build(self.spec.node_id, task.key, landed.table)
                if self._files(task.workspace) != files:
                    raise SourceMoved(
                        f"{self.source.path} changed while it was read",
                        place=self.spec.place,
                        hint="run again",
                    )
        task.report(1, 1, f"{landed.table.rows:,} rows")
        return Output(
            digest=landed.table.digest,
            reference=f"snapshot:{transaction.snapshot}",
            summary=dict(landed.summary),
            observed={file.path: file.digest for file in files},
            origins=(f"sqlite:{self.source.path}#{self.source.table or 'query'}",),
        )

    def _files(self, workspace: Workspace) -> list[FoundFile]:
        digests = open_digests(workspace)
        found = find_files(self.source.path, workspace.root, digests, self.spec.place)
        # Committed changes may still be in the log; an empty one is left behind by readers and says nothing.
        with suppress(FileNotFoundError):
            if (workspace.root / f"{self.source.path}-wal").stat().st_size:
                found += find_files(f"{self.source.path}-wal", workspace.root, digests, self.spec.place)
        return found

    def _require_table(self, database: Database) -> None:
        table = self.source.table
        if table is not None and table not in database.tables:
            raise SourceTableMissing(
                f"{self.source.path} has no table {table!r}",
                place=self.spec.place,
                nearest=nearest(table, database.tables),
                hint="tables: " + (", ".join(database.tables) or "none"),
            )

    def _land(self, transaction: LakeTransaction, database: Database) -> Landed:
        connection = transaction.connection
        rules = landing_rules(self.source)
        mark = current_mark(transaction, self.spec)
        try:
            if mark is None:
                start_anew(transaction, self.spec, rules)
            typed = self._relation(connection, database)
            relation = self._as_text(typed, database) if self._is_retyped else typed
            rules = rules.with_found(typed.columns) if self._is_retyped else rules
            relation = replace(relation, place=RowPlace(file=literal(self.source.path)))
            landed = land(transaction, self.spec, rules, relation, mark.watermark if mark else None)
            write_mark(transaction, self.spec.name, Mark(reading_digest(self.source), landed.watermark))
        except (duckdb.Error, InvalidQuery) as error:
            # The lake has translated what DuckDB said while the rows were read; the scanner's words are behind it.
            cause = error if isinstance(error, duckdb.Error) else error.__cause__
            if not isinstance(cause, duckdb.Error):
                raise
            raise _translate(cause, self.source.path, database.tables) from cause
        return landed

    @property
    def _is_retyped(self) -> bool:
        return bool(self.source.table and self.source.types)

    def _relation(self, connection: duckdb.DuckDBPyConnection, database: Database) -> Relation:
        if self.source.table is not None:
            return describe(connection, f"SELECT * FROM {database.alias}.{quote(self.source.table)}")
        # The query is DuckDB's SQL; with the database as the default, its tables need no prefix.
        connection.execute(f"USE {database.alias}")
        try:
            made = f"CREATE OR REPLACE TEMP TABLE ropewalk_query AS FROM (\n{self.source.query}\n)"
            connection.execute(made)
        finally:
            connection.execute("USE lake")
        return describe(connection, "SELECT * FROM temp.ropewalk_query")

    def _as_text(self, typed: Relation, database: Database) -> Relation:
        """Return the table with all values as text: SQLite keeps text in number columns, the scanner refuses it."""
        inner = f"SELECT * FROM {quote(self.source.table or '')}"
        sql = f"FROM sqlite_query({literal(database.alias)}, {literal(inner)})"
        return Relation(f"SELECT * {sql}", tuple(Column(column.name, TEXT) for column in typed.columns))


@contextmanager
def _attached(lake: Lake, root: Path, path: str) -> Iterator[Database]:
    """Attach the database read-only under a name of its own for the length of the block.

    Raises:
        InvalidFile: it is not a SQLite database.
    """
    # All connections of the process share the attached names, so each load takes one of its own.
    database = Database(f"source_{uuid.uuid4().hex}", _tables(root, path))
    with lake.cursor() as connection:
        connection.execute(f"ATTACH {literal(str(root / path))} AS {database.alias} (TYPE sqlite, READ_ONLY)")
        try:
            yield database
        finally:
            connection.execute(f"DETACH {database.alias}")


def _tables(root: Path, path: str) -> tuple[str, ...]:
    # Asked with Python's SQLite: DuckDB's scanner ends the engine when a table is missing.
    try:
        with closing(sqlite3.connect(f"{(root / path).as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY 1"
            ).fetchall()
    except sqlite3.Error as error:
        raise InvalidFile(f"not readable as a SQLite database: {error}", place=Place(path)) from error
    return tuple(str(row[0]) for row in rows)


def _translate(error: duckdb.Error, path: str, tables: tuple[str, ...]) -> RopewalkError:
    if found := _MISMATCH.search(str(error)):
        return ValueMisfit(
            f"column {found[1]!r}: {found[3]!r} is not of the declared type {found[2]}",
            place=Place(path),
            hint=f"types: {{{found[1]}: VARCHAR}} takes it as text",
        )
    return translate_error(error, tables)
