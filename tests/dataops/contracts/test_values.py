"""The values of a contract judge, count and name by themselves."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts.values import OPERATORS, Check, CheckReport, CheckResult, Expectation
from ropewalk.dataops.contracts.words import describe_value, share_of
from ropewalk.errors import Place

PLACE = Place("contracts/mart.a.odcs.yaml", 9, 3)


def result(name, *, passed, severity="error"):
    return CheckResult(name, None, "required", severity, passed, 0, f"what {name} found")


REPORT = CheckReport(
    "mart.a",
    10,
    (
        result("holds", passed=True),
        result("breaks", passed=False),
        result("warns", passed=False, severity="warning"),
    ),
)


@pytest.mark.parametrize(
    ("operator", "operands", "inside", "outside"),
    [
        ("mustBe", (5,), (5, 5.0), (4, 6)),
        ("mustNotBe", (5,), (4, 6), (5,)),
        ("mustBeGreaterThan", (5,), (5.1, 6), (5, 4)),
        ("mustBeGreaterOrEqualTo", (5,), (5, 6), (4.9,)),
        ("mustBeLessThan", (5,), (4.9,), (5, 6)),
        ("mustBeLessOrEqualTo", (5,), (5, 4), (5.1,)),
        ("mustBeBetween", (1, 5), (1, 3, 5), (0.9, 5.1)),
        ("mustNotBeBetween", (1, 5), (0, 6), (1, 3, 5)),
    ],
)
def test_operator_at_its_bounds(operator, operands, inside, outside):
    """Each operator of the standard says of its bounds what its name says."""
    expectation = Expectation(operator, operands)

    assert all(expectation.holds(value) for value in inside)
    assert not any(expectation.holds(value) for value in outside)


@pytest.mark.parametrize("operator", OPERATORS)
def test_nothing_is_as_expected_of_nan(operator):
    """A figure that is no number passes only where it is asked to be another one."""
    operands = (1, 5) if "Between" in operator else (5,)

    assert Expectation(operator, operands).holds(float("nan")) is ("Not" in operator)


def test_failed_checks_are_told_by_severity():
    """Errors refuse the content, warnings are only told."""
    assert [found.name for found in REPORT.errors] == ["breaks"]
    assert [found.name for found in REPORT.warnings] == ["warns"]
    assert not REPORT.passed


def test_warnings_alone_pass():
    """Content with nothing worse than warnings goes through."""
    report = CheckReport("mart.a", 10, (result("warns", passed=False, severity="warning"),))

    assert report.passed


def test_summary_counts():
    """What is recorded of a check says how many held, each warning in words, and what failed in full."""
    found = REPORT.summary()

    assert (found["checks"], found["passed"], found["warnings"]) == (3, 1, ["warns: what warns found"])
    assert [item["name"] for item in found["failed"]] == ["breaks", "warns"]


def test_told_warnings_reach_who_reads_the_run():
    """The first warning, and how many more there are, is what a run shows of a table that is made all the same."""
    warned = CheckReport("mart.a", 1, tuple(result(n, passed=False, severity="warning") for n in "ab"))

    assert warned.told()["warning"] == "contract: a: what a found, and 1 more"
    assert "warning" not in CheckReport("mart.a", 1, ()).told()


@pytest.mark.parametrize(
    ("check", "name", "column"),
    [
        (Check("required", ("a",), PLACE), "required(a)", "a"),
        (Check("primaryKey", ("a", "b"), PLACE), "primaryKey(a, b)", "a, b"),
        (Check("rowCount", (), PLACE), "rowCount", None),
        (Check("sql", ("a",), PLACE, label="no refunds"), "no refunds", "a"),
    ],
)
def test_names_of_checks(check, name, column):
    """A check is called by its own name, else by what it checks."""
    assert (check.name, check.column) == (name, column)


def test_words_of_a_value():
    """A count speaks of rows, a query of itself."""
    expect = Expectation("mustBeBetween", (1, 5))

    assert describe_value(Check("rowCount", (), PLACE, expect=expect), 9) == (
        "9 rows, must be between 1 and 5"
    )
    assert describe_value(Check("sql", (), PLACE), 0.5) == "0.5 by its query, must be 0"


@pytest.mark.parametrize(("failing", "rows", "share"), [(0, 0, 0.0), (1, 4, 25.0), (3, 3, 100.0)])
def test_share_of_rows(failing, rows, share):
    """A share is percent of the rows; of none it is nothing, and no division."""
    assert share_of(failing, rows) == share
