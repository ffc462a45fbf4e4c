"""Loading a REST API: pages into a file, the file into the table, the watermark in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import httpx

from ropewalk.dataops.lake import Lake, LakeTransaction, open_lake
from ropewalk.dataops.sources.books import Mark, current_mark, write_mark
from ropewalk.dataops.sources.columns import Relation
from ropewalk.dataops.sources.declarations import RESTSource
from ropewalk.dataops.sources.errors import SourceMoved, SourceUnreachable
from ropewalk.dataops.sources.facts import reading_digest
from ropewalk.dataops.sources.fetch import ATTEMPTS, Asking
from ropewalk.dataops.sources.landing import Landed, land, landing_rules, start_anew
from ropewalk.dataops.sources.pages import PageWalk
from ropewalk.dataops.sources.records import RecordFile, record_file
from ropewalk.dataops.sources.redact import bare_url
from ropewalk.dataops.sources.secrets import resolve_secrets
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.errors import Conflict, Failed, InvalidInput, NotFound
from ropewalk.pipeline import Output, Probe, Task, Workspace

# A plan is waited for by a person: a source that is down is told of soon.
PROBES = 2


class RESTLoader:
    """Loads a source of the kind `rest`.

    With a cursor, only records at or after the watermark are asked for, and merged by key or appended. Without
    one, all records are asked for each time and replace the table.
    """

    def __init__(self, spec: SourceSpec, source: RESTSource) -> None:
        self.spec = spec
        self.source = source

    def probe(self, workspace: Workspace) -> Probe:
        """Return the watermark and whether there is anything newer, or why that cannot be told."""
        lake = open_lake(workspace)
        # Planning makes no lake; and what was never loaded is pending without being asked for.
        mark = current_mark(lake, self.spec) if lake.exists else None
        if mark is None:
            return Probe(facts={"watermark": "", "pending": "yes"})
        try:
            with record_file(workspace.state) as records, self._asking(workspace, PROBES) as asking:
                if self.source.cursor is None:
                    self._read_all(records, asking, None)
                    return Probe(facts={"content": records.digest})
                is_pending = self._has_news(lake, records, asking, mark)
        # Only silence can be kept quiet: a refusal or a wrong answer is for a person to mend.
        except SourceUnreachable as error:
            return Probe(unreachable=error.message, keep=self.source.on_unreachable == "keep")
        return Probe(facts={"watermark": mark.watermark or "", "pending": "yes" if is_pending else "no"})

    def load(self, task: Task) -> Output:
        """Load what is new, and move the watermark with it.

        Raises:
            RopewalkError: a page or a record is wrong; then table and watermark are as they were.
        """
        lake = open_lake(task.workspace)
        mark = current_mark(lake, self.spec)
        # All pages are fetched before the lease is taken: a slow API holds up nobody else's writing.
        with record_file(task.workspace.state) as records:
            with self._asking(task.workspace) as asking:
                pages = self._read_all(records, asking, mark, task)
            with lake.transaction(f"load {self.spec.name}") as transaction:
                # Two loads that started from one watermark would add the same records twice.
                if current_mark(transaction, self.spec) != mark:
                    raise SourceMoved(
                        f"source {self.spec.name!r} was loaded by another process meanwhile",
                        place=self.spec.place,
                        hint="run again",
                    )
                landed, now = self._write(transaction, records, mark)
                transaction.record_build(self.spec.node_id, task.key, landed.table)
        observed = {"watermark": now.watermark or "", "pending": "no"}
        return Output(
            digest=landed.table.digest,
            reference=f"snapshot:{transaction.snapshot}",
            summary={**landed.summary, "pages": pages, "watermark": now.watermark},
            observed=observed if self.source.cursor else {"content": records.digest},
            origins=(f"rest:{bare_url(self.source.url)}",),
        )

    def _write(
        self, transaction: LakeTransaction, records: RecordFile, mark: Mark | None
    ) -> tuple[Landed, Mark]:
        """Write rows and watermark; return what was done and how far the source is loaded now."""
        landed = self._land(transaction, records, mark)
        now = Mark(reading_digest(self.source), self._greatest(transaction, records, mark))
        # An unchanged watermark is not written again, so that a load without news makes no snapshot.
        if now != mark:
            write_mark(transaction, self.spec.name, now)
        return landed, now

    def _land(self, transaction: LakeTransaction, records: RecordFile, mark: Mark | None) -> Landed:
        rules = landing_rules(self.source)
        if mark is None:
            start_anew(transaction, self.spec, rules)
        arriving = records.relation(transaction.connection) if records.count else Relation("", ())
        return land(transaction, self.spec, rules, arriving, mark.watermark if mark else None)

    def _greatest(self, transaction: LakeTransaction, records: RecordFile, mark: Mark | None) -> str | None:
        """Return the greatest cursor value so far as the source wrote it, which is how it is asked for."""
        watermark = mark.watermark if mark else None
        if self.source.cursor is None or not records.count:
            return watermark
        field = self.source.cursor.column
        columns = transaction.columns(self.spec.table) or ()
        kind = next(column.type for column in columns if column.name.lower() == field.lower())
        return records.greatest(transaction.connection, field, kind, watermark)

    def _has_news(self, lake: Lake, records: RecordFile, asking: Asking, mark: Mark) -> bool:
        """Return whether any page holds a record that is not in the table as it is."""
        # Mostly the first page decides: it is empty, or its records are new.
        for page in self._walk(asking, mark).pages():
            records.write(page.records)
            with lake.rehearsal() as transaction:
                try:
                    if self._land(transaction, records, mark).is_news:
                        return True
                except (InvalidInput, NotFound, Conflict, Failed, duckdb.Error):
                    # A record that cannot be loaded is news too: the load will say what is wrong with it.
                    return True
        return False

    def _read_all(
        self, records: RecordFile, asking: Asking, mark: Mark | None, task: Task | None = None
    ) -> int:
        """Write the records of all pages to the file and return how many pages there are."""
        number = 0
        for page in self._walk(asking, mark).pages():
            number = page.number
            records.write(page.records)
            if task is not None:
                task.report(number, None, f"page {number}, {records.count:,} records")
        return number

    def _walk(self, asking: Asking, mark: Mark | None) -> PageWalk:
        params = resolve_secrets({key: str(value) for key, value in self.source.params.items()})
        if self.source.cursor and mark and mark.watermark:
            params[self.source.cursor.param] = mark.watermark
        return PageWalk(asking, self.source, params)

    @contextmanager
    def _asking(self, workspace: Workspace, attempts: int = ATTEMPTS) -> Iterator[Asking]:
        headers = resolve_secrets({"Accept": "application/json", **self.source.headers})
        # No redirects: they would carry the headers, which may hold credentials, to another host.
        with httpx.Client(headers=headers, timeout=self.source.timeout) as client:
            yield Asking(client, workspace.stopping, self.spec.place, attempts)
