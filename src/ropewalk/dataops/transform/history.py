"""Tables of kind history: every version that a row had, and from when until when (a slowly changing dimension, type 2).

The SELECT gives the rows as they are now, one for each key. What is there already is never computed again: a row
that differs closes the version before it, one that is gone closes it too, and all others are left alone. So doing it
twice with the same rows is doing it once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from ropewalk.dataops.lake import (
    STAGE,
    Column,
    LakeTransaction,
    TableDigest,
    TableName,
    literal,
    quote,
    read_columns,
)
from ropewalk.dataops.transform.errors import HistoryKeyBroken, TableFailed
from ropewalk.dataops.transform.qualify import QualifiedSQL
from ropewalk.dataops.transform.standing import Standing, find_standing
from ropewalk.dataops.transform.values import TableSpec
from ropewalk.errors import Place, nearest
from ropewalk.pipeline import JSON, Output, Probe, Task, find_past_run
from ropewalk.store.pipeline import node_actions

VALID_FROM, VALID_TO, IS_CURRENT = "valid_from", "valid_to", "is_current"
OWN = {VALID_FROM: "TIMESTAMP", VALID_TO: "TIMESTAMP", IS_CURRENT: "BOOLEAN"}
PAST = "history"
_ARRIVING, _CURRENT, _TOUCHED = (f'"temp"."ropewalk_{name}"' for name in ("arriving", "current", "touched"))
SHOWN = 3


def probe_history(last: Output | None) -> Probe:
    """Return what stands there as an outside fact: it decides with the inputs what comes of them."""
    # Without it rows that change and change back would be taken for a build that was done before.
    return Probe({PAST: last.digest if last else "none"}, settled=True)


@dataclass(frozen=True)
class AsHistory:
    """Version by version.

    Attributes:
        spec: the table.
        task: what is built.
        standing: what is there already.
        moment: when the run began: since when a row is as it is, unless a column tells.
    """

    spec: TableSpec
    task: Task
    standing: Standing | None
    moment: datetime
    where: Mapping[str, str] | None = None

    def build(self, transaction: LakeTransaction, select: QualifiedSQL) -> TableDigest:
        """Add the versions that the SELECT's rows are, and close those that ended.

        Raises:
            TableFailed: the SELECT lacks the key or the time, or gives a column that the history keeps itself.
            HistoryKeyBroken: two rows have one key, or one has none, or no time.
        """
        transaction.stage(select.text, Place(self.spec.path, 1, 1))
        connection = transaction.connection
        connection.execute(f"CREATE OR REPLACE TEMP TABLE ropewalk_arriving AS FROM {STAGE}")
        rows = _Rows(self, read_columns(connection, _ARRIVING), _there(connection, self))
        rows.refuse_misfits(connection)
        try:
            rows.work_out(connection)
        except duckdb.ConversionException as error:
            raise TableFailed(
                f"{self.spec.table} cannot go on: {str(error).partition(chr(10))[0]}",
                place=Place(self.spec.path),
                hint="a column changed its type, and versions of before do not fit it; "
                "cast it to the type it had, or give it another name",
            ) from error
        made = self._publish(transaction, rows)
        for name in (_ARRIVING, _CURRENT, _TOUCHED):
            connection.execute(f"DROP TABLE IF EXISTS {name}")
        return made

    def _publish(self, transaction: LakeTransaction, rows: _Rows) -> TableDigest:
        standing = self.standing
        if standing is None:
            return transaction.publish(self.spec.table)
        has_columns = transaction.columns(self.spec.table) == rows.result
        if has_columns and standing.is_head(transaction, self.task):
            return transaction.patch(self.spec.table, rows.is_touched)
        transaction.stage(rows.untouched(), is_more=True)
        return transaction.publish(self.spec.table)

    def summary(self) -> dict[str, JSON]:
        """Return when it was, and which version of the table it went on from: with them it can be done again."""
        base: JSON = None
        if self.standing is not None:
            base = {"snapshot": self.standing.snapshot, "digest": self.standing.digest}
        return {"time": self.moment.isoformat(timespec="milliseconds"), "went_on_from": base}

    def observed(self, made: TableDigest) -> dict[str, str] | None:
        """Return what stands there now."""
        return {PAST: made.digest}


def plan_history(task: Task, spec: TableSpec) -> AsHistory:
    """Return how the history of `spec` goes on."""
    run = find_past_run(task.workspace.database, task.run_id)
    if run.cause == "reproduce" and (again := _as_then(task, spec)) is not None:
        return again
    standing = find_standing(task)
    # A table that was no history before has no versions to go on from.
    if standing is not None and standing.facts.get("kind") != "history":
        standing = None
    # The lake's times are UTC without saying so.
    moment = datetime.fromtimestamp(run.started_at / 1000, UTC).replace(tzinfo=None)
    return AsHistory(spec, task, standing, moment)


def _as_then(task: Task, spec: TableSpec) -> AsHistory | None:
    """Return the build that was done over the same inputs before, as it went on then; None when there was none."""
    inputs = {name: output.digest for name, output in task.inputs.items()}
    for row in node_actions(task.workspace.database, task.node.id):
        summary = json.loads(row.output)["summary"]
        if dict(row.inputs) == inputs and dict(row.facts) == dict(task.node.facts) and "time" in summary:
            base = summary.get("went_on_from")
            standing = Standing(base["snapshot"], base["digest"], row.facts, {}, {}, {}) if base else None
            return AsHistory(spec, task, standing, datetime.fromisoformat(summary["time"]))
    return None


def _there(connection: duckdb.DuckDBPyConnection, history: AsHistory) -> list[Column]:
    """Return the columns of what is there, without those that the history keeps itself."""
    if history.standing is None:
        return []
    relation = TableName.parse(history.spec.table).at(history.standing.snapshot)
    return [column for column in read_columns(connection, relation) if column.name.lower() not in OWN]


@dataclass(frozen=True)
class _Rows:
    """The rows of one build: those that arrive and those that are there, in one set of columns."""

    history: AsHistory
    arriving: Sequence[Column]
    there: Sequence[Column]

    @property
    def columns(self) -> list[Column]:
        """The columns of the versions: those that arrive, and those that came earlier and come no more."""
        known = {column.name.lower() for column in self.arriving}
        return [*self.arriving, *(column for column in self.there if column.name.lower() not in known)]

    @property
    def result(self) -> list[Column]:
        """The columns of the table."""
        return [*self.columns, *(Column(name, kind) for name, kind in OWN.items())]

    @property
    def key(self) -> list[str]:
        """The columns of the key, as the SELECT writes them."""
        names = {column.name.lower(): column.name for column in self.arriving}
        return [names[name.lower()] for name in self.history.spec.sql.header.key]

    def refuse_misfits(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Refuse rows that no history can be made of.

        Raises:
            TableFailed: a column is missing, or one too many.
            HistoryKeyBroken: a key stands twice or is NULL, or a time is.
        """
        self._refuse_missing()
        self._refuse_lost_key()
        self._refuse_own_names()
        self._refuse_untimed()
        self._refuse_broken_keys(connection)

    def _refuse_missing(self) -> None:
        header, names = self.history.spec.sql.header, [column.name for column in self.arriving]
        lower = {name.lower() for name in names}
        for part, wanted in [("key", name) for name in header.key] + [("time", header.time)]:
            if wanted is not None and wanted.lower() not in lower:
                raise TableFailed(
                    f"{self.history.spec.table} has `{part}: {wanted}`, and its SELECT gives no such column",
                    place=self._place(part),
                    nearest=nearest(wanted, names),
                )

    def _refuse_lost_key(self) -> None:
        # Versions that are there already could never be matched with what arrives.
        known = {column.name.lower() for column in self.there}
        lost = next((name for name in self.key if self.there and name.lower() not in known), None)
        if lost is not None:
            raise TableFailed(
                f"{self.history.spec.table} cannot go on: its versions of before have no {lost!r} to be told apart by",
                place=self._place("key"),
                hint="keep the key, or begin a history of another name",
            )

    def _refuse_own_names(self) -> None:
        for name in (column.name for column in self.arriving):
            if name.lower() in OWN:
                raise TableFailed(
                    f"a history keeps {name!r} itself, and its SELECT gives a column of that name",
                    place=Place(self.history.spec.path),
                    hint=f"name it otherwise; {', '.join(OWN)} are the history's own",
                )

    def _refuse_untimed(self) -> None:
        time = self.history.spec.sql.header.time
        kinds = [column.type for column in self.arriving if time and column.name.lower() == time.lower()]
        if kinds and not (kinds[0] == "DATE" or kinds[0].startswith("TIMESTAMP")):
            raise TableFailed(
                f"{time!r} is to tell times, and is {kinds[0]}",
                place=self._place("time"),
                hint="cast it to TIMESTAMP in the SELECT",
            )

    def _refuse_broken_keys(self, connection: duckdb.DuckDBPyConnection) -> None:
        time, keys = self.history.spec.sql.header.time, ", ".join(map(quote, self.key))
        needed = [*self.key, *([time] if time else [])]
        no_value = " OR ".join(f"{quote(name)} IS NULL" for name in needed)
        for sql, wrong in (
            (
                f"SELECT {keys} FROM {_ARRIVING} WHERE {no_value} LIMIT {SHOWN}",
                f"has no {' or no '.join(needed)}",
            ),
            (
                f"SELECT {keys} FROM {_ARRIVING} GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT {SHOWN}",
                "has a key that another has too",
            ),
        ):
            rows = connection.execute(sql).fetchall()
            if rows:
                raise HistoryKeyBroken(
                    f"a row of {self.history.spec.table} {wrong}",
                    place=self._place("key"),
                    hint="a history is made of one row for each key; QUALIFY row_number() OVER (PARTITION BY "
                    f"{keys} ORDER BY ...) = 1 picks one. The table keeps its old content",
                    detail="\n".join(
                        ", ".join(f"{name} = {value!r}" for name, value in zip(self.key, row, strict=True))
                        for row in rows
                    ),
                )

    def work_out(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Lay aside all versions that change: those that are new, and those that end or are put right."""
        execute = connection.execute
        execute(f"CREATE OR REPLACE TEMP TABLE ropewalk_current AS {self._versions(IS_CURRENT)}")
        execute(f"CREATE OR REPLACE TEMP TABLE ropewalk_touched AS {self._touched()}")
        execute(f"CREATE OR REPLACE TEMP TABLE ropewalk_stage AS {self._changes()}")

    def untouched(self) -> str:
        """Return the SELECT of all versions that stay as they are."""
        return f"SELECT * FROM ({self._versions('true')}) WHERE NOT ({self.is_touched})"

    @property
    def is_touched(self) -> str:
        """The condition of the versions in whose place others come."""
        keys = ", ".join(map(quote, self.key))
        return f"{IS_CURRENT} AND ({keys}) IN (SELECT ({keys}) FROM {_TOUCHED})"

    def _versions(self, condition: str) -> str:
        """Return the SELECT of what is there in the columns of the result; nothing when nothing is there."""
        standing = self.history.standing
        if standing is None:
            empty = ", ".join(f"CAST(NULL AS {c.type}) AS {quote(c.name)}" for c in self.result)
            return f"SELECT {empty} WHERE false"
        own = ", ".join(map(quote, OWN))
        names = {column.name.lower() for column in self.there}
        cast = ", ".join(
            f"CAST({quote(c.name) if c.name.lower() in names else 'NULL'} AS {c.type}) AS {quote(c.name)}"
            for c in self.columns
        )
        relation = TableName.parse(self.history.spec.table).at(standing.snapshot)
        return f"SELECT {cast}, {own} FROM {relation} WHERE {condition}"

    def _touched(self) -> str:
        """Return the SELECT of each key with a version that changes: how, and since when."""
        keys = ", ".join(f"coalesce(n.{quote(k)}, c.{quote(k)}) AS {quote(k)}" for k in self.key)
        time = self.history.spec.sql.header.time
        moment = f"TIMESTAMP {literal(str(self.history.moment))}"
        since = f"CAST(n.{quote(time)} AS TIMESTAMP)" if time else moment
        first = quote(self.key[0])
        ended = f"SELECT {', '.join(map(quote, self.key))}, max({VALID_TO}) AS ended FROM ({self._versions(f'NOT {IS_CURRENT}')}) GROUP BY ALL"
        # A clock that was put back must not make a version end before it began.
        return f"""
            SELECT {keys}, n.{first} IS NULL AS is_gone, c.{first} IS NULL AS is_new,
                coalesce(n.{first} IS NOT NULL AND c.{first} IS NOT NULL AND {since} <= c.{VALID_FROM}, false)
                    OR {self._only_new_columns()} AS is_mended,
                c.{VALID_FROM} AS was_from,
                CASE WHEN n.{first} IS NULL THEN greatest({moment}, c.{VALID_FROM}) ELSE greatest({since}, h.ended) END
                    AS since
            FROM {_ARRIVING} AS n FULL JOIN {_CURRENT} AS c ON {self._same("n", "c")}
            LEFT JOIN ({ended}) AS h ON {self._same("h", "n")}
            WHERE n.{first} IS NULL OR c.{first} IS NULL OR {self._differs()} OR {self._only_new_columns()}
        """

    def _changes(self) -> str:
        """Return the SELECT of the versions that are put in the place of those that are touched."""
        names = ", ".join(quote(column.name) for column in self.columns)
        given = {column.name.lower() for column in self.arriving}
        # A column that came earlier and comes no more has no value in a new version.
        new = ", ".join(
            (
                f"n.{quote(c.name)}"
                if c.name.lower() in given
                else f"CAST(NULL AS {c.type}) AS {quote(c.name)}"
            )
            for c in self.columns
        )
        old = ", ".join(f"c.{quote(column.name)}" for column in self.columns)
        return f"""
            SELECT {names}, CAST({VALID_FROM} AS TIMESTAMP) AS {VALID_FROM}, CAST({VALID_TO} AS TIMESTAMP) AS {VALID_TO},
                CAST({IS_CURRENT} AS BOOLEAN) AS {IS_CURRENT}
            FROM (
                SELECT {new}, if(k.is_mended, k.was_from, k.since) AS {VALID_FROM}, NULL AS {VALID_TO},
                    true AS {IS_CURRENT}
                FROM {_ARRIVING} AS n JOIN {_TOUCHED} AS k ON {self._same("n", "k")}
                UNION ALL
                SELECT {old}, c.{VALID_FROM}, k.since, false
                FROM {_CURRENT} AS c JOIN {_TOUCHED} AS k ON {self._same("c", "k")}
                WHERE NOT k.is_mended
            )
        """

    def _same(self, left: str, right: str) -> str:
        return " AND ".join(f"{left}.{quote(name)} = {right}.{quote(name)}" for name in self.key)

    def _differs(self) -> str:
        """Return the condition that a row says something else than the version that is current."""
        time, there = self.history.spec.sql.header.time, {column.name.lower() for column in self.there}
        # When it was written is no news by itself.
        left_out = {*(name.lower() for name in self.key), (time or "").lower()}
        compared = [
            c.name for c in self.arriving if c.name.lower() in there and c.name.lower() not in left_out
        ]
        parts = [f"n.{quote(name)} IS DISTINCT FROM c.{quote(name)}" for name in compared]
        return f"({' OR '.join(parts) or 'false'})"

    def _only_new_columns(self) -> str:
        """Return the condition that a row has values in columns nobody asked for before, and is the same otherwise."""
        there = {column.name.lower() for column in self.there}
        fresh = [quote(column.name) for column in self.arriving if column.name.lower() not in there]
        if self.history.standing is None or not fresh:
            return "false"
        some = " OR ".join(f"n.{name} IS NOT NULL" for name in fresh)
        both = " AND ".join(f"n.{quote(k)} IS NOT NULL AND c.{quote(k)} IS NOT NULL" for k in self.key)
        return f"coalesce({both} AND NOT {self._differs()} AND ({some}), false)"

    def _place(self, part: str) -> Place:
        return Place(self.history.spec.path, self.history.spec.sql.header.lines.get(part))
