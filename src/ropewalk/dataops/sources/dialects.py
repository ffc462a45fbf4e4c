"""What differs from database to database: how it is attached, how its columns come, and how its SQL is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import duckdb

from ropewalk.dataops.sources.errors import InvalidSource
from ropewalk.errors import Place, RopewalkError

AS_JSON = "CAST({} AS JSON)"
# Types whose order is the same in every database and here.
ORDERED = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "FLOAT", "DOUBLE")
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


@dataclass(frozen=True)
class RemoteColumn:
    """A column as it is read.

    Attributes:
        name: its name.
        type: the type it arrives with, as the engine writes it.
        remote: the expression that the database computes.
        local: the SQL of what the engine makes of that; `{}` stands for the value as it came.
        order: the expression by which the database compares its values, or None when they have no order that holds
            on both sides.
    """

    name: str
    type: str
    remote: str
    local: str = "{}"
    order: str | None = None


@dataclass(frozen=True)
class TablePath:
    """A table as a declaration names it: its schema, if one is given, and its name."""

    schema: str | None
    name: str

    @classmethod
    def parse(cls, text: str, place: Place) -> TablePath:
        """Return what `orders`, `shop.orders` or `"odd.schema"."odd name"` stands for.

        Raises:
            InvalidSource: it is none of these.
        """
        parts = _split(text)
        if parts is None or not 1 <= len(parts) <= 2 or not all(parts):
            raise InvalidSource(
                f"table: {text!r} is not the name of a table",
                place=place,
                hint='write table, schema.table, or with quotes: "odd.schema"."odd name"',
            )
        return cls(parts[0] if len(parts) == 2 else None, parts[-1])

    def __str__(self) -> str:
        """`schema.table`, as people write it."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Dialect(Protocol):
    """One kind of database."""

    extension: str
    """The engine's extension that reads it, or nothing."""
    text_type: str
    """What the database calls a text of any length in a CAST."""

    def attach(self, connection: duckdb.DuckDBPyConnection, alias: str) -> None:
        """Attach the database read-only as `alias`.

        Raises:
            duckdb.Error: it cannot be reached; `translate` makes an error of ours of it.
        """

    def rows(self, alias: str, sql: str) -> str:
        """Return what follows FROM in the engine's SQL for the rows of `sql`, which the database runs."""

    def find_table(self, connection: duckdb.DuckDBPyConnection, alias: str, table: TablePath) -> str:
        """Return `table` as the database's SQL names it.

        Raises:
            SourceTableMissing: the database does not have it; the error names the nearest.
        """

    def query(self, connection: duckdb.DuckDBPyConnection, alias: str, sql: str) -> str:
        """Return the rows of a person's SELECT as what follows FROM in the database's SQL, without a name."""

    def columns(
        self, connection: duckdb.DuckDBPyConnection, alias: str, relation: str, wanted: dict[str, str]
    ) -> Sequence[RemoteColumn]:
        """Return how the columns of `relation`, which follows FROM there, are read.

        `wanted` are the declared types by lower-case name, for columns that can come in several ways.
        """

    def quote(self, name: str) -> str:
        """Return `name` as an identifier of the database."""

    def literal(self, text: str, column: RemoteColumn) -> str:
        """Return a value of `column`, in the engine's words, as SQL of the database."""

    def translate(self, error: duckdb.Error) -> RopewalkError:
        """Return what the engine or the database said as an error of ours, without anything secret."""


def _split(text: str) -> list[str] | None:
    """Return the parts of a name between dots outside of quotes, or None when a quote stands alone."""
    parts, rest = list[str](), text.strip()
    while True:
        if rest.startswith('"'):
            end = _closing(rest)
            if end is None:
                return None
            parts.append(rest[1:end].replace('""', '"'))
            rest = rest[end + 1 :]
        else:
            part, _, _ = rest.partition(".")
            if '"' in part:
                return None
            parts.append(part)
            rest = rest[len(part) :]
        if not rest:
            return parts
        if not rest.startswith("."):
            return None
        rest = rest[1:]


def _closing(text: str) -> int | None:
    """Return where the quote that `text` begins with ends."""
    at = 1
    while (at := text.find('"', at)) > 0:
        if text[at + 1 : at + 2] != '"':
            return at
        at += 2
    return None
