"""A contract with many checks is one SELECT that reads its table once, and samples show no personal value."""

from __future__ import annotations

import json

import pytest

from ropewalk.dataops.contracts import Check, CheckNotRun, ContractBroken, check_table, refuse_broken
from ropewalk.dataops.contracts.check import aggregate_sql
from ropewalk.dataops.contracts.compile import measure
from ropewalk.dataops.contracts.subject import Subject, table_columns
from ropewalk.errors import Place

PLACE = Place("contracts/mart.flights.odcs.yaml", 1, 1)
MANY = (
    """\
quality:
  - {metric: rowCount, mustBeGreaterThan: 1}
  - {metric: duplicateValues, mustBe: 0, arguments: {properties: [id, day]}}
properties:
"""
    + "".join(
        f"  - name: c{i}\n    logicalType: integer\n    required: true\n    logicalTypeOptions: {{minimum: 0, maximum: 1000}}\n"
        "    quality: [{metric: nullValues, unit: percent, mustBeLessThan: 1}]\n"
        for i in range(10)
    )
    + "  - {name: id, unique: true}\n  - {name: day, logicalType: date, logicalTypeOptions: {minimum: 2013-01-01}}\n"
)


def scans(node):
    return int("SCAN" in node.get("operator_type", "")) + sum(map(scans, node.get("children", [])))


def test_many_checks_are_one_scan(read_table, connection):
    """The engine's own profile of the SELECT for more than fifty checks has one scan of the table."""
    contract = read_table(MANY)
    columns = ", ".join(f"range % 7 AS c{i}" for i in range(10))
    connection.execute(
        f"CREATE TABLE mart.flights AS SELECT {columns}, range AS id, DATE '2013-01-01' AS day FROM range(1000)"
    )
    subject = Subject(
        connection,
        "mart.flights",
        "mart.flights",
        table_columns(connection, "mart.flights", contract),
        contract,
        tuple,
        0,
    )
    measured = [measure(check, subject.find(check), "mart.flights") for check in contract.checks]
    connection.execute("SET enable_profiling = 'no_output'; SET profiling_mode = 'detailed'")
    sql = aggregate_sql(subject, [item for item in measured if item])
    connection.execute(sql).fetchall()
    profile = json.loads(connection.get_profiling_information(format="json"))

    assert len(contract.checks) > 50
    assert scans(profile) == 1


def test_what_is_counted_alike_is_counted_once(read_table, connection):
    """`required` and a limit on NULLs are two checks and one number."""
    contract = read_table(
        "properties: [{name: a, required: true, quality: [{metric: nullValues, mustBe: 0}]}]"
    )
    connection.execute("CREATE TABLE mart.flights AS SELECT 1 AS a")
    columns = table_columns(connection, "mart.flights", contract)
    subject = Subject(connection, "mart.flights", "mart.flights", columns, contract, tuple, 0)

    sql = aggregate_sql(
        subject, [m for c in contract.checks if (m := measure(c, subject.find(c), "mart.flights"))]
    )

    assert sql.count("IS NULL") == 1
    assert all(result.passed for result in check_table(connection, "mart.flights", contract).results)


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        ("classification: pii", "***"),
        ("tags: ['pii:contact']", "a***"),
        ("tags: ['pii:sensitive']", None),
        ("description: nothing personal", "ann@example"),
    ],
)
def test_samples_are_masked(read_table, connection, column, shown):
    """A failing row shows a personal value as its mask does, in the report, in JSON and in the error."""
    contract = read_table(
        f"properties: [{{name: mail, logicalType: string, logicalTypeOptions: {{format: email}}, {column}}}]"
    )
    connection.execute("CREATE TABLE mart.flights AS SELECT 'ann@example' AS mail")

    report = check_table(connection, "mart.flights", contract)

    assert report.results[-1].sample == ({"mail": shown},)
    with pytest.raises(ContractBroken) as caught:
        refuse_broken(report, contract)
    told = f"{caught.value.as_json()} {report.told()}"
    assert ("ann@example" in told) == (shown == "ann@example")


def test_sample_of_another_column_masks_the_rest(read_table, connection):
    """Without a key the whole row is shown, and what is personal in it is not."""
    contract = read_table("properties: [{name: age, required: true}, {name: who, classification: pii}]")
    connection.execute("CREATE TABLE mart.flights AS SELECT CAST(NULL AS INT) AS age, 'ann' AS who")

    (result,) = check_table(connection, "mart.flights", contract).errors

    assert result.sample == ({"age": None, "who": "***"},)


def test_condition_judges_values_and_not_masks(read_table, connection):
    """The rows that fail are found by what they are, whatever is shown of them."""
    contract = read_table(
        "properties: [{name: n, logicalType: integer, logicalTypeOptions: {maximum: 9}, tags: ['pii:sensitive']}]"
    )
    connection.execute("CREATE TABLE mart.flights AS SELECT unnest([1, 50, 60]) AS n")

    (result,) = check_table(connection, "mart.flights", contract).errors

    assert (result.failing, result.sample) == (2, ({"n": None}, {"n": None}))


@pytest.mark.parametrize(("column", "is_told"), [("classification: pii", False), ("description: x", True)])
def test_complaints_have_no_personal_values(read_table, connection, column, is_told):
    """What the engine says of a rule that fails on a value is told without it, and with the name of the column."""
    contract = read_table(
        f"properties: [{{name: mail, {column}, quality: [{{type: sql, query: 'SELECT sum(CAST(mail AS INT)) FROM ${{table}}', mustBe: 0}}]}}]"
    )
    connection.execute("CREATE TABLE mart.flights AS SELECT 'ann@example' AS mail")

    with pytest.raises(CheckNotRun) as caught:
        check_table(connection, "mart.flights", contract)

    assert ("ann@example" in f"{caught.value.as_json()} {caught.value.__cause__}") is is_told
    assert "INT32" in caught.value.message


def test_five_rows_are_enough(check_rows, read_column):
    """A sample has up to five rows of however many fail."""
    report = check_rows(read_column("{name: a, required: true}"), "SELECT NULL::INT AS a FROM range(100)")

    assert (report.errors[0].failing, len(report.errors[0].sample)) == (100, 5)


def test_target_is_part_of_a_checks_line():
    """A relationship to another table is another check."""
    one, other = (
        Check("foreignKey", ("a",), PLACE, ("b",), target=target) for target in ("mart.x", "mart.y")
    )

    assert one.describe() != other.describe()
