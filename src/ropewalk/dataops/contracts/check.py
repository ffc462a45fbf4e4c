"""Checking a table against its contract: one SELECT for all checks, samples of rows for those that fail."""

from __future__ import annotations

import time
from dataclasses import replace

import duckdb

from ropewalk.dataops.contracts.compile import AGED, Measure, TableColumn, has_logical_type, measure
from ropewalk.dataops.contracts.sample import sample_rows
from ropewalk.dataops.contracts.statements import as_number, run, run_rule, telling_no_values
from ropewalk.dataops.contracts.subject import PastRows, Subject, table_columns
from ropewalk.dataops.contracts.values import Check, CheckReport, CheckResult, Contract, Number
from ropewalk.dataops.contracts.volume import judge_volume
from ropewalk.dataops.contracts.words import describe_age, describe_rows, describe_value, share_of
from ropewalk.dataops.lake import TableName, literal, quote
from ropewalk.errors import nearest


def check_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    contract: Contract,
    *,
    past_rows: PastRows = tuple,
    relation: str | None = None,
    now: float | None = None,
) -> CheckReport:
    """Return what holds and what does not hold of `contract` for the rows that `table` has on `connection`.

    Args:
        connection: where other tables that rules name can be read by `schema.table`.
        table: its name, `schema.table`.
        contract: what it promises.
        past_rows: gives how many rows the table's last builds had, newest first.
        relation: what follows FROM for the table, when it is not the lake's newest.
        now: seconds since 1970 from which ages are counted.

    Raises:
        CheckNotRun: a check could not be run: an SQL rule that fails, a pattern that is not one.
    """
    sql = relation or TableName.parse(table).sql
    moment = time.time() if now is None else now
    with telling_no_values(is_personal=bool(contract.masks)):
        columns = table_columns(connection, sql, contract)
        return _check(Subject(connection, table, sql, columns, contract, past_rows, moment))


def _check(subject: Subject) -> CheckReport:
    # Inside the one SELECT a bad pattern could not be told from the others.
    _refuse_bad_patterns(subject)
    checks = subject.contract.checks
    measures = {index: found for index, check in enumerate(checks) if (found := _measure(subject, check))}
    rows, values = _aggregate(subject, list(measures.values()))
    by_check = dict(zip(measures, values, strict=True))
    results = [
        _judge(subject, check, measures.get(index), by_check.get(index), rows)
        for index, check in enumerate(checks)
    ]
    return CheckReport(subject.table, rows, tuple(results))


def aggregate_sql(subject: Subject, measures: list[Measure]) -> str:
    """Return the one SELECT for all `measures`: a contract with fifty checks still reads the table once."""
    # What several checks count alike is counted once.
    expressions = dict.fromkeys(["count(*)", *(found.select for found in measures)])
    return f"SELECT {', '.join(expressions)} FROM {subject.sql}"  # noqa: S608  # quoted names


def _measure(subject: Subject, check: Check) -> Measure | None:
    columns = subject.find(check)
    return measure(check, columns, subject.sql) if columns is not None else None


def _aggregate(subject: Subject, measures: list[Measure]) -> tuple[int, list[Number | None]]:
    expressions = dict.fromkeys(["count(*)", *(found.select for found in measures)])
    row = run(subject.connection, aggregate_sql(subject, measures), subject.contract.place)[0]
    found = dict(zip(expressions, row, strict=True))
    values = [found[item.select] for item in measures]
    return int(str(row[0])), [None if value is None else as_number(value) for value in values]


def _judge(
    subject: Subject, check: Check, measured: Measure | None, value: Number | None, rows: int
) -> CheckResult:
    columns = subject.find(check)
    if columns is None:
        return _result(check, _missing_columns(subject, check), passed=False)
    if check.kind in AGED:
        passed = value is not None and subject.now - value <= float(check.values[0])
        return _result(check, describe_age(check, value, subject.now), passed=passed)
    if check.kind == "volume":
        passed, message = judge_volume(check, rows, subject.past_rows())
        return _result(check, message, passed=passed)
    if measured is not None and value is not None:
        return _judge_measure(subject, check, measured, value, rows)
    return _judge_alone(subject, check, columns)


def _judge_alone(subject: Subject, check: Check, columns: tuple[TableColumn, ...]) -> CheckResult:
    """Judge what is not measured together with the rest: a type, a rule with its own query, a column being there."""
    if check.kind == "logicalType":
        return _judge_type(check, columns[0])
    if check.kind == "sql":
        column = quote(columns[0].name) if columns else None
        found = run_rule(subject.connection, check, subject.sql, column)
        return _result(check, describe_value(check, found), passed=check.expect.holds(found))
    return _result(check, "the table has it", passed=True)


def _judge_measure(
    subject: Subject, check: Check, measured: Measure, value: Number, rows: int
) -> CheckResult:
    if measured.where is None:
        passed = check.expect.holds(value)
        return _result(check, describe_value(check, value), passed=passed)
    failing = int(value)
    passed = check.expect.holds(share_of(failing, rows) if check.unit == "percent" else failing)
    # Rows are fetched only now: a contract that holds costs no second look.
    sample = sample_rows(subject, check, measured.where) if failing and not passed else ()
    return replace(
        _result(check, describe_rows(check, failing, rows), passed=passed), failing=failing, sample=sample
    )


def _judge_type(check: Check, column: TableColumn) -> CheckResult:
    wanted = check.values[0]
    passed = has_logical_type(column, wanted)
    return _result(check, f"{column.type}, {'as' if passed else 'which is no'} {wanted}", passed=passed)


def _missing_columns(subject: Subject, check: Check) -> str:
    missing = next(name for name in check.columns if name.lower() not in subject.columns)
    close = nearest(missing, [column.name for column in subject.columns.values()])
    return f"the table has no column {missing!r}" + (f"; the nearest is {close!r}" if close else "")


def _result(check: Check, message: str, *, passed: bool) -> CheckResult:
    return CheckResult(check.name, check.column, check.kind, check.severity, passed, None, message)


def _refuse_bad_patterns(subject: Subject) -> None:
    for check in subject.contract.checks:
        if check.pattern is not None:
            statement = f"SELECT regexp_matches('', {literal(check.pattern)})"
            run(subject.connection, statement, check.place)
