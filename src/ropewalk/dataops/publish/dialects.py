"""What PostgreSQL and MySQL do differently: types, quoting, and whether a table can be made inside a transaction."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ropewalk.dataops.lake import Column, quote

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_NESTED = re.compile(r"\[\d*\]$|^(?:STRUCT|MAP|UNION)\(|^JSON$|^VARIANT$")
_FLOATS = ("FLOAT", "DOUBLE")
# A key needs an index, and MySQL indexes no text without an end.
KEY_LENGTH = 255


@dataclass(frozen=True)
class Sent:
    """A column on its way out.

    Attributes:
        name: its name, here and there.
        type: the type it gets there.
        expression: the SQL that gives its value here.
        obstacle: the SQL of a condition that a value meets which the target cannot hold, and what to say of it.
    """

    name: str
    type: str
    expression: str
    obstacle: tuple[str, str] | None = None


@dataclass(frozen=True)
class Dialect:
    """One kind of database.

    Attributes:
        kind: as declarations and the engine's extensions name it.
        extension: the engine's extension that speaks to it.
        types: the engine's plain types, and what they become there.
        mark: what quotes a name.
        has_transactional_ddl: whether CREATE, ALTER and DROP are undone by a rollback.
        same: the comparison that takes NULL for a value, with `{0}` and `{1}`.
        clears: the statement that makes the engine look at the tables anew.
    """

    kind: str
    extension: str
    types: Mapping[str, str]
    mark: str
    has_transactional_ddl: bool
    same: str
    clears: str

    def quote(self, name: str) -> str:
        """Return `name` as an identifier there."""
        return self.mark + name.replace(self.mark, self.mark * 2) + self.mark

    def sent(self, column: Column, key: Sequence[str] = ()) -> Sent:
        """Return how a column of the lake goes out."""
        kind, name = column.type, quote(column.name)
        plain = self.types.get(kind)
        if found := _DECIMAL.fullmatch(kind):
            return Sent(column.name, f"decimal({found[1]},{found[2]})", name)
        if kind in _FLOATS:
            return Sent(column.name, self.types[kind], name, self._not_finite(name))
        # An enumeration there would have to be altered with each value that comes.
        if kind == "VARCHAR" or kind.startswith("ENUM("):
            return self._text(column.name, f"CAST({name} AS VARCHAR)", is_key=column.name in key)
        if plain is not None:
            return Sent(column.name, plain, self._cast(kind, name), self._no_such_time(kind, name))
        if _NESTED.search(kind):
            return Sent(column.name, self.types["JSON"], f"CAST(to_json({name}) AS VARCHAR)")
        return self._text(column.name, f"CAST({name} AS VARCHAR)", is_key=column.name in key)

    def _text(self, name: str, expression: str, *, is_key: bool) -> Sent:
        if self.kind == "postgres":
            obstacle = (
                f"contains({expression}, chr(0))",
                "hold the character NUL, which PostgreSQL does not take",
            )
            return Sent(name, "text", expression, obstacle)
        if is_key:
            too_long = (
                f"length({expression}) > {KEY_LENGTH}",
                f"are longer than the {KEY_LENGTH} that a key may be",
            )
            return Sent(name, f"varchar({KEY_LENGTH})", expression, too_long)
        return Sent(name, "longtext", expression)

    def _not_finite(self, name: str) -> tuple[str, str] | None:
        said = "are NaN or infinite, which MySQL does not have"
        return None if self.kind == "postgres" else (f"NOT isfinite({name})", said)

    def _cast(self, kind: str, name: str) -> str:
        if kind.startswith("TIMESTAMP") and (self.kind == "mysql" or not kind.endswith("ZONE")):
            # To the microsecond; MySQL's own type with a zone ends in 2038, so that it gets the time in UTC.
            return f"CAST({name} AS TIMESTAMP)"
        # Greater than PostgreSQL's whole numbers; both hold them as decimals without a fraction.
        if kind in {"UBIGINT", "HUGEINT", "UHUGEINT"}:
            return f"CAST({name} AS DECIMAL(38, 0))"
        return (
            f"CAST({name} AS VARCHAR)"
            if kind in {"BIT", "UUID", "INTERVAL"} and self.kind == "mysql"
            else name
        )

    def _no_such_time(self, kind: str, name: str) -> tuple[str, str] | None:
        if self.kind == "postgres" or not (kind.startswith("TIMESTAMP") or kind == "DATE"):
            return None
        return (
            f"NOT isfinite({name}) OR year({name}) NOT BETWEEN 1 AND 9999",
            "are outside the years 1 to 9999",
        )


POSTGRES = Dialect(
    kind="postgres",
    extension="postgres_scanner",
    types={
        "BOOLEAN": "boolean",
        "TINYINT": "smallint",
        "UTINYINT": "smallint",
        "SMALLINT": "smallint",
        "USMALLINT": "integer",
        "INTEGER": "integer",
        "UINTEGER": "bigint",
        "BIGINT": "bigint",
        "UBIGINT": "decimal(38,0)",
        "HUGEINT": "decimal(38,0)",
        "FLOAT": "real",
        "DOUBLE": "double precision",
        "DATE": "date",
        "TIME": "time",
        "TIMESTAMP": "timestamp",
        "TIMESTAMP_S": "timestamp",
        "TIMESTAMP_MS": "timestamp",
        "TIMESTAMP_NS": "timestamp",
        "TIMESTAMP WITH TIME ZONE": "timestamptz",
        "INTERVAL": "interval",
        "UUID": "uuid",
        "BLOB": "bytea",
        "JSON": "jsonb",
    },
    mark='"',
    has_transactional_ddl=True,
    same="{0} IS NOT DISTINCT FROM {1}",
    clears="CALL pg_clear_cache()",
)
MYSQL = Dialect(
    kind="mysql",
    extension="mysql_scanner",
    types={
        "BOOLEAN": "boolean",
        "TINYINT": "tinyint",
        "UTINYINT": "smallint",
        "SMALLINT": "smallint",
        "USMALLINT": "int",
        "INTEGER": "int",
        "UINTEGER": "bigint",
        "BIGINT": "bigint",
        "UBIGINT": "decimal(38,0)",
        "HUGEINT": "decimal(38,0)",
        "FLOAT": "float",
        "DOUBLE": "double",
        "DATE": "date",
        "TIME": "time(6)",
        "TIMESTAMP": "datetime(6)",
        "TIMESTAMP_S": "datetime(6)",
        "TIMESTAMP_MS": "datetime(6)",
        "TIMESTAMP_NS": "datetime(6)",
        "TIMESTAMP WITH TIME ZONE": "datetime(6)",
        "INTERVAL": "varchar(64)",
        "UUID": "char(36)",
        "BLOB": "longblob",
        "JSON": "json",
    },
    mark="`",
    has_transactional_ddl=False,
    same="{0} <=> {1}",
    clears="CALL mysql_clear_cache()",
)
