"""The queries of contract rules: placeholders, and numbers of every kind."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ropewalk.dataops.contracts import Check, CheckNotRun, fill_placeholders
from ropewalk.dataops.contracts.statements import as_number, run, run_rule
from ropewalk.errors import Place

PLACE = Place("contracts/mart.a.odcs.yaml", 9, 5)


@pytest.mark.parametrize(
    ("query", "filled"),
    [
        ("FROM ${table}", 'FROM "m"."t"'),
        ("FROM {model} JOIN ${object} JOIN {schema}", 'FROM "m"."t" JOIN "m"."t" JOIN "m"."t"'),
        ("SELECT ${column}, {property}, ${field}", 'SELECT "c", "c", "c"'),
        ("SELECT {'table': 1}, ${other}", "SELECT {'table': 1}, ${other}"),
        ("SELECT 1", "SELECT 1"),
    ],
)
def test_placeholders_of_the_standard_are_filled(query, filled):
    """All of the standard's words for table and column work; a structure's literal is left alone."""
    assert fill_placeholders(query, '"m"."t"', '"c"') == filled


def test_column_of_a_rule_about_the_table_stays_open():
    """There is no column to fill in, so the engine complains about what the person wrote."""
    assert fill_placeholders("SELECT ${column}", "t", None) == "SELECT ${column}"


@pytest.mark.parametrize(("value", "number"), [(3, 3), (1.5, 1.5), (Decimal("2.50"), 2.5), (True, True)])
def test_numbers_of_the_engine_can_be_compared(value, number):
    """Decimals become floats; the rest is a number already."""
    assert as_number(value) == number


def test_rule_gives_its_number(connection):
    """The one value of the one row is the rule's measure."""
    check = Check("sql", ("i",), PLACE, query="SELECT sum(${column}) FROM ${table}")

    assert run_rule(connection, check, "range(5) AS r (i)", "i") == 10


@pytest.mark.parametrize(
    "query", ["SELECT 1 UNION ALL SELECT 2", "SELECT NULL", "SELECT [1]", "SELECT DATE '2013-01-01'"]
)
def test_anything_but_one_number_is_an_error(connection, query):
    """Rows, NULL, lists and dates cannot be compared with an operand."""
    check = Check("sql", (), PLACE, query=query, label="odd")

    with pytest.raises(CheckNotRun, match="the query of odd must give one number") as caught:
        run_rule(connection, check, "t", None)

    assert caught.value.place == PLACE


def test_complaint_of_the_engine_keeps_its_detail(connection):
    """The first line is the sentence, the rest the detail; the place is the contract's."""
    with pytest.raises(CheckNotRun, match="a check cannot be run: Binder Error") as caught:
        run(connection, "SELECT nothing FROM range(1)", PLACE)

    assert "LINE 1" in caught.value.detail
    assert caught.value.place == PLACE
