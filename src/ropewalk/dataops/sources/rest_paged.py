"""Loading what comes page by page: pages into a file, the file into the table, the watermark in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

import duckdb

from ropewalk.dataops.lake import Column, Lake, LakeTransaction, TableName, open_lake, quote
from ropewalk.dataops.sources.books import Mark, current_mark
from ropewalk.dataops.sources.columns import TEXT, Relation
from ropewalk.dataops.sources.entries import LandedSource
from ropewalk.dataops.sources.errors import SourceUnreachable
from ropewalk.dataops.sources.fetch import ATTEMPTS
from ropewalk.dataops.sources.landing import Landed, land, landing_rules
from ropewalk.dataops.sources.loads import Brought, Load, known_mark
from ropewalk.dataops.sources.pages import Page
from ropewalk.dataops.sources.records import RecordFile, record_file
from ropewalk.dataops.sources.refreshing import observed_now, probe_age
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.errors import Conflict, Failed, InvalidInput, NotFound
from ropewalk.pipeline import Output, Probe, Task, Workspace

# A plan is waited for by a person: a source that is down is told of soon.
PROBES = 2


class PageReader(Protocol):
    """What knows how to get one source's records from outside."""

    def pages(self, watermark: str | None) -> Iterator[Page]:
        """Yield the pages of the records that are newer than `watermark`, of all without one.

        Raises:
            RopewalkError: a page cannot be had, or is not what it should be.
        """

    @property
    def types(self) -> Mapping[str, str]:
        """The types of columns that the source itself tells; declared ones come first."""

    def relation(self, connection: duckdb.DuckDBPyConnection, records: RecordFile) -> Relation:
        """Return the records of the file as rows."""

    def greatest(
        self, connection: duckdb.DuckDBPyConnection, records: RecordFile, kind: str, least: str | None
    ) -> str | None:
        """Return the greatest value of the cursor in the records, or `least`, compared as `kind`, as the source writes it."""


OpenReader = Callable[[Workspace, int], AbstractContextManager[PageReader]]


