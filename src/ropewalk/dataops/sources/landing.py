"""How the rows of every kind of source land in their table: cast, fitted to its columns, and written.

A loader fetches rows before it takes the lease, and hands them over as a SELECT within its transaction:

    mark = current_mark(transaction, spec)             # books.py; None when all is to be loaded anew
    if mark is None:
        start_anew(transaction, spec, rules)
    landed = land(transaction, spec, rules, arriving, mark.watermark if mark else None)
    write_mark(transaction, spec.name, Mark(reading_digest(spec.source), landed.watermark))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ropewalk.dataops.lake import Column, LakeTransaction, TableDigest, TableName, literal, quote
from ropewalk.dataops.sources.columns import Relation, cast_column, fit_table
from ropewalk.dataops.sources.entries import LandedSource, Overlap, SchemaPolicy, WriteMode
from ropewalk.dataops.sources.errors import SourceBroken
from ropewalk.dataops.sources.fitting import Fit, fit_columns
from ropewalk.dataops.sources.misfits import Misfits
from ropewalk.dataops.sources.quarantine import MARKER, Quarantine, RowPlace, complaint_sql
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.dataops.sources.write_modes import (
    HISTORY_COLUMNS,
    ORDER,
    FittingRows,
    TableWriter,
    Window,
    Written,
    since_sql,
)

STAGE = '"temp"."ropewalk_arriving"'


@dataclass(frozen=True)
class LandingRules:
    """What a source declares about how its rows land.

    Attributes:
        write: what is done with rows that are there already.
        key: the columns that identify a row.
        cursor: the column whose greatest value is the watermark.
        schema: what happens when the columns are not the table's.
        types: the declared types of columns.
        overlap: how far before the watermark rows are taken again.
        max_quarantined: how many rows, or which share of them, may go to quarantine.
    """

    write: WriteMode
    key: tuple[str, ...] = ()
    cursor: str | None = None
    schema: SchemaPolicy = "evolve"
    types: Mapping[str, str] = field(default_factory=dict)
    overlap: Overlap | None = None
    max_quarantined: str | int = "50%"

    def with_found(self, columns: Iterable[Column]) -> LandingRules:
        """Return the rules with the types of `columns`, where none is declared: for rows that come as text."""
        declared = {name.lower() for name in self.types}
        found = {column.name: column.type for column in columns if column.name.lower() not in declared}
        return replace(self, types={**self.types, **found})


@dataclass(frozen=True)
class Landed:
    """What landing did: the table as it is now, and how many rows were touched.

    Attributes:
        table: rows and digest of the table.
        added: rows with keys that were not there.
        changed: rows in the place of others with the same key.
        removed: rows taken out; in a history, closed.
        quarantined: rows that did not fit.
        watermark: the greatest value of the cursor so far, as text.
        source: the name of the source.
    """

    table: TableDigest
    added: int
    changed: int
    removed: int
    quarantined: int
    watermark: str | None
    source: str = ""

    @property
    def is_news(self) -> bool:
        """Whether anything came that was not there."""
        return bool(self.added or self.changed or self.removed or self.quarantined)

    @property
    def summary(self) -> dict[str, int | str]:
        """What a load's summary says of it; what did not happen is left out, but for `added`."""
        touched = {"changed": self.changed, "removed": self.removed, "quarantined": self.quarantined}
        told: dict[str, int | str] = {"rows": self.table.rows, "added": self.added}
        told |= {name: count for name, count in touched.items() if count}
        if self.quarantined:
            rows = "1 row does" if self.quarantined == 1 else f"{self.quarantined:,} rows do"
            told["warning"] = f"{rows} not fit: SELECT * FROM quarantine.{self.source}"
        return told


def landing_rules(source: LandedSource) -> LandingRules:
    """Return the rules that `source` declares, with the write mode that follows where none is named."""
    # What is read as a whole is replaced as a whole, key or not: what the source no longer has is to go.
    follows: WriteMode = "replace" if source.cursor is None else "merge" if source.key else "append"
    return LandingRules(
        write=source.write or follows,
        key=tuple(source.key),
        cursor=source.cursor.column if source.cursor else None,
        schema=source.schema_policy,
        types=source.types,
        overlap=source.cursor.overlap if source.cursor else None,
        max_quarantined=source.max_quarantined,
    )


