"""Running a check's SQL, with DuckDB's complaint turned into ours at the place of the check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import duckdb

from ropewalk.dataops.contracts.errors import CheckNotRun
from ropewalk.dataops.contracts.values import Check, Number
from ropewalk.errors import Place

# The standard's examples name the table and the column of a query in several words: `${table}`, `{property}`.
PLACEHOLDER = re.compile(r"\$?\{(table|object|model|schema|column|property|field)\}")
_VALUE = re.compile(r"'(?:[^']|'')*'")
ABOUT_TABLE = ("table", "object", "model", "schema")


def run(connection: duckdb.DuckDBPyConnection, statement: str, place: Place) -> list[tuple[object, ...]]:
    """Return all rows of `statement`.

    Raises:
        CheckNotRun: DuckDB refused it; the error names `place`.
    """
    try:
        return connection.execute(statement).fetchall()
    except duckdb.Error as error:
        raise _not_run(error, place) from error


@contextmanager
def telling_no_values(*, is_personal: bool) -> Iterator[None]:
    """Take the values out of what the engine complains of within the block, where they may be persons'.

    Raises:
        CheckNotRun: as the block did; names stay, as the engine writes them in other quotes than values.
    """
    try:
        yield
    except CheckNotRun as error:
        if not is_personal:
            raise
        told = without_values(error.message)
        # Without its cause, which has the values, and without the detail, which may have some.
        raise CheckNotRun(told, place=error.place, hint=error.hint) from None


def without_values(text: str) -> str:
    """Return what the engine says with `***` for each value in it; names stay, as it writes them in other quotes."""
    return _VALUE.sub("'***'", text)


def run_rule(connection: duckdb.DuckDBPyConnection, check: Check, table: str, column: str | None) -> Number:
    """Run the SELECT of a check of kind sql, about `table` and `column` as SQL names them.

    Raises:
        CheckNotRun: it is not one SELECT, fails, or gives something else than one number.
    """
    statement = fill_placeholders(check.query or "", table, column)
    _refuse_other_statements(connection, statement, check)
    rows = run(connection, statement, check.place)
    # A rule that gives no number, or several, could only be judged by guessing.
    if len(rows) != 1 or len(rows[0]) != 1 or not isinstance(rows[0][0], int | float | Decimal):
        raise CheckNotRun(
            f"the query of {check.name} must give one number",
            place=check.place,
            hint="such as SELECT count(*) FROM ${table} WHERE …",
        )
    return as_number(rows[0][0])


def fill_placeholders(query: str, table: str, column: str | None) -> str:
    """Return `query` with `${table}` and `${column}`, in any of the standard's words, replaced."""

    def fill(match: re.Match[str]) -> str:
        return table if match[1] in ABOUT_TABLE else (column or match[0])

    return PLACEHOLDER.sub(fill, query)


def as_number(value: object) -> Number:
    """Return a number that DuckDB gave as one Python can compare."""
    return value if isinstance(value, int | float) else float(str(value))


def _refuse_other_statements(connection: duckdb.DuckDBPyConnection, statement: str, check: Check) -> None:
    try:
        found = connection.extract_statements(statement)
    except duckdb.Error as error:
        raise _not_run(error, check.place) from error
    # The rule runs inside the transaction that writes the table, so it must not be able to write itself.
    if [item.type for item in found] != [duckdb.StatementType.SELECT]:
        raise CheckNotRun(f"the query of {check.name} must be one SELECT", place=check.place)


def _not_run(error: duckdb.Error, place: Place) -> CheckNotRun:
    sentence, _, detail = str(error).partition("\n")
    return CheckNotRun(f"a check cannot be run: {sentence}", place=place, detail=detail.strip() or None)
