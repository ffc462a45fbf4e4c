"""Checking a table against its contract: one SELECT for all checks, samples of rows for those that fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import duckdb

from ropewalk.dataops.contracts.compile import (
    Measure,
    TableColumn,
    has_logical_type,
    measure,
)
from ropewalk.dataops.contracts.statements import as_number, run, run_rule
from ropewalk.dataops.contracts.values import Check, CheckReport, CheckResult, Contract, Number
from ropewalk.dataops.contracts.words import describe_rows, describe_value, share_of
from ropewalk.dataops.lake import TableName, literal, quote
from ropewalk.errors import nearest
from ropewalk.pipeline import JSON

SAMPLE_ROWS = 5


@dataclass(frozen=True)
class _Subject:
    """The table under check, as it is now."""

    connection: duckdb.DuckDBPyConnection
    table: str
    columns: Mapping[str, TableColumn]
    contract: Contract

    @property
    def sql(self) -> str:
        """The table as SQL names it."""
        return TableName.parse(self.table).sql

    def find(self, check: Check) -> tuple[TableColumn, ...] | None:
        """Return the columns that `check` is about, or None when the table lacks one."""
        found = [self.columns[name.lower()] for name in check.columns if name.lower() in self.columns]
        return tuple(found) if len(found) == len(check.columns) else None


def check_table(connection: duckdb.DuckDBPyConnection, table: str, contract: Contract) -> CheckReport:
    """Return what holds and what does not hold of `contract` for the rows that `table` has on `connection`.

    Raises:
        CheckNotRun: a check could not be run: an SQL rule that fails, a pattern that is not one.
    """
    # Of the table as it is now, inside the transaction: its columns may be newer than any catalogue.
    described = run(connection, f"DESCRIBE {TableName.parse(table).sql}", contract.place)
    columns = {str(name).lower(): TableColumn(str(name), str(kind)) for name, kind, *_ in described}
    subject = _Subject(connection, table, columns, contract)
    # Inside the one SELECT a bad pattern could not be told from the others.
    _refuse_bad_patterns(subject)
    measures = {
        index: found for index, check in enumerate(contract.checks) if (found := _measure(subject, check))
    }
    rows, values = _aggregate(subject, list(measures.values()))
    by_check = dict(zip(measures, values, strict=True))
    results = [
        _judge(subject, check, measures.get(index), by_check.get(index), rows)
        for index, check in enumerate(contract.checks)
    ]
    return CheckReport(table, rows, tuple(results))


def _measure(subject: _Subject, check: Check) -> Measure | None:
    columns = subject.find(check)
    return measure(check, columns, subject.table) if columns is not None else None


def _aggregate(subject: _Subject, measures: list[Measure]) -> tuple[int, list[Number]]:
    # One SELECT for all checks: a contract with fifty of them still reads the table once.
    expressions = ["count(*)", *(found.select for found in measures)]
    statement = f"SELECT {', '.join(expressions)} FROM {subject.sql}"  # noqa: S608  # quoted names
    rows, *values = run(subject.connection, statement, subject.contract.place)[0]
    return int(str(rows)), [as_number(value) for value in values]


def _judge(
    subject: _Subject, check: Check, measured: Measure | None, value: Number | None, rows: int
) -> CheckResult:
    columns = subject.find(check)
    if columns is None:
        return _result(check, _missing_columns(subject, check), passed=False)
    if measured is not None and value is not None:
        return _judge_measure(subject, check, measured, value, rows)
    if check.kind == "logicalType":
        return _judge_type(check, columns[0])
    if check.kind == "sql":
        column = quote(columns[0].name) if columns else None
        found = run_rule(subject.connection, check, subject.sql, column)
        return _result(check, describe_value(check, found), passed=check.expect.holds(found))
    return _result(check, "the table has it", passed=True)


def _judge_measure(
    subject: _Subject, check: Check, measured: Measure, value: Number, rows: int
) -> CheckResult:
    if measured.where is None:
        passed = check.expect.holds(value)
        return _result(check, describe_value(check, value), passed=passed)
    failing = int(value)
    passed = check.expect.holds(share_of(failing, rows) if check.unit == "percent" else failing)
    # Rows are fetched only now: a contract that holds costs no second look.
    sample = _sample(subject, check, measured.where) if failing and not passed else ()
    return replace(
        _result(check, describe_rows(check, failing, rows), passed=passed), failing=failing, sample=sample
    )


def _judge_type(check: Check, column: TableColumn) -> CheckResult:
    wanted = check.values[0]
    passed = has_logical_type(column, wanted)
    return _result(check, f"{column.type}, {'as' if passed else 'which is no'} {wanted}", passed=passed)


def _missing_columns(subject: _Subject, check: Check) -> str:
    missing = next(name for name in check.columns if name.lower() not in subject.columns)
    close = nearest(missing, [column.name for column in subject.columns.values()])
    return f"the table has no column {missing!r}" + (f"; the nearest is {close!r}" if close else "")


def _result(check: Check, message: str, *, passed: bool) -> CheckResult:
    return CheckResult(check.name, check.column, check.kind, check.severity, passed, None, message)


def _sample(subject: _Subject, check: Check, where: str) -> tuple[Mapping[str, JSON], ...]:
    """Return some failing rows: the primary key and the checked columns, or all when there is no key."""
    wanted = [*subject.contract.primary_key, *check.columns] if subject.contract.primary_key else []
    # Each once, in the order of the contract: the key may be what the check is about.
    names = dict.fromkeys(c.name for name in wanted if (c := subject.columns.get(name.lower())))
    columns = ", ".join(map(quote, names)) or "*"
    statement = f"SELECT {columns} FROM {subject.sql} WHERE {where} LIMIT {SAMPLE_ROWS}"  # noqa: S608  # quoted names
    rows = run(subject.connection, statement, check.place)
    shown = list(names) or [column.name for column in subject.columns.values()]
    return tuple({name: _plain(value) for name, value in zip(shown, row, strict=True)} for row in rows)


def _plain(value: object) -> JSON:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _refuse_bad_patterns(subject: _Subject) -> None:
    for check in subject.contract.checks:
        if check.pattern is not None:
            statement = f"SELECT regexp_matches('', {literal(check.pattern)})"
            run(subject.connection, statement, check.place)
