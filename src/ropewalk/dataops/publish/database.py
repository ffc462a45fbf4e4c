"""Publishing to PostgreSQL and MySQL: rows and the ledger's line in one transaction.

PostgreSQL makes tables inside transactions, so that nothing is ever seen half. MySQL commits at each CREATE and RENAME:
there a change of the table is announced in the ledger first, a new table is filled aside and takes the old one's place
by one rename, and rows only ever go in together with the ledger's line. After a kill anywhere the next try finds
either the line, and does nothing, or not, and does it again from the start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
from blake3 import blake3

from ropewalk.dataops.lake import Column, literal, open_lake
from ropewalk.dataops.publish.changes import Change, choose_change
from ropewalk.dataops.publish.checks import refuse_obstacles
from ropewalk.dataops.publish.declarations import PLACEHOLDER, MySQLTarget, PostgresTarget
from ropewalk.dataops.publish.dialects import Sent
from ropewalk.dataops.publish.errors import InvalidPublication, TargetTaken
from ropewalk.dataops.publish.ledger import (
    Entry,
    Ledger,
    find_owner,
    ledger_place,
    open_ledger,
    read_ledger,
    write_entry,
)
from ropewalk.dataops.publish.refusals import happened_meanwhile, translate_refusal
from ropewalk.dataops.publish.servers import Server, find_server
from ropewalk.dataops.publish.session import Target, TargetSession, cut_name, open_session
from ropewalk.dataops.publish.values import Order, Published
from ropewalk.pipeline import Workspace

# How often a transaction is tried again that another one came in the way of.
TRIES = 5
SNAPSHOT = "_snapshot"
# MySQL takes 64 letters; tables beside this one have up to 16 more behind its name.
LONGEST_NAME = 48


class DatabaseTaker:
    """Writes a publication into a table of `target`."""

    def __init__(self, target: PostgresTarget | MySQLTarget) -> None:
        self._target = target

    def publish(self, workspace: Workspace, order: Order) -> Published:
        """Make the table have the order's content, once.

        Raises:
            RopewalkError: the target did not take it; it has what it had.
        """
        server = find_server(self._target, order.spec.place)
        place = _place(order, server)
        for attempt in range(1, TRIES + 1):
            try:
                with _writer(workspace, order, server, place) as writer:
                    is_new = writer.write()
                return Published(f"{server.shown}/{place}", order.content.rows, is_new)
            except duckdb.Error as error:
                if attempt == TRIES or not happened_meanwhile(error):
                    raise translate_refusal(error, server) from error
        raise AssertionError  # the last attempt returns or raises

    def standing(self, workspace: Workspace, order: Order) -> str:
        """Return how the target stands, changing nothing."""
        server = find_server(self._target, order.spec.place)
        try:
            with _writer(workspace, order, server, _place(order, server)) as writer:
                return writer.standing()
        except duckdb.Error as error:
            raise translate_refusal(error, server) from error


@contextmanager
def _writer(workspace: Workspace, order: Order, server: Server, place: Target) -> Iterator[_Writer]:
    with open_lake(workspace).cursor() as connection, open_session(connection, server) as session:
        yield _Writer(session, order, place)


@dataclass(frozen=True)
class _Writer:
    """One attempt at one publication."""

    session: TargetSession
    order: Order
    place: Target

    def write(self) -> bool:
        """Bring the content to the target; False when it was there."""
        refuse_obstacles(self.session.connection, self.order, self.sent)
        open_ledger(self.session, self.place)
        ledger, present = self._state()
        if self._is_current(ledger, present) and not self.order.rebuilds:
            self._tidy()
            return False
        self._require_own()
        change = choose_change(self.order, ledger, present, self.sent)
        if self.session.dialect.has_transactional_ddl:
            with self.session.transaction():
                self._shape(change)
                self._fill(change, ledger.next)
        elif change.makes:
            self._make_aside(ledger)
        else:
            self._change_first(change, ledger)
        return True

    def standing(self) -> str:
        """Return `missing`, `drifted`, `behind` or `current`."""
        if self.session.columns(ledger_place(self.place)) is None:
            return "missing"
        ledger, present = self._state()
        if present is None or ledger.last is None:
            return "missing"
        if tuple(present) != ledger.last.seen:
            return "drifted"
        return "current" if self._is_current(ledger, present) else "behind"

    @property
    def sent(self) -> list[Sent]:
        """The columns as they go out."""
        order, dialect = self.order, self.session.dialect
        columns = [dialect.sent(column, order.key) for column in order.content.columns]
        if order.spec.entry.write != "append":
            return columns
        if any(column.name.lower() == SNAPSHOT for column in order.content.columns):
            raise InvalidPublication(
                f"{order.content.table} has a column {SNAPSHOT}, which append adds", place=order.spec.place
            )
        return [
            *columns,
            Sent(SNAPSHOT, dialect.sent(Column(SNAPSHOT, "BIGINT")).type, f"{order.content.snapshot:d}"),
        ]

    def _state(self) -> tuple[Ledger, list[tuple[str, str]] | None]:
        return read_ledger(self.session, self.place, self.order), self.session.columns(self.place)

    def _is_current(self, ledger: Ledger, present: Sequence[tuple[str, str]] | None) -> bool:
        last, digest = ledger.last, self.order.content.digest
        if last is None or ledger.is_announced or present is None or tuple(present) != last.seen:
            return False
        if self.order.spec.entry.write == "append":
            # A version that comes back, after a later one, is not added again.
            return any(entry.digest == digest for entry in ledger.entries)
        return last.digest == digest

    def _require_own(self) -> None:
        owner = find_owner(self.session, self.place, self.order)
        if owner:
            raise TargetTaken(
                f"{self.place} is what {owner} writes",
                place=self.order.spec.place,
                hint=f"name another table, or one with {PLACEHOLDER} in it",
            )

    def _shape(self, change: Change) -> None:
        """Make the table, or add columns to it."""
        key = self.order.key
        if change.makes:
            self.session.drop(self.place)
            self.session.create(self.place, self.sent, key)
        for column in change.adds:
            name = self.session.dialect.quote(column.name)
            self.session.execute(
                f"ALTER TABLE {self.session.there(self.place)} ADD COLUMN {name} {column.type}"
            )
        self.session.refresh()

    def _fill(self, change: Change, sequence: int) -> None:
        """Write rows and line, inside the open transaction."""
        if change.makes or self.order.spec.entry.write == "append":
            self._insert(self.place)
        elif self.order.spec.entry.write == "replace":
            # Not TRUNCATE: readers go on seeing the old rows until the commit.
            self.session.execute(f"DELETE FROM {self.session.there(self.place)}")
            self._insert(self.place)
        else:
            self._merge()
        self._note(sequence)

    def _make_aside(self, ledger: Ledger) -> None:
        """Fill a new table where the target cannot make one inside a transaction, and put it in the old one's place."""
        session = self.session
        new, old = self._beside("new"), self._beside("old")
        self._announce(ledger)
        for leftover in (new, old):
            session.drop(leftover)
        session.create(new, self.sent, self.order.key)
        self._insert(new)
        moves = [f"{session.there(new)} TO {session.there(self.place)}"]
        if session.columns(self.place) is not None:
            moves.insert(0, f"{session.there(self.place)} TO {session.there(old)}")
        session.execute(f"RENAME TABLE {', '.join(moves)}")
        session.drop(old)
        with session.transaction():
            self._note(ledger.next + 1)

    def _change_first(self, change: Change, ledger: Ledger) -> None:
        """Change the table's columns where that commits by itself, then write rows and line."""
        sequence = ledger.next
        merges = self.order.spec.entry.write == "merge"
        if change.adds:
            self._announce(ledger)
            self._shape(change)
            sequence += 1
        if merges:
            # Made before the transaction, which MySQL would commit at the CREATE.
            self._make_stage()
        with self.session.transaction():
            self._fill(change, sequence)
        if merges:
            self.session.drop(self._beside("stage"))

    def _merge(self) -> None:
        session, stage = self.session, self._beside("stage")
        if session.dialect.has_transactional_ddl:
            self._make_stage()
        self._insert(stage)
        names, key = [column.name for column in self.sent], self.order.key
        for statement in _merge_statements(session, self.place, stage, names, key):
            session.execute(statement)
        if session.dialect.has_transactional_ddl:
            session.drop(stage)
        else:
            # DROP would commit here, before the ledger's line.
            session.execute(f"DELETE FROM {session.there(stage)}")

    def _make_stage(self) -> None:
        stage = self._beside("stage")
        self.session.drop(stage)
        self.session.create(stage, self.sent, self.order.key)

    def _tidy(self) -> None:
        """Drop what a kill after the last line left behind."""
        if not self.session.dialect.has_transactional_ddl:
            for what in ("new", "old", "stage"):
                self.session.drop(self._beside(what))

    def _insert(self, place: Target) -> None:
        sent = self.sent
        columns = ", ".join(column.expression for column in sent)
        names = [column.name for column in sent]
        self.session.insert(place, names, f"SELECT {columns} FROM {self.order.content.relation}")

    def _announce(self, ledger: Ledger) -> None:
        with self.session.transaction():
            write_entry(self.session, self.place, self.order, Entry(ledger.next, "", (), ()))

    def _note(self, sequence: int) -> None:
        seen = tuple(self.session.columns(self.place) or ())
        sent = tuple((column.name, column.type) for column in self.sent)
        entry = Entry(sequence, self.order.content.digest, sent, seen)
        write_entry(self.session, self.place, self.order, entry)

    def _beside(self, what: str) -> Target:
        """Return a table of this publication's own beside the target."""
        whose = blake3(f"{self.order.spec.name}|{self.order.environment}".encode()).hexdigest()[:8]
        ending = f"__{what}_{whose}"
        return Target(self.place.schema, cut_name(self.place.name, 63 - len(ending)) + ending)