@dataclass(frozen=True)
class PagedLoader:
    """Loads a source that comes page by page.

    With a cursor, only records at or after the watermark are asked for, and merged by key or appended. Without
    one, all records are asked for each time and replace the table.

    Attributes:
        spec: the source.
        source: its declaration.
        open_reader: opens the way outside, for so many attempts at each request.
        origin: what the rows are made from, for lineage.
        refresh: how old what was loaded may be.
        last: what was loaded last.
        is_ordered: whether records come in an order that means something.
    """

    spec: SourceSpec
    source: LandedSource
    open_reader: OpenReader
    origin: str
    refresh: str | None
    last: Output | None
    is_ordered: bool = True

    def probe(self, workspace: Workspace) -> Probe:
        """Return the watermark and whether there is anything newer, or why that cannot be told."""
        # What was never loaded is pending without being asked for.
        mark = known_mark(workspace, self.spec)
        if mark is None:
            return Probe(facts={"watermark": "", "pending": "yes"})
        if self.refresh is not None:
            return probe_age(self.refresh, self.last)
        try:
            with self._file(workspace) as records, self.open_reader(workspace, PROBES) as reader:
                if self.source.cursor is None:
                    self._read_all(records, reader, None)
                    return Probe(facts={"content": records.digest})
                is_pending = self._has_news(open_lake(workspace), records, reader, mark)
        # Only silence can be kept quiet: a refusal or a wrong answer is for a person to mend.
        except SourceUnreachable as error:
            return Probe(unreachable=error.message, keep=self.source.on_unreachable == "keep")
        return Probe(facts={"watermark": mark.watermark or "", "pending": "yes" if is_pending else "no"})

    def load(self, task: Task) -> Output:
        """Load what is new, and move the watermark with it.

        Raises:
            RopewalkError: a page or a record is wrong; then table and watermark are as they were.
        """
        load = Load(task, self.spec, self.source)
        mark = current_mark(load.lake, self.spec)
        # All pages are fetched before the lease is taken: a slow API holds up nobody else's writing.
        with (
            self._file(task.workspace) as records,
            self.open_reader(task.workspace, ATTEMPTS) as reader,
        ):
            pages = self._read_all(records, reader, mark, task)

            def bring(transaction: LakeTransaction) -> Brought:
                landed = self._land(transaction, records, reader, mark)
                now = self._greatest(transaction, records, reader, mark)
                told = {"pages": pages, "watermark": now}
                return Brought(landed, now, self._observed(records, now), (self.origin,), told)

            return load.run(mark, bring)

    def _observed(self, records: RecordFile, watermark: str | None) -> Mapping[str, str]:
        if self.source.cursor is not None:
            return {"watermark": watermark or "", "pending": "no"}
        return {"content": records.digest} if self.refresh is None else observed_now(self.refresh)

    def _land(
        self, transaction: LakeTransaction, records: RecordFile, reader: PageReader, mark: Mark | None
    ) -> Landed:
        arriving = reader.relation(transaction.connection, records)
        present = transaction.columns(self.spec.table)
        if not arriving.columns and self.source.cursor is None and present:
            # What has no records any more has no columns to tell either: those of the table stay.
            arriving = Relation(f"FROM {TableName.parse(self.spec.table).sql} WHERE false", tuple(present))
        elif not arriving.columns and not present:
            arriving = no_rows(self.source.types)
        rules = landing_rules(self.source)
        told = {name: kind for name, kind in reader.types.items() if name.lower() not in _lower(rules.types)}
        rules = replace(rules, types={**told, **rules.types}) if arriving.columns else rules
        return land(transaction, self.spec, rules, arriving, mark.watermark if mark else None)

    def _greatest(
        self, transaction: LakeTransaction, records: RecordFile, reader: PageReader, mark: Mark | None
    ) -> str | None:
        watermark = mark.watermark if mark else None
        if self.source.cursor is None or not records.count:
            return watermark
        field = self.source.cursor.column
        columns = transaction.columns(self.spec.table) or ()
        kind = next(column.type for column in columns if column.name.lower() == field.lower())
        return reader.greatest(transaction.connection, records, kind, watermark)

    def _file(self, workspace: Workspace) -> AbstractContextManager[RecordFile]:
        return record_file(workspace.state, is_ordered=self.is_ordered)

    def _has_news(self, lake: Lake, records: RecordFile, reader: PageReader, mark: Mark) -> bool:
        """Return whether any page holds a record that is not in the table as it is."""
        # Mostly the first page decides: it is empty, or its records are new.
        for page in reader.pages(mark.watermark):
            records.write(page.records)
            with lake.rehearsal() as transaction:
                try:
                    if self._land(transaction, records, reader, mark).is_news:
                        return True
                except (InvalidInput, NotFound, Conflict, Failed, duckdb.Error):
                    # A record that cannot be loaded is news too: the load will say what is wrong with it.
                    return True
        return False

    def _read_all(
        self, records: RecordFile, reader: PageReader, mark: Mark | None, task: Task | None = None
    ) -> int:
        """Write the records of all pages to the file and return how many pages there are."""
        number = 0
        for page in reader.pages(mark.watermark if mark else None):
            number += 1
            records.write(page.records)
            if task is not None:
                task.report(number, None, f"page {number}, {records.count:,} records")
        return number


def no_rows(types: Mapping[str, str]) -> Relation:
    """Return no rows with the columns of `types`: what a source is while it has no records yet."""
    casts = ", ".join(f"CAST(NULL AS {TEXT}) AS {quote(name)}" for name in types)
    return (
        Relation(f"SELECT {casts} WHERE false", tuple(Column(name, TEXT) for name in types))
        if types
        else Relation("", ())
    )


def _lower(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}
