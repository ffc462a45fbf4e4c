"""Holding tables against contracts: each kind of check, what it counts, shows and says."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.contracts import Check, CheckNotRun, Contract, check_table
from ropewalk.errors import Place

PLACE = Place("contracts/mart.flights.odcs.yaml", 1, 1)


def last(report):
    return report.results[-1]


@pytest.mark.parametrize(
    ("column", "rows", "message", "sample"),
    [
        ("required: true", "(1), (NULL)", "1 of 2 rows are NULL", [None]),
        ("unique: true", "(1), (1), (1), (2), (NULL), (NULL)", "2 of 6 rows repeat another", [1, 1, 1]),
        ("enum: [{value: EWR}, {value: JFK}]", "('EWR'), ('LGA'), (NULL)", "1 of 3 rows are none of EWR, JFK", ["LGA"]),
        ("enum: [{value: 1}, {value: 2}]", "(1), (3)", "1 of 2 rows are none of 1, 2", [3]),
        ("enum: [{value: true}]", "(true), (false)", "1 of 2 rows are none of true", [False]),
        (
            "logicalType: integer, logicalTypeOptions: {minimum: 0}",
            "(-1), (0), (NULL)",
            "1 of 3 rows are below 0",
            [-1],
        ),
        ("logicalType: number, logicalTypeOptions: {maximum: 2.5}", "(2.5), (2.6)", "1 of 2 rows are above 2.5", ["2.6"]),
        ("logicalType: integer, logicalTypeOptions: {exclusiveMinimum: 0}", "(0), (1)", "1 of 2 rows are not above 0", [0]),
        ("logicalType: integer, logicalTypeOptions: {exclusiveMaximum: 1}", "(0), (1)", "1 of 2 rows are not below 1", [1]),
        (
            "logicalType: integer, logicalTypeOptions: {multipleOf: 5}",
            "(10), (12)",
            "1 of 2 rows are no multiple of 5",
            [12],
        ),
        ("logicalType: number, logicalTypeOptions: {multipleOf: 0.1}", "(0.3::DOUBLE), (0.35)", "1 of 2 rows are no multiple of 0.1", [0.35]),
        (
            "logicalType: date, logicalTypeOptions: {minimum: 2013-01-01}",
            "(DATE '2013-01-01'), (DATE '2012-12-31')",
            "1 of 2 rows are below 2013-01-01",
            ["2012-12-31"],
        ),
        ("logicalType: string, logicalTypeOptions: {minLength: 2}", "('ab'), ('a')", "1 of 2 rows are shorter than 2", ["a"]),
        ("logicalType: string, logicalTypeOptions: {maxLength: 1}", "('ab'), ('ä')", "1 of 2 rows are longer than 1", ["ab"]),
        (
            "logicalType: string, logicalTypeOptions: {pattern: '^[A-Z]{3}$'}",
            "('EWR'), ('ewr'), (NULL)",
            "1 of 3 rows do not match '^[A-Z]{3}$'",
            ["ewr"],
        ),
        ("logicalType: array, logicalTypeOptions: {minItems: 1}", "([1]), ([])", "1 of 2 rows have fewer than 1 items", ["[]"]),
        ("logicalType: array, logicalTypeOptions: {maxItems: 1}", "([1]), ([1, 2])", "1 of 2 rows have more than 1 items", ["[1, 2]"]),
        ("logicalType: array, logicalTypeOptions: {uniqueItems: true}", "([1, 2]), ([1, 1])", "1 of 2 rows have repeated items", ["[1, 1]"]),
    ],
)  # fmt: skip
def test_failing_rows_are_counted_and_shown(read_column, check_rows, column, rows, message, sample):
    """A broken check says how many rows break it, how, and which; NULL breaks only `required`."""
    report = check_rows(read_column(f"{{name: a, {column}}}"), f"SELECT * FROM (VALUES {rows}) AS v (a)")

    assert not last(report).passed
    assert last(report).message == message
    assert sorted(row["a"] for row in last(report).sample) == sample if None not in sample else True
    assert report.errors == (last(report),)


@pytest.mark.parametrize(
    ("rule", "passed", "message"),
    [
        ("{metric: nullValues, mustBeLessThan: 2}", True, "1 of 4 rows are NULL, must be less than 2"),
        ("{metric: nullValues, mustBe: 0}", False, "1 of 4 rows are NULL"),
        ("{metric: nullValues, mustBeLessOrEqualTo: 25, unit: percent}", True, "1 of 4 rows (25 %) are NULL, must be at most 25"),
        ("{metric: nullValues, mustBeLessThan: 25, unit: percent}", False, "1 of 4 rows (25 %) are NULL, must be less than 25"),
        ("{metric: missingValues, mustBe: 2}", True, "2 of 4 rows are missing, must be 2"),
        ("{metric: missingValues, arguments: {missingValues: [null]}, mustBe: 1}", True, "1 of 4 rows are missing, must be 1"),
        ("{metric: missingValues, arguments: {missingValues: [N/A, EWR]}, mustBe: 0}", False, "2 of 4 rows are missing"),
        ("{metric: invalidValues, arguments: {validValues: ['', EWR]}, mustBe: 0}", False, "1 of 4 rows are not valid"),
        ("{metric: invalidValues, arguments: {pattern: '^E', validValues: [EWR, JFK]}, mustBe: 2}", True, "2 of 4 rows are not valid, must be 2"),
        ("{metric: duplicateValues, mustBe: 0}", True, "0 of 4 rows repeat another"),
        ("{metric: rowCount, mustBeBetween: [1, 4]}", True, "4 rows, must be between 1 and 4"),
        ("{metric: rowCount, mustBeGreaterThan: 4}", False, "4 rows, must be greater than 4"),
        ("{type: sql, query: 'SELECT count(DISTINCT {column}) FROM {table}', mustBe: 3}", True, "3 by its query, must be 3"),
        ("{type: sql, query: 'SELECT max(length(${property})) FROM ${object}', mustBe: 2}", False, "3 by its query, must be 2"),
        ("{type: sql, query: 'SELECT 1.50', mustBe: 1.5}", True, "1.5 by its query, must be 1.5"),
    ],
)  # fmt: skip
def test_quality_rule_is_judged_by_its_operator(read_table, check_rows, rule, passed, message):
    """Metrics and queries are measured and compared as the rule says."""
    contract = read_table(f"properties:\n  - name: a\n    quality:\n      - {rule}\n")

    report = check_rows(contract, "SELECT * FROM (VALUES ('EWR'), ('JFK'), (''), (NULL)) AS v (a)")

    assert (last(report).passed, last(report).message) == (passed, message)


@pytest.mark.parametrize(
    ("logical_type", "types"),
    [
        ("string", ["VARCHAR", "UUID", "ENUM('a')"]),
        ("integer", ["TINYINT", "BIGINT", "UHUGEINT"]),
        ("number", ["DOUBLE", "DECIMAL(9, 2)", "INTEGER"]),
        ("boolean", ["BOOLEAN"]),
        ("date", ["DATE"]),
        ("timestamp", ["TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_NS"]),
        ("time", ["TIME", "TIMETZ"]),
        ("object", ["STRUCT(a INTEGER)", "MAP(VARCHAR, INTEGER)"]),
        ("map", ["MAP(VARCHAR, INTEGER)"]),
        ("array", ["INTEGER[]", "STRUCT(a INTEGER)[]"]),
        ("vector", ["FLOAT[3]"]),
    ],
)
def test_logical_type_takes_the_types_of_the_engine_that_are_one(
    read_column, check_rows, logical_type, types
):
    """Each logical type accepts its engine types, and no other kind of value."""
    contract = read_column(f"{{name: a, logicalType: {logical_type}}}")

    assert all(check_rows(contract, f"SELECT CAST(NULL AS {kind}) AS a").passed for kind in types)
    report = check_rows(contract, "SELECT BLOB 'x' AS a")
    assert last(report).message == f"BLOB, which is no {logical_type}"


def test_key_of_several_columns(read_table, check_rows):
    """Only rows equal in all columns of the key repeat each other, and they are shown by the key."""
    contract = read_table(
        "properties: [{name: origin, primaryKey: true}, {name: day, primaryKey: true}, {name: note}]"
    )

    report = check_rows(
        contract,
        "SELECT * FROM (VALUES ('EWR', 1, 'x'), ('EWR', 2, 'y'), ('EWR', 1, 'z')) AS v (origin, day, note)",
    )

    assert (last(report).name, last(report).failing) == ("primaryKey(origin, day)", 1)
    assert last(report).sample == ({"origin": "EWR", "day": 1}, {"origin": "EWR", "day": 1})


def test_sample_shows_the_key_beside_the_failing_column(read_table, check_rows):
    """With a primary key a failing row is named by it; the other columns are left out."""
    contract = read_table("properties: [{name: id, primaryKey: true}, {name: a, required: true}]")

    report = check_rows(contract, "SELECT 7 AS id, NULL AS a, 'long' AS other")

    assert report.errors[0].sample == ({"id": 7, "a": None},)


def test_sample_is_short(read_column, check_rows):
    """A million failing rows are counted; five are shown."""
    report = check_rows(
        read_column("{name: a, required: true}"), "SELECT NULL AS a, i FROM range(1000000) AS r (i)"
    )

    assert last(report).failing == 1_000_000
    assert len(last(report).sample) == 5
    assert set(last(report).sample[0]) == {"a", "i"}


def test_missing_column_fails_and_names_the_nearest(read_column, check_rows):
    """A column that the table lacks fails every check on it; no check stops the others."""
    report = check_rows(
        read_column("{name: orgin, required: true, enum: [{value: x}]}"), "SELECT 1 AS origin"
    )

    assert {result.passed for result in report.results} == {False}
    assert report.results[0].name == "present(orgin)"
    assert report.results[0].message == "the table has no column 'orgin'; the nearest is 'origin'"


def test_column_names_do_not_differ_by_case(read_column, check_rows):
    """The engine's names have no case, so neither have the contract's."""
    report = check_rows(
        read_column("{name: DepTime, required: true, primaryKey: true}"), "SELECT 1 AS dep_x, 2 AS deptime"
    )

    assert report.passed


def test_empty_table_passes_all_but_a_row_count(read_table, check_rows):
    """No row breaks a rule about rows; a table that must not be empty says so by rowCount."""
    contract = read_table(
        """\
        quality: [{metric: rowCount, mustBeGreaterThan: 0}]
        properties:
          - name: a
            primaryKey: true
            quality: [{metric: nullValues, mustBeLessThan: 1, unit: percent}]
        """
    )

    report = check_rows(contract, "SELECT 1 AS a WHERE false")

    assert [result.name for result in report.errors] == ["rowCount"]


def test_bound_of_another_type_fails_every_value(read_column, check_rows):
    """A bound that the column's type cannot be compared with is a broken promise, not a crash."""
    report = check_rows(
        read_column("{name: a, logicalType: date, logicalTypeOptions: {minimum: soon}}"),
        "SELECT DATE '2013-01-01' AS a",
    )

    assert last(report).message == "1 of 1 rows are below soon"


