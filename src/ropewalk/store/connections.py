"""The port between the store's statements and the database that runs them; its adapters are `sqlite` and `postgresql`.

Statements are written once, in the part of SQL that both understand. What differs (`?` for values, the types of
columns, lists bound as JSON) the PostgreSQL adapter translates; `dialect` says how.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

Value: TypeAlias = "str | int | float | bytes | None"


class Row(Protocol):
    """One row of a result, read by a column's name or its place; unpacking it yields the values."""

    def __getitem__(self, key: str | int, /) -> Any:
        """Return the value of that column; the first one where two columns have one name."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the values in the order of the columns."""

    def __len__(self) -> int:
        """Return how many columns there are."""

    def keys(self) -> list[str]:
        """Return the names of the columns."""


class Cursor(Protocol):
    """What a statement found or did."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement wrote."""

    def fetchone(self) -> Any:
        """Return the next row, or None after the last."""

    def fetchall(self) -> list[Any]:
        """Return all rows that were not read yet."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows that were not read yet."""


class Connection(Protocol):
    """A connection inside a transaction that its giver began and will end."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Cursor:
        """Run one statement with `parameters` for its `?`."""

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Cursor:
        """Run one statement for each row of `parameters`."""


class Engine(Protocol):
    """A database server or file: whatever gives transactions.

    Attributes:
        name: what messages call it: the file's path, or the server's address without its password.
    """

    name: str

    def read(self) -> AbstractContextManager[Connection]:
        """Give a connection on which every statement sees one consistent state."""

    def write(self) -> AbstractContextManager[Connection]:
        """Give a connection inside a write transaction; one writer at a time."""

    def schema_version(self, connection: Connection) -> int:
        """Return the number of the last migration that was applied."""

    def set_schema_version(self, connection: Connection, number: int) -> None:
        """Record the number of the last migration that was applied."""

    def undisturbed(self) -> str | None:
        """Return a text that stands for the present content, if nobody else wrote since this was opened; else None."""

    def close(self) -> None:
        """Close every connection."""
