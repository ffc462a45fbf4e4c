"""Loading a table with a request for each row of another one: comments of posts, lines of orders.

The parent is a table of the lake, and the child's node needs it: that the parent's rows changed is what makes the
child stale, and only the rows that are new or changed since the child was loaded last are asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import duckdb
import msgspec

from ropewalk.dataops.lake import LakeTransaction, TableName, input_tables, quote, read_columns
from ropewalk.dataops.sources.books import current_mark
from ropewalk.dataops.sources.columns import Relation, declared_types, require_columns
from ropewalk.dataops.sources.errors import InvalidResource
from ropewalk.dataops.sources.fetch import Asking
from ropewalk.dataops.sources.landing import Landed, LandingRules, land
from ropewalk.dataops.sources.loads import Brought, Load, known_mark
from ropewalk.dataops.sources.pages import Page, PageWalk
from ropewalk.dataops.sources.records import RecordFile, record_file
from ropewalk.dataops.sources.redact import bare_url
from ropewalk.dataops.sources.refreshing import observed_now, probe_age
from ropewalk.dataops.sources.rest_client import open_api
from ropewalk.dataops.sources.rest_declarations import Asked
from ropewalk.dataops.sources.rest_route import first_route, gaps
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.pipeline import Output, Probe, Task, Workspace

Row = Mapping[str, Any]


class ChildLoader:
    """Loads the records that belong to the rows of a parent table.

    Each record gets a column `_PARENT_FIELD` for each field of the parent that its address takes or that is included.
    """

    def __init__(self, spec: SourceSpec, source: Asked, last: Output | None) -> None:
        self.spec = spec
        self.source = source
        self.last = last
        self.parent = TableName.parse(source.parent or "")
        self.fields = list(dict.fromkeys([*gaps(source), *source.include]))
        self.prefix = source.parent_name or self.parent.name

    def probe(self, workspace: Workspace) -> Probe:
        """Return nothing of the world outside: the parent's content, which is an input, tells what is to be done."""
        if known_mark(workspace, self.spec) is None:
            return Probe(facts={"pending": "yes"})
        return (
            probe_age(self.source.refresh, self.last)
            if self.source.refresh
            else Probe(facts={"pending": "no"})
        )

    def load(self, task: Task) -> Output:
        """Ask for the records of the parent's rows that are new or changed, and put them in place of the old ones.

        Raises:
            ColumnMissing: the parent has no column that is taken.
            RopewalkError: a page or a record is wrong; then the table is as it was.
        """
        load = Load(task, self.spec, self.source)
        mark = current_mark(load.lake, self.spec)
        now = self._snapshot(task)
        before = (
            None if self.source.refresh or mark is None or mark.watermark is None else int(mark.watermark)
        )
        with load.lake.cursor() as connection:
            rows, is_all = self._rows(connection, now, before)
        with record_file(task.workspace.state) as records:
            pages = self._read_all(task, records, rows)

            def bring(transaction: LakeTransaction) -> Brought:
                landed = self._land(transaction, load.rules, records, None if is_all else rows)
                observed = observed_now(self.source.refresh)
                origins = (f"rest:{bare_url(self.source.url or '')}",)
                return Brought(landed, str(now), observed, origins, {"asked": len(rows), "pages": pages})

            return load.run(mark, bring)

    def _snapshot(self, task: Task) -> int:
        tables = input_tables(task)
        wanted = str(self.parent).lower()
        if wanted not in tables:
            raise InvalidResource(
                f"source {self.spec.name!r}: parent {self.source.parent!r} makes no table",
                place=self.spec.place,
            )
        return tables[wanted]

    def _rows(
        self, connection: duckdb.DuckDBPyConnection, now: int, before: int | None
    ) -> tuple[list[Row], bool]:
        """Return the fields of the parent's rows that are to be asked for, and whether these are all it has."""
        table = self.parent.at(now)
        columns = read_columns(connection, table)
        heads = [field.partition(".")[0] for field in self.fields]
        require_columns(heads, columns, f"fields of {self.parent}", self.spec.place)
        changed = self._changed(connection, now, before)
        shown = ", ".join(f"{_field(name)} AS {quote(name)}" for name in self.fields)
        found = connection.execute(
            f"SELECT DISTINCT {shown} FROM ({changed or f'FROM {table}'}) ORDER BY ALL"
        )
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()], changed is None

    def _changed(self, connection: duckdb.DuckDBPyConnection, now: int, before: int | None) -> str | None:
        """Return the SELECT of the rows that are new or changed since, or None when that cannot be told."""
        if before is None:
            return None
        sql = f"FROM {self.parent.at(now)} EXCEPT FROM {self.parent.at(before)}"
        try:
            connection.execute(f"DESCRIBE {sql}")
        except duckdb.Error:
            # The old snapshot is gone, or the parent has other columns now.
            return None
        return sql

    def _read_all(self, task: Task, records: RecordFile, rows: Sequence[Row]) -> int:
        """Write the records of all rows to the file, in the rows' order, and return how many pages there were."""
        count = 0
        with open_api(self.source, self.spec.place, task.workspace.stopping) as asking:
            for number, pages in enumerate(self._side_by_side(asking, rows), start=1):
                count += len(pages)
                for page in pages:
                    records.write(page.records)
                task.report(number, len(rows), f"{number:,} of {len(rows):,}, {records.count:,} records")
        return count

    def _side_by_side(self, asking: Asking, rows: Sequence[Row]) -> Iterator[list[Page]]:
        """Yield the pages of each row; a few rows are asked for ahead, never all of them."""
        waiting: deque[Future[list[Page]]] = deque()
        left = iter(rows)
        with ThreadPoolExecutor(self.source.at_once, thread_name_prefix="source") as threads:
            try:
                while True:
                    while len(waiting) < 2 * self.source.at_once and (row := next(left, None)) is not None:
                        waiting.append(threads.submit(self._pages, asking, row))
                    if not waiting:
                        return
                    yield waiting.popleft().result()
            finally:
                # After an error nobody wants the others any more.
                for future in waiting:
                    future.cancel()

    def _pages(self, asking: Asking, row: Row) -> list[Page]:
        route = first_route(self.source, None, self.spec.place, row)
        lead = self._lead(row)
        return [
            Page(page.number, [_with_lead(lead, record) for record in page.records])
            for page in PageWalk(asking, route).pages()
        ]

    def _lead(self, row: Row) -> bytes:
        named = {self._column(name): value for name, value in row.items()}
        return msgspec.json.encode(named, enc_hook=str)[:-1]

    def _column(self, field: str) -> str:
        return f"_{self.prefix}_{field.replace('.', '_')}"

    def _land(
        self,
        transaction: LakeTransaction,
        rules: LandingRules,
        records: RecordFile,
        asked: Sequence[Row] | None,
    ) -> Landed:
        """Land the records; `asked` are the rows whose old records make way, None when all do."""
        relation = (
            records.relation(transaction.connection, self.source.types) if records.count else Relation("", ())
        )
        if relation.columns and self._is_empty(transaction):
            # A table that was made for want of records has columns that nothing decided.
            transaction.drop(self.spec.table)
            asked = None
        if asked is None or rules.write != "replace":
            # Without a record there may be no table yet, and what is there is not all to go when only some were asked.
            return self._whole(transaction, rules, relation, asked)
        self._remove(transaction, asked)
        kept = LandingRules(
            "append", rules.key, None, rules.schema, rules.types, max_quarantined=rules.max_quarantined
        )
        if not relation.columns:
            return Landed(transaction.digest(self.spec.table), 0, 0, 0, 0, None)
        return land(transaction, self.spec, kept, relation, None, is_complete=False)

    def _whole(
        self,
        transaction: LakeTransaction,
        rules: LandingRules,
        relation: Relation,
        asked: Sequence[Row] | None,
    ) -> Landed:
        if not relation.columns:
            self._make_empty(transaction)
            return Landed(transaction.digest(self.spec.table), 0, 0, 0, 0, None)
        return land(transaction, self.spec, rules, relation, None, is_complete=asked is None)

    def _make_empty(self, transaction: LakeTransaction) -> None:
        """Make the table with the columns that are known when no row of the parent has a record yet."""
        if transaction.columns(self.spec.table) is None:
            own = {self._column(name): "VARCHAR" for name in self.fields}
            types = declared_types(transaction.connection, self.source.types, self.spec.place)
            casts = ", ".join(
                f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in {**own, **types}.items()
            )
            transaction.replace(self.spec.table, f"SELECT {casts} WHERE false")

    def _is_empty(self, transaction: LakeTransaction) -> bool:
        if transaction.columns(self.spec.table) is None:
            return False
        table = TableName.parse(self.spec.table).sql
        return transaction.connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None

    def _remove(self, transaction: LakeTransaction, asked: Sequence[Row]) -> None:
        table = TableName.parse(self.spec.table).sql
        columns = ", ".join(f"CAST({quote(self._column(name))} AS VARCHAR)" for name in self.fields)
        values = [tuple(None if value is None else _text(value) for value in row.values()) for row in asked]
        for start in range(0, len(values), 500):
            part = values[start : start + 500]
            marks = ", ".join(f"({', '.join('?' * len(self.fields))})" for _ in part)
            flat = [value for row in part for value in row]
            transaction.connection.execute(f"DELETE FROM {table} WHERE ({columns}) IN ({marks})", flat)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _field(name: str) -> str:
    """Return the SQL of a field, which may lie within a JSON column."""
    head, _, rest = name.partition(".")
    return f"{quote(head)} ->> '$.{rest}'" if rest else quote(head)


def _with_lead(lead: bytes, record: bytes) -> bytes:
    inner = record.lstrip()[1:]
    return lead + (b"" if inner.lstrip().startswith(b"}") else b",") + inner