def test_warning_is_kept_and_does_not_fail(read_table, check_rows):
    """A failed check of severity warning is in the summary, and the report passes."""
    contract = read_table("quality: [{name: enough, metric: rowCount, mustBe: 2, severity: warning}]")

    report = check_rows(contract, "SELECT 1 AS a")

    assert report.passed
    assert report.summary()["warnings"] == ["enough: 1 rows, must be 2"]


def test_contract_without_checks_passes(read_text, check_rows):
    """A contract that only describes has nothing that can fail."""
    header = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\n"

    report = check_rows(read_text(header + "schema: [{name: flights}]\n"), "SELECT 1 AS a")

    assert (report.rows, report.summary()) == (1, {"checks": 0, "passed": 0, "warnings": []})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT count(*) FROM nowhere", "Table with name nowhere does not exist"),
        ("SELECT nothing FROM ${table}", 'Referenced column "nothing" not found'),
        ("SELEC 1", "syntax error"),
        ("SELECT 1; SELECT 2", "must be one SELECT"),
        ("DELETE FROM ${table}", "must be one SELECT"),
        ("SELECT 1, 2", "must give one number"),
        ("SELECT a FROM ${table} WHERE false", "must give one number"),
        ("SELECT 'one'", "must give one number"),
        ("SELECT CAST('x' AS INTEGER)", "Could not convert"),
    ],
)
def test_query_that_cannot_be_run_is_an_error(read_table, check_rows, connection, query, message):
    """A rule that cannot be judged is no pass; the table keeps its rows whatever the rule tries."""
    contract = read_table(f'quality:\n  - {{name: odd, type: sql, query: "{query}", mustBe: 0}}\n')

    with pytest.raises(CheckNotRun, match=message) as caught:
        check_rows(contract, "SELECT 1 AS a")

    assert str(caught.value.place) == "contracts/mart.flights.odcs.yaml:8:32"
    assert connection.execute("SELECT count(*) FROM mart.flights").fetchone() == (1,)