def start_anew(transaction: LakeTransaction, spec: SourceSpec, rules: LandingRules) -> None:
    """Make way for loading everything again; a history is kept, as no source could tell it again."""
    Quarantine(transaction, spec.name).clear()
    present = {column.name for column in transaction.columns(spec.table) or ()}
    if rules.write != "history" or not present.issuperset(column.name for column in HISTORY_COLUMNS):
        transaction.drop(spec.table)


def land(
    transaction: LakeTransaction,
    spec: SourceSpec,
    rules: LandingRules,
    arriving: Relation,
    watermark: str | None,
    *,
    is_complete: bool | None = None,
) -> Landed:
    """Bring `arriving` into the table of `spec` by `rules`, and what does not fit into its quarantine.

    Args:
        transaction: where all of it happens; the caller writes the watermark in it too.
        spec: the source.
        rules: how.
        arriving: the rows; without columns when the source has no record to tell them by.
        watermark: the greatest value of the cursor that is loaded, as text.
        is_complete: whether these are all the rows of the source; by default they are without a cursor.

    Raises:
        ColumnMissing: the rows have no column that the rules name.
        SchemaFrozen, ValueMisfit: the columns, or a value, are not the table's, and the schema is frozen.
        TooManyMisfits: more rows do not fit than may.
        SourceBroken: there is no column at all, and no table either.
    """
    landing = _Landing(transaction, spec, rules)
    if not arriving.columns:
        return landing.nothing(watermark)
    return landing.land(arriving, watermark, rules.cursor is None if is_complete is None else is_complete)


