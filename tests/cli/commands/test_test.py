"""`ropewalk test`: unit tests and contracts together, for people, programs and CI."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

UNIT = """unit_tests:
  - name: amounts are added up
    given:
      - input: staging.orders
        rows: [{amount: 3, late: true}, {amount: 4, late: true}]
    expect: {rows: [{late: true, amount: 7}]}
"""
PROJECT = {
    "ropewalk.yaml": "project: store",
    "tables/staging/orders.sql": "SELECT * FROM (VALUES (10, false), (20, true)) AS v (amount, late)",
    "tables/mart/totals.sql": "SELECT late, sum(amount) AS amount FROM staging.orders GROUP BY late",
    "contracts/mart.totals.odcs.yaml": """
        apiVersion: v3.1.0
        kind: DataContract
        id: totals
        version: 1.0.0
        schema:
          - {name: totals, properties: [{name: late, required: true}]}
        """,
}
FILE = "tables/mart/totals.test.yaml"


@pytest.fixture
def store(make_project):
    """Return the root of a project of tables that has run."""
    return make_project(PROJECT)


def test_all_that_passes_is_counted(store, ropewalk):
    """Unit tests and checks are told apart; nothing is built."""
    (store / FILE).write_text(UNIT)

    said = ropewalk("test", cwd=store)

    assert (said.code, said.out) == (0, "1 unit test: 1 passed\n2 checks: 2 passed\n")


def test_what_fails_is_shown(store, ropewalk):
    """A failed test says where it stands and what is different, and the exit code says that one did."""
    (store / FILE).write_text(UNIT.replace("amount: 7", "amount: 8"))

    said = ropewalk("test", "totals", "--only", "unit", cwd=store)

    assert said.code == 1
    assert "failed   mart.totals: amounts are added up  (tables/mart/totals.test.yaml:2:5)" in said.out
    assert "differs     late = True   amount: expected 8, got 7" in said.out
    assert "error[RW531]: 1 test failed" in said.err


def test_reports_for_programs(store, ropewalk):
    """One JSON object has each test; a JUnit file shows them beside a change, whatever is in their texts."""
    (store / FILE).write_text(
        UNIT.replace("amount: 3", "amount: '<\\x01>'").replace("are added up", '"& <up>')
    )

    said = ropewalk("test", "--json", "--junit", "out/junit.xml", cwd=store)

    found = json.loads(said.out)
    suite = ET.parse(store / "out/junit.xml").getroot()[0]
    assert (said.code, found["failed"], found["passed"]) == (1, 1, 2)
    assert [test["state"] for test in found["tests"]] == ["failed", "passed", "passed"]
    assert (suite.get("name"), suite.get("failures"), len(suite.findall("testcase"))) == (
        "mart.totals",
        "1",
        3,
    )


def test_contracts_are_checked_as_the_environment_is(store, ropewalk):
    """A stricter contract is checked against the rows there are; a table not built yet is skipped."""
    contract = store / "contracts/mart.totals.odcs.yaml"
    contract.write_text(
        contract.read_text().replace(
            "name: late,",
            "name: amount, logicalType: integer, unique: true, logicalTypeOptions: {maximum: 5},",
        )
    )

    (store / "tables/mart/more.sql").write_text("SELECT 1 AS late")
    (store / "contracts/mart.more.odcs.yaml").write_text(
        contract.read_text().replace("name: totals", "name: more")
    )

    said = ropewalk("test", cwd=store)

    assert (said.code, "failed   mart.totals: maximum(amount)" in said.out) == (1, True)
    assert "skipped  mart.more: contract" in said.out


def test_a_project_without_tests(make_project, ropewalk):
    """Somebody who has no tests learns where they would stand."""
    root = make_project({"ropewalk.yaml": "project: x"}, ran=False)

    assert "tables/SCHEMA/NAME.test.yaml" in ropewalk("test", cwd=root).out


def test_a_first_test_is_written(store, ropewalk):
    """Rows that are there make a test that passes, for a person to judge; one that is there stays."""
    said = ropewalk("test", "--init", "totals", cwd=store)
    again = ropewalk("test", "--init", "totals", cwd=store)

    assert said.out == f"wrote {FILE}\n"
    assert '- {"late": true, "amount": 20}' in (store / FILE).read_text()
    assert ropewalk("test", "--only", "unit", cwd=store).out == "1 unit test: 1 passed\n"
    assert (again.code, "has tests already" in again.err) == (4, True)


def test_a_test_that_is_written_wrongly(store, ropewalk):
    """A misspelt key is told with its place, and is no failed test."""
    (store / FILE).write_text(UNIT.replace("given:", "gives:"))

    said = ropewalk("test", cwd=store)

    assert said.code == 2
    assert f"--> {FILE}:3:5" in said.err
    assert "did you mean: given" in said.err