def test_bad_pattern_is_an_error_at_its_place(read_column, check_rows):
    """A pattern that the engine does not know is reported where it stands."""
    contract = read_column("{name: a, logicalType: string, logicalTypeOptions: {pattern: '(?=x)'}}")

    with pytest.raises(CheckNotRun, match="invalid perl operator") as caught:
        check_rows(contract, "SELECT 'x' AS a")

    assert caught.value.place.line == 8


def test_missing_table_is_an_error(connection, read_column):
    """A table that is not there cannot keep any promise."""
    contract = read_column("{name: a}")

    with pytest.raises(CheckNotRun, match="flights does not exist"):
        check_table(connection, "mart.flights", contract)


@settings(deadline=None, max_examples=50)
@given(
    name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
    value=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
)
def test_names_and_values_are_data_never_sql(name, value):
    """Any column name and any valid value, quotes and semicolons included, are only compared."""
    checks = (Check("enum", (name,), PLACE, (value,)), Check("missingValues", (name,), PLACE, (value,)))
    contract = Contract("mart.flights", PLACE, "1", checks=checks)
    quoted = '"' + name.replace('"', '""') + '"'

    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS lake; USE lake; CREATE SCHEMA mart")
        connection.execute(f"CREATE TABLE mart.flights ({quoted} VARCHAR)")
        connection.execute("INSERT INTO mart.flights VALUES (?)", [value])
        report = check_table(connection, "mart.flights", contract)

    assert [result.failing for result in report.results] == [0, 1]