class _Landing:
    """One landing within its transaction."""

    def __init__(self, transaction: LakeTransaction, spec: SourceSpec, rules: LandingRules) -> None:
        self.transaction = transaction
        self.spec = spec
        self.rules = rules
        self.table = TableName.parse(spec.table)
        self.execute = transaction.connection.execute
        self.quarantine = Quarantine(transaction, spec.name)

    def nothing(self, watermark: str | None) -> Landed:
        """Return what landing nothing at all is.

        Raises:
            SourceBroken: there is no table to leave as it is.
        """
        if self.transaction.columns(self.spec.table) is None or self.rules.cursor is None:
            raise SourceBroken(
                f"source {self.spec.name!r} has no records, so its columns are not known",
                place=self.spec.place,
                hint="load it when it has some",
            )
        return Landed(self.transaction.digest(self.spec.table), 0, 0, 0, 0, watermark)

    def land(self, arriving: Relation, watermark: str | None, is_complete: bool) -> Landed:
        """Stage, set aside what does not fit, write."""
        fit = fit_columns(self.transaction, self.spec, self.rules, arriving.columns)
        if self.rules.write == "append" and self.rules.cursor is None and not fit.complaints:
            return self._append_all(arriving, fit)
        misfits = self._stage(arriving, fit)
        misfits.refuse_too_many(self.transaction.connection, self.spec, self.rules)
        self._quarantine(misfits, is_complete)
        self._fit_table(fit)
        written = self._write(self._fitting(fit), fit, watermark, is_complete)
        # Read before the stage goes: it is the last that knows the arriving rows.
        greatest = self._greatest(fit, watermark)
        self.execute(f"DROP TABLE {STAGE}")
        table = self.transaction.digest(self.spec.table)
        return Landed(
            table, written.added, written.changed, written.removed, misfits.count, greatest, self.spec.name
        )

    def _append_all(self, arriving: Relation, fit: Fit) -> Landed:
        """Add rows of which each fits by its type alone, without laying them aside first."""
        self._fit_table(fit)
        casts = ", ".join(self._cast(column, fit) for column in fit.made)
        row = self.execute(
            f"INSERT INTO {self.table.sql} BY NAME SELECT {casts} FROM ({arriving.sql})"
        ).fetchone()
        rejects = arriving.evidence.rejects(self.transaction.connection) if arriving.evidence else ()
        added = int(row[0]) if row else 0
        misfits = Misfits(STAGE, arriving, (), rejects, 0, added + len(rejects))
        misfits.refuse_too_many(self.transaction.connection, self.spec, self.rules)
        self._quarantine(misfits, is_complete=False)
        return Landed(
            self.transaction.digest(self.spec.table), added, 0, 0, len(rejects), None, self.spec.name
        )

    def _fit_table(self, fit: Fit) -> None:
        if self.rules.write == "replace":
            return
        own = HISTORY_COLUMNS if self.rules.write == "history" else ()
        types = {**fit.types, **{column.name: column.type for column in own}}
        fit_table(self.transaction, self.table, [*fit.made, *own], types)

    def _stage(self, arriving: Relation, fit: Fit) -> Misfits:
        # Read once, as they come: an outside system may answer otherwise the second time.
        self.execute(
            f"CREATE OR REPLACE TEMP TABLE ropewalk_arriving AS SELECT *, row_number() OVER () AS {ORDER}, "
            f"{complaint_sql(fit.complaints)} AS {MARKER} FROM ({arriving.sql})"
        )
        row = self.execute(f"SELECT count({MARKER}), count(*) FROM {STAGE}").fetchone()
        misfits, count = (int(row[0]), int(row[1])) if row else (0, 0)
        rejects = arriving.evidence.rejects(self.transaction.connection) if arriving.evidence else ()
        return Misfits(STAGE, arriving, fit.complaints, rejects, misfits, count + len(rejects))

    def _quarantine(self, misfits: Misfits, is_complete: bool) -> None:
        place = misfits.arriving.place
        # The file is told beside the row.
        own = [column for column in misfits.arriving.columns if column.name != place.file]
        if is_complete:
            self.quarantine.clear()
        elif self.rules.key or self.rules.cursor:
            self.quarantine.forget_known(STAGE, own, self.rules.key)
        if misfits.staged:
            misfits.find_lines(self.transaction.connection)
            place = RowPlace(place.file, misfits.line_sql)
            bad = f"FROM {STAGE} WHERE {MARKER} IS NOT NULL ORDER BY {ORDER}"
            self.quarantine.put(bad, own, misfits.complaints, place)
        if misfits.rejects:
            self.quarantine.put_rejects(misfits.rejects)

    def _fitting(self, fit: Fit) -> FittingRows:
        casts = ", ".join(self._cast(column, fit) for column in fit.made)
        sql = f"SELECT {casts}, {ORDER} FROM {STAGE} WHERE {MARKER} IS NULL"
        return FittingRows(sql, tuple(column.name for column in fit.made), self.rules.key)

    def _cast(self, column: Column, fit: Fit) -> str:
        if column.name.lower() in fit.arriving:
            return cast_column(fit.arriving[column.name.lower()], column.type, column.name)
        return f"CAST(NULL AS {column.type}) AS {quote(column.name)}"

    def _write(self, rows: FittingRows, fit: Fit, watermark: str | None, is_complete: bool) -> Written:
        writer = TableWriter(self.transaction, self.table)
        match self.rules.write:
            case "replace":
                return writer.replace(rows)
            case "append":
                return writer.append(rows, self._window(fit, watermark))
            case "merge":
                return writer.merge(rows)
            case "history":
                return writer.keep_history(rows, is_complete=is_complete)

    def _window(self, fit: Fit, watermark: str | None) -> Window | None:
        if self.rules.cursor is None:
            return None
        kind = fit.type_of(self.rules.cursor)
        # Without a key a row at the watermark cannot be told from the one that was loaded.
        since = since_sql(watermark, kind, self.rules.overlap) if watermark is not None else None
        return Window(self.rules.cursor, kind, since, is_overlapping=self.rules.overlap is not None)

    def _greatest(self, fit: Fit, watermark: str | None) -> str | None:
        if self.rules.cursor is None:
            return None
        kind, cursor = fit.type_of(self.rules.cursor), quote(self.rules.cursor)
        arrived = f"SELECT TRY_CAST({cursor} AS {kind}) AS value FROM {STAGE}"
        known = f"SELECT CAST({literal(watermark)} AS {kind})"
        row = self.execute(
            f"SELECT CAST(max(value) AS VARCHAR) FROM ({arrived} UNION ALL {known})"
        ).fetchone()
        return None if row is None or row[0] is None else str(row[0])
