"""Loading from databases that the engine attaches: PostgreSQL, MySQL, MariaDB and DuckDB files; read only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from ropewalk.dataops.lake import InvalidQuery, LakeTransaction, open_lake
from ropewalk.dataops.sources.books import Mark
from ropewalk.dataops.sources.database_addresses import find_address
from ropewalk.dataops.sources.database_declarations import DuckDBSource, MySQLSource, PostgresSource
from ropewalk.dataops.sources.dialects import Dialect
from ropewalk.dataops.sources.duckdb_files import DuckDBFile
from ropewalk.dataops.sources.errors import ConnectionLost, SourceMoved, SourceUnreachable
from ropewalk.dataops.sources.fetched import count_late, land_fetched
from ropewalk.dataops.sources.file_digests import open_digests
from ropewalk.dataops.sources.found_files import find_files
from ropewalk.dataops.sources.landing import landing_rules
from ropewalk.dataops.sources.loads import Brought, Load, known_mark
from ropewalk.dataops.sources.mysql import MySQL
from ropewalk.dataops.sources.postgres import Postgres
from ropewalk.dataops.sources.refreshing import observed_now, probe_age
from ropewalk.dataops.sources.remote_rows import FetchedRows, RemoteRows, attached, opened_store, remote_rows
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.pipeline import Output, Probe, Task, Workspace


@dataclass(frozen=True)
class _Attached:
    """A database as it is attached: how it is spoken to, and under which name."""

    dialect: Dialect
    alias: str


class DatabaseLoader:
    """Loads a source of the kinds `postgres`, `mysql` and `duckdb`.

    With a cursor, the database is asked for rows from the watermark on. Without one everything is read: of a file
    whenever its bytes changed, of a server at every run or when `refresh` says so.
    """

    def __init__(
        self,
        spec: SourceSpec,
        source: PostgresSource | MySQLSource | DuckDBSource,
        last: Output | None = None,
    ) -> None:
        self.spec = spec
        self.source = source
        self.last = last
        self.rules = landing_rules(source)

    def probe(self, workspace: Workspace) -> Probe:
        """Return what tells whether the database has news, or why it cannot be asked."""
        if isinstance(self.source, DuckDBSource):
            return Probe(facts=self._files(workspace))
        mark = known_mark(workspace, self.spec)
        # What was never loaded is pending without being asked for.
        if mark is None:
            return Probe(facts={"pending": "yes"})
        if self.rules.cursor is None:
            return probe_age(self.source.refresh, self.last)
        try:
            with (
                open_lake(workspace).cursor() as connection,
                self._attach(connection, workspace) as database,
                _translating(database.dialect),
            ):
                return Probe(facts=self._rows(connection, database).seen(connection, mark.watermark))
        # Only silence can be kept quiet: a refusal or a wrong answer is for a person to mend.
        except (SourceUnreachable, ConnectionLost) as error:
            return Probe(unreachable=error.message, keep=self.source.on_unreachable == "keep")

    def load(self, task: Task) -> Output:
        """Load what is new, and move the watermark with it.

        Raises:
            ConnectionLost: the connection broke off; then table and watermark are as they were, as after any error.
            RopewalkError: the database cannot be read, or a row cannot be landed.
        """
        mark = known_mark(task.workspace, self.spec)
        load = Load(task, self.spec, self.source)
        files = self._files(task.workspace)
        task.report(0, None, f"reading {self.source.table or 'the query'}")
        with load.lake.cursor() as connection, opened_store(connection) as store:
            # All rows are here before the lease is taken: a slow database holds up nobody else's writing.
            with self._attach(connection, task.workspace) as database, _translating(database.dialect):
                rows = self._rows(connection, database)
                fetched = rows.fetch(connection, mark.watermark if mark else None, store)
                shown = str(database.dialect)
            if self._files(task.workspace) != files:
                raise SourceMoved(
                    f"{shown} changed while it was read", place=self.spec.place, hint="run again"
                )
            observed = files or fetched.seen or observed_now(self.source.refresh)
            origin = f"{self.source.kind}:{shown}#{self.source.table or 'query'}"
            return load.run(
                mark,
                lambda transaction: Brought(
                    land_fetched(transaction, self.spec, self.rules, fetched, mark),
                    fetched.watermark,
                    observed,
                    (origin,),
                    self._summary(transaction, fetched, mark),
                ),
            )

    def _summary(
        self, transaction: LakeTransaction, fetched: FetchedRows, mark: Mark | None
    ) -> dict[str, str | int | None]:
        if self.rules.cursor is None:
            return {}
        told: dict[str, str | int | None] = {"watermark": fetched.watermark}
        late = count_late(transaction, self.spec, self.rules, fetched, mark)
        if late:
            told["warning"] = (
                f"{late} row{'s' if late > 1 else ''} with {self.rules.cursor} = {mark.watermark if mark else ''} came "
                "after others with that value were loaded, and cannot be told from them: declare a key, or an overlap"
            )
        return told

    def _rows(self, connection: duckdb.DuckDBPyConnection, database: _Attached) -> RemoteRows:
        return remote_rows(connection, database.dialect, database.alias, self.source, self.spec.place)

    @contextmanager
    def _attach(self, connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> Iterator[_Attached]:
        dialect = self._dialect(workspace)
        with attached(connection, dialect) as alias:
            yield _Attached(dialect, alias)

    def _dialect(self, workspace: Workspace) -> Dialect:
        place = self.spec.place
        match self.source:
            case PostgresSource():
                return Postgres(find_address(self.source, workspace.root, place), place)
            case MySQLSource():
                return MySQL(find_address(self.source, workspace.root, place), place)
            case DuckDBSource():
                return DuckDBFile(workspace.root / self.source.path, self.source.path, place)

    def _files(self, workspace: Workspace) -> dict[str, str]:
        """Return the digests of the database file and of its log; nothing for a server."""
        if not isinstance(self.source, DuckDBSource):
            return {}
        paths = [self.source.path]
        # What was committed may still be in the log alone.
        log = f"{self.source.path}.wal"
        if (workspace.root / log).is_file():
            paths.append(log)
        digests = open_digests(workspace)
        found = [
            file for path in paths for file in find_files(path, workspace.root, digests, self.spec.place)
        ]
        return {file.path: file.digest for file in found}


@contextmanager
def _translating(dialect: Dialect) -> Iterator[None]:
    """Say what the database or the engine says within the block in our words, without anything secret."""
    try:
        yield
    except (duckdb.Error, InvalidQuery) as error:
        # The lake may have translated what the engine said; the scanner's words are behind it.
        cause = error if isinstance(error, duckdb.Error) else error.__cause__
        if not isinstance(cause, duckdb.Error):
            raise
        # Without its cause, which may have the password in its text.
        raise dialect.translate(cause) from None
