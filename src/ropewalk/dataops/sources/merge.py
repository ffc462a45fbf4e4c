"""Bringing records into their table: merged by key, appended after the watermark, or as its whole content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ropewalk.dataops.lake import Column, LakeTransaction, TableName, literal, quote
from ropewalk.dataops.sources.columns import (
    Relation,
    cast_column,
    declared_types,
    empty_text_columns,
    find_misfit,
    fit_table,
    require_columns,
    target_types,
)
from ropewalk.dataops.sources.declarations import RESTSource
from ropewalk.dataops.sources.errors import SourceBroken, ValueMisfit
from ropewalk.dataops.sources.records import RecordFile
from ropewalk.dataops.sources.spec import SourceSpec

STAGE = "temp.ropewalk_records"
NEWS = "temp.ropewalk_news"
ORDER = "_ropewalk_order"


class RecordMerge:
    """What one load does to the table of a REST source, within its transaction."""

    def __init__(self, spec: SourceSpec, source: RESTSource, transaction: LakeTransaction) -> None:
        self.spec = spec
        self.source = source
        self.table = TableName.parse(spec.table)
        self.transaction = transaction
        self.connection = transaction.connection

    def count_news(self, records: RecordFile, watermark: str | None) -> int:
        """Work out which records are new or changed, and return how many; `add_news` then adds them.

        With a key, a record replaces the one with the same key; without, only those after the watermark count.

        Raises:
            ColumnMissing: the records have no field that the declaration names.
            ValueMisfit: a value does not fit its column, or a key or cursor is missing.
        """
        present = self.transaction.columns(self.spec.table)
        if not records.count:
            self._require_table(present)
            return 0
        columns, types = self._stage(records, present)
        # Counted before anything is written: records that are known already make no new files.
        news = self._merged(columns) if self.source.key else self._newer(columns, types, watermark)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE ropewalk_news AS {news}")
        counted = self.connection.execute(f"SELECT count(*) FROM {NEWS}").fetchone()
        return int(counted[0]) if counted else 0

    def add_news(self) -> None:
        """Add what `count_news` found, in place of the rows with the same keys."""
        # The old rows of these keys go first; keys are never NULL here, so IN finds them all.
        if self.source.key:
            keys = _list(self.source.key)
            same = f"SELECT ({keys}) FROM {NEWS}"
            self.connection.execute(f"DELETE FROM {self.table.sql} WHERE ({keys}) IN ({same})")
        self.connection.execute(f"INSERT INTO {self.table.sql} BY NAME FROM {NEWS}")

    def greatest(self, records: RecordFile, watermark: str | None) -> str | None:
        """Return the greatest cursor value of the staged records and `watermark`, as the source wrote it."""
        assert self.source.cursor is not None
        if not records.count:
            return watermark
        field = self.source.cursor.field
        columns = self.transaction.columns(self.spec.table) or ()
        kind = next(column.type for column in columns if column.name.lower() == field.lower())
        return records.greatest(self.connection, field, kind, watermark)

    def replace(self, records: RecordFile) -> int:
        """Make the records the whole content of the table and return how many there are.

        Raises:
            ColumnMissing, ValueMisfit: as `count_news` says.
        """
        if not records.count:
            self._require_table(None)
        columns, _ = self._stage(records, None)
        made = self.transaction.replace(
            self.spec.table, f"SELECT {_list(columns)} FROM ({self._last_by_key()})"
        )
        return made.rows

    def _stage(
        self, records: RecordFile, present: Sequence[Column] | None
    ) -> tuple[list[str], dict[str, str]]:
        """Put the records, in the types of the table, into a temporary one; return its columns and types."""
        relation = records.relation(self.connection)
        declared = declared_types(self.connection, self.source.types, self.spec.place)
        undecided = empty_text_columns(self.transaction, self.table, present or ())
        settled = [column for column in present or () if column.name.lower() not in undecided]
        self._require_fields(relation.columns, [*(present or ()), *relation.columns])
        types = target_types(settled, relation.columns, declared)
        if misfit := find_misfit(self.connection, relation, types):
            raise ValueMisfit(
                f"source {self.spec.name!r}: {misfit}",
                place=self.spec.place,
                hint=f"declare types: {{{misfit.column}: ...}}; the table is then loaded anew",
            )
        # Without a cursor the table is replaced as a whole, with the columns that come.
        if self.source.cursor is not None:
            fit_table(self.transaction, self.table, relation.columns, types)
        columns = self._create_stage(relation, types)
        for name in [*self.source.key, *([self.source.cursor.field] if self.source.cursor else [])]:
            self._refuse_nulls(name)
        return columns, types

    def _create_stage(self, relation: Relation, types: Mapping[str, str]) -> list[str]:
        """Stage the records with a NULL for each column of the table that they do not have."""
        # The table has all columns by now, so one list of columns serves comparing, deleting and inserting.
        arriving = {column.name.lower(): column for column in relation.columns}
        made = self.transaction.columns(self.spec.table) if self.source.cursor else None
        expressions = {
            column.name: cast_column(arriving[column.name.lower()], types[arriving[column.name.lower()].name])
            if column.name.lower() in arriving
            else f"CAST(NULL AS {column.type}) AS {quote(column.name)}"
            for column in made or relation.columns
        }
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE ropewalk_records AS "
            f"SELECT {', '.join(expressions.values())}, row_number() OVER () AS {ORDER} FROM ({relation.sql})"
        )
        return list(expressions)

    def _require_fields(self, arriving: Sequence[Column], known: Sequence[Column]) -> None:
        require_columns(list(self.source.types), known, "types", self.spec.place)
        require_columns(self.source.key, arriving, "key", self.spec.place)
        if self.source.cursor is not None:
            require_columns([self.source.cursor.field], arriving, "cursor.field", self.spec.place)

    def _require_table(self, present: Sequence[Column] | None) -> None:
        if present is None:
            raise SourceBroken(
                f"source {self.spec.name!r} has no records, so its columns are not known",
                place=self.spec.place,
                hint="load it when it has some",
            )

    def _refuse_nulls(self, name: str) -> None:
        row = self.connection.execute(f"SELECT 1 FROM {STAGE} WHERE {quote(name)} IS NULL LIMIT 1").fetchone()
        if row is not None:
            raise ValueMisfit(
                f"source {self.spec.name!r}: a record has no value for {name!r}, which key or cursor needs",
                place=self.spec.place,
            )

    def _last_by_key(self) -> str:
        """Return a SELECT of the staged records, of several with one key the one that came last."""
        if not self.source.key:
            return f"FROM {STAGE} ORDER BY {ORDER}"
        keys = _list(self.source.key)
        latest = f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {ORDER} DESC) = 1"
        return f"FROM {STAGE} {latest} ORDER BY {ORDER}"

    def _merged(self, columns: Sequence[str]) -> str:
        names = _list(columns)
        known = f"SELECT {names} FROM {self.table.sql}"
        # EXCEPT takes NULLs for equal, which a comparison of columns does not.
        return f"SELECT {names} FROM ({self._last_by_key()}) EXCEPT {known} ORDER BY {_list(self.source.key)}"

    def _newer(self, columns: Sequence[str], types: Mapping[str, str], watermark: str | None) -> str:
        assert self.source.cursor is not None
        field = self.source.cursor.field
        # Without a key a record at the watermark cannot be told from the one that was loaded.
        newer = f"WHERE {quote(field)} > CAST({literal(watermark)} AS {types[field]})" if watermark else ""
        return f"SELECT {_list(columns)} FROM {STAGE} {newer} ORDER BY {ORDER}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(quote(name) for name in names)
