"""Some of the rows that break a check, with what is personal in them masked."""

from __future__ import annotations

from ropewalk.dataops.contracts.compile import TableColumn
from ropewalk.dataops.contracts.statements import run
from ropewalk.dataops.contracts.subject import Subject
from ropewalk.dataops.contracts.values import Check, Row
from ropewalk.dataops.lake import Column, mask_sql
from ropewalk.pipeline import JSON

SAMPLE_ROWS = 5


def sample_rows(subject: Subject, check: Check, where: str) -> tuple[Row, ...]:
    """Return some rows that meet `where`: the primary key and the checked columns, or all when there is no key."""
    columns = _shown(subject, check)
    shown = ", ".join(f"{_as_shown(subject, column)} AS {column.sql}" for column in columns)
    # Named in the inner SELECT as they are, so that the condition judges the values and not their masks.
    inner = f"SELECT * FROM {subject.sql} WHERE {where} LIMIT {SAMPLE_ROWS}"  # noqa: S608  # quoted names
    rows = run(subject.connection, f"SELECT {shown} FROM ({inner})", check.place)  # noqa: S608  # quoted names
    names = [column.name for column in columns]
    return tuple({name: _plain(value) for name, value in zip(names, row, strict=True)} for row in rows)


def _shown(subject: Subject, check: Check) -> list[TableColumn]:
    wanted = [*subject.contract.primary_key, *check.columns] if subject.contract.primary_key else []
    # Each once, in the order of the contract: the key may be what the check is about.
    found = {c.name: c for name in wanted if (c := subject.columns.get(name.lower()))}
    return list(found.values()) or list(subject.columns.values())


def _as_shown(subject: Subject, column: TableColumn) -> str:
    mask = subject.contract.masks.get(column.name.lower())
    # Without a key: a sample travels to logs and reports, where nobody needs to join it.
    return mask_sql(Column(column.name, column.type), mask, None) if mask else column.sql


def _plain(value: object) -> JSON:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
