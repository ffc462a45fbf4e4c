"""Names of tables and how they are written in SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ropewalk.dataops.lake.errors import InvalidTableName

LAKE = "lake"
_PART = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class TableName:
    """A table of the lake: its schema and its own name."""

    schema: str
    name: str

    @classmethod
    def parse(cls, text: str) -> TableName:
        """Return the name that `schema.table` is.

        Raises:
            InvalidTableName: it is something else.
        """
        schema, _, name = text.partition(".")
        if not (_PART.fullmatch(schema) and _PART.fullmatch(name)):
            raise InvalidTableName(
                f"{text!r} is not the name of a table", hint="write schema.table, such as mart.flights"
            )
        return cls(schema, name)

    @property
    def sql(self) -> str:
        """The table as it is at the lake's head, as SQL, every part quoted."""
        # With the lake in front, so that it means the same whatever a connection has as its default.
        return f'"{LAKE}".{self.unqualified}'

    @property
    def unqualified(self) -> str:
        """The name as SQL without the lake: what it means is up to the connection's scope."""
        return f"{quote(self.schema)}.{quote(self.name)}"

    def at(self, snapshot: int) -> str:
        """Return what follows FROM for the table as it was at `snapshot`."""
        return f"{self.sql} AT (VERSION => {snapshot:d})"

    def __str__(self) -> str:
        """`schema.table`, as people write it."""
        return f"{self.schema}.{self.name}"


def quote(name: str) -> str:
    """Return `name` as an SQL identifier, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | int | None) -> str:
    """Return `value` as SQL.

    Values are written into the SQL because DuckDB's client imports pandas and all it needs when a text is passed
    as a parameter: a second of CPU time.
    """
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
