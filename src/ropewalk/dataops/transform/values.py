"""What the parser finds in a table's SQL, and what a table's node carries to its execution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ropewalk.dataops.contracts import Contract

Form = Literal["table", "view", "incremental", "history"]
FORMS: tuple[Form, ...] = ("table", "view", "incremental", "history")


@dataclass(frozen=True)
class Reference:
    """A table named in FROM or JOIN.

    Attributes:
        name: the name in lower case, `raw.flights` or `flights`.
        line: where it stands, counted from 1.
        column: where it stands in that line, counted from 1.
        offset: how many characters of the text stand before it.
        end: how many stand before what follows it.
        alias: the name that it goes by in its statement, if it is given one.
    """

    name: str
    line: int
    column: int
    offset: int
    end: int = 0
    alias: str | None = None


Interval = Literal["hour", "day", "month", "key"]


@dataclass(frozen=True)
class Partition:
    """How a table is built in parts.

    Attributes:
        by: the length of an interval, or `key` for one part per value.
        column: the column of the table, and of the inputs it is cut by, that tells a row's interval.
        line: where the header stands that says so, counted from 1.
    """

    by: Interval
    column: str
    line: int = 1

    def __str__(self) -> str:
        """`day(scheduled_at)`, as the header writes it."""
        return f"{self.by}({self.column})"


@dataclass(frozen=True)
class Header:
    """What the comment at the top of a table's file says that SQL cannot.

    Attributes:
        form: the kind of table.
        partition: how it is cut, when it is built by time or part by part.
        key: the columns that tell its rows, or the things its rows are about, from each other.
        time: the column that says since when a row is as it is.
        engine: the engine that computes it; None: the lake's own.
        lines: the line in which each of them stands.
    """

    form: Form = "table"
    partition: Partition | None = None
    key: tuple[str, ...] = ()
    time: str | None = None
    engine: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict)

    def facts(self) -> dict[str, str]:
        """Return what counts in the table's key, by the word in the header; nothing for a plain table."""
        is_implied = self.form == "table" or self.partition is not None
        said = {
            "kind": None if is_implied else self.form,
            "partition": str(self.partition) if self.partition else None,
            "key": ", ".join(self.key) or None,
            "time": self.time,
            "engine": self.engine,
        }
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True)
class ParsedSQL:
    """One SELECT, parsed.

    Attributes:
        statement: the text from its start to the statement's end, without a closing semicolon.
        normal: the same in one fixed form, in which comments, layout and the case of keywords do not count.
        references: the tables it reads, in order of appearance; common table expressions are not among them.
        description: the comment it starts with, as one text.
        header: what the comment says beside that.
    """

    statement: str
    normal: str
    references: tuple[Reference, ...]
    description: str | None = None
    header: Header = Header()

    @property
    def partition(self) -> Partition | None:
        """How its header says that it is built in parts."""
        return self.header.partition


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
