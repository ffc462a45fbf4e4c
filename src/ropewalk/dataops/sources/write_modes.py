"""The ways of bringing fitting rows into their table: append, replace, merge by key, history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ropewalk.dataops.lake import Column, LakeTransaction, TableName, literal, quote
from ropewalk.dataops.sources.entries import IS_CURRENT, VALID_FROM, VALID_TO

NEWS = '"temp"."ropewalk_news"'
ORDER = "_ropewalk_order"
NOW = "CAST(transaction_timestamp() AS TIMESTAMP WITH TIME ZONE)"
HISTORY_COLUMNS = (
    Column(VALID_FROM, "TIMESTAMP WITH TIME ZONE"),
    Column(VALID_TO, "TIMESTAMP WITH TIME ZONE"),
    Column(IS_CURRENT, "BOOLEAN"),
)


@dataclass(frozen=True)
class Window:
    """What of the arriving rows counts where they are appended by a cursor.

    Attributes:
        column: the cursor.
        kind: its type in the table.
        since: SQL of the value after which rows count, or None where all do.
        is_overlapping: whether rows that were loaded before may come again.
    """

    column: str
    kind: str
    since: str | None
    is_overlapping: bool


@dataclass(frozen=True)
class FittingRows:
    """Rows that fit: a SELECT of them in the columns and types of the table, and of `ORDER`.

    Attributes:
        sql: the SELECT.
        columns: the names of the columns, without `ORDER`.
        key: those that identify a row, or none.
    """

    sql: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> str:
        """The columns, as SQL."""
        return name_list(self.columns)

    def last_by_key(self) -> str:
        """Return a SELECT of the rows, of several with one key the one that came last."""
        if not self.key:
            return f"SELECT {self.names} FROM ({self.sql})"
        keys = name_list(self.key)
        latest = f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {ORDER} DESC) = 1"
        return f"SELECT {self.names} FROM ({self.sql}) {latest} ORDER BY {ORDER}"


@dataclass(frozen=True)
class Written:
    """How many rows were added, changed and removed."""

    added: int = 0
    changed: int = 0
    removed: int = 0

    def __bool__(self) -> bool:
        """Whether anything was."""
        return bool(self.added or self.changed or self.removed)


class TableWriter:
    """Writes rows into one table within a transaction; known rows make no new files."""

    def __init__(self, transaction: LakeTransaction, table: TableName) -> None:
        self.table = table
        self.transaction = transaction
        self.execute = transaction.connection.execute

    def replace(self, rows: FittingRows) -> Written:
        """Make the rows the whole content of the table."""
        before = self._count(self.table.sql) if self.transaction.columns(str(self.table)) is not None else 0
        held = self.transaction.digest(str(self.table)) if before else None
        made = self.transaction.replace(str(self.table), rows.last_by_key())
        return Written() if made == held else Written(added=made.rows, removed=before)

    def append(self, rows: FittingRows, window: Window | None) -> Written:
        """Add the rows, with a `window` those in it that were not added before."""
        if window is None or window.since is None:
            self._insert(f"SELECT {rows.names} FROM ({rows.sql}) ORDER BY {ORDER}")
            return Written(added=self._count(f"({rows.sql})"))
        newer = f"WHERE {quote(window.column)} > {window.since}"
        news = f"SELECT {rows.names} FROM ({rows.sql}) {newer}"
        if window.is_overlapping:
            # Rows without a key are known by all they hold, each as often as it is there.
            news += f" EXCEPT ALL SELECT {rows.names} FROM {self.table.sql} {newer}"
        else:
            news += f" ORDER BY {ORDER}"
        return self._insert_news(news)

    def merge(self, rows: FittingRows) -> Written:
        """Put the rows in the place of those with the same key, and add those with other keys."""
        keys = name_list(rows.key)
        count = self._stage_news(rows, self.table.sql)
        if not count:
            return Written()
        # The old rows of these keys go first; keys are never NULL here, so IN finds them all.
        same = f"({keys}) IN (SELECT ({keys}) FROM {NEWS})"
        changed = self._count(f"{self.table.sql} WHERE {same}")
        if changed:
            self.execute(f"DELETE FROM {self.table.sql} WHERE {same}")
        self._insert(f"FROM {NEWS}")
        return Written(added=max(0, count - changed), changed=changed)

    def keep_history(self, rows: FittingRows, *, is_complete: bool) -> Written:
        """Close the version of each row that changed and add the new one; with `is_complete` close those gone too."""
        keys = name_list(rows.key)
        current = f"(FROM {self.table.sql} WHERE {quote(IS_CURRENT)})"
        count = self._stage_news(rows, current)
        changed = self._close(f"({keys}) IN (SELECT ({keys}) FROM {NEWS})") if count else 0
        gone = f"({keys}) NOT IN (SELECT ({keys}) FROM ({rows.sql}))"
        removed = self._close(gone) if is_complete else 0
        if count:
            versions = f"{NOW} AS {quote(VALID_FROM)}, NULL AS {quote(VALID_TO)}, true AS {quote(IS_CURRENT)}"
            self._insert(f"SELECT *, {versions} FROM {NEWS}")
        return Written(added=max(0, count - changed), changed=changed, removed=removed)

    def _close(self, condition: str) -> int:
        closed = f"{quote(IS_CURRENT)} AND {condition}"
        count = self._count(f"{self.table.sql} WHERE {closed}")
        if count:
            values = f"{quote(VALID_TO)} = {NOW}, {quote(IS_CURRENT)} = false"
            self.execute(f"UPDATE {self.table.sql} SET {values} WHERE {closed}")
        return count

    def _stage_news(self, rows: FittingRows, known: str) -> int:
        """Lay aside the rows that are not in `known` as they are, and return how many."""
        keys = name_list(rows.key)
        held = f"SELECT {rows.names} FROM {known} WHERE ({keys}) IN (SELECT ({keys}) FROM ({rows.sql}))"
        # EXCEPT takes NULLs for equal, which a comparison of columns does not.
        news = f"SELECT {rows.names} FROM ({rows.last_by_key()}) EXCEPT {held} ORDER BY {keys}"
        return self._lay_aside(news)

    def _insert_news(self, news: str) -> Written:
        count = self._lay_aside(news)
        if count:
            self._insert(f"FROM {NEWS}")
        return Written(added=count)

    def _lay_aside(self, news: str) -> int:
        # Counted before anything is written: rows that are known already make no new files.
        self.execute(f"CREATE OR REPLACE TEMP TABLE ropewalk_news AS {news}")
        return self._count(NEWS)

    def _insert(self, select: str) -> None:
        self.execute(f"INSERT INTO {self.table.sql} BY NAME {select}")

    def _count(self, relation: str) -> int:
        row = self.execute(f"SELECT count(*) FROM {relation}").fetchone()
        return int(row[0]) if row else 0


def name_list(names: Sequence[str]) -> str:
    """Return names as SQL, separated by commas."""
    return ", ".join(quote(name) for name in names)


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def since_sql(watermark: str, kind: str, overlap: str | float | None) -> str:
    """Return the SQL of the value that lies `overlap` (such as 2h, or a number) before the watermark."""
    at = f"CAST({literal(watermark)} AS {kind})"
    if not overlap:
        return at
    if isinstance(overlap, str):
        number, unit = overlap[:-1].strip(), _UNITS[overlap[-1]]
        return f"CAST({at} - INTERVAL {literal(f'{number} {unit}')} AS {kind})"
    return f"({at} - {overlap!r})"