def _merge_statements(
    session: TargetSession, place: Target, stage: Target, names: Sequence[str], key: Sequence[str]
) -> list[str]:
    """Return the statements that bring the staged rows into the table; rows that are equal already stay untouched."""
    mark, there, staged = session.dialect.quote, session.there(place), session.there(stage)
    on = " AND ".join(f"t.{mark(name)} = s.{mark(name)}" for name in key)
    others = [name for name in names if name not in key]
    columns = ", ".join(map(mark, names))
    inserts = (
        f"INSERT INTO {there} ({columns}) SELECT {columns} FROM {staged} s "
        f"WHERE NOT EXISTS (SELECT 1 FROM {there} t WHERE {on})"
    )
    if not others:
        return [inserts]
    same = " AND ".join(session.dialect.same.format(f"t.{mark(name)}", f"s.{mark(name)}") for name in others)
    if session.dialect.kind == "postgres":
        sets = ", ".join(f"{mark(name)} = s.{mark(name)}" for name in others)
        return [f"UPDATE {there} t SET {sets} FROM {staged} s WHERE {on} AND NOT ({same})", inserts]
    sets = ", ".join(f"t.{mark(name)} = s.{mark(name)}" for name in others)
    return [f"UPDATE {there} t JOIN {staged} s ON {on} SET {sets} WHERE NOT ({same})", inserts]


def _place(order: Order, server: Server) -> Target:
    """Return the table that the order names on `server`.

    Raises:
        InvalidPublication: the name does not fit.
    """
    environment = "".join(c if c.isalnum() else "_" for c in order.environment.lower())
    text = order.spec.entry.place.replace(PLACEHOLDER, environment)
    schema, dot, name = text.partition(".")
    default = server.database if server.kind == "mysql" else "public"
    place = Target(schema, name) if dot else Target(default, text)
    longest = LONGEST_NAME if server.kind == "mysql" else 63
    if not place.name or "." in place.name or len(place.name.encode()) > longest:
        raise InvalidPublication(
            f"{literal(text)} is no name of a table there",
            place=order.spec.place,
            hint=f"write table or schema.table, of at most {longest} letters",
        )
    return place
