"""What the parser finds in a table's SQL, and what a table's node carries to its execution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ropewalk.dataops.contracts import Contract


@dataclass(frozen=True)
class Reference:
    """A table named in FROM or JOIN.

    Attributes:
        name: the name in lower case, `raw.flights` or `flights`.
        line: where it stands, counted from 1.
        column: where it stands in that line, counted from 1.
        offset: how many characters of the text stand before it.
    """

    name: str
    line: int
    column: int
    offset: int


@dataclass(frozen=True)
class Partition:
    """How a table is built in parts.

    Attributes:
        by: the length of an interval, or `key` for one part per value.
        column: the column of the table, and of the inputs it is cut by, that tells a row's interval.
        line: where the header stands that says so, counted from 1.
    """

    by: Literal["hour", "day", "month", "key"]
    column: str
    line: int = 1

    def __str__(self) -> str:
        """`day(scheduled_at)`, as the header writes it."""
        return f"{self.by}({self.column})"


@dataclass(frozen=True)
class ParsedSQL:
    """One SELECT, parsed.

    Attributes:
        statement: the text from its start to the statement's end, without a closing semicolon.
        normal: the same in one fixed form, in which comments, layout and the case of keywords do not count.
        references: the tables it reads, in order of appearance; common table expressions are not among them.
        description: the comment it starts with, as one text.
        partition: how its header says that it is built in parts.
    """

    statement: str
    normal: str
    references: tuple[Reference, ...]
    description: str | None = None
    partition: Partition | None = None


@dataclass(frozen=True)
class TableSpec:
    """What the pipeline hands back to build a table.

    Attributes:
        table: `schema.name`.
        path: its file, relative to the project.
        sql: the parsed file.
        contract: what its content must keep, if it has a contract.
    """

    table: str
    path: str
    sql: ParsedSQL
    contract: Contract | None = None
