"""What a contract's quality rules ask for, and what they cannot ask for."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts import Expectation, InvalidContract
from ropewalk.project import UnknownKey


@pytest.fixture
def read_rule(read_table):
    """Return a function that reads a contract with one quality rule, of column `a` or of the table."""

    def read(rule, column="a"):
        if column is None:
            return read_table(f"quality:\n  - {rule}\n").checks
        return read_table(f"properties:\n  - name: {column}\n    quality:\n      - {rule}\n").checks[1:]

    return read


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{metric: nullValues, mustBe: 0}", "error nullValues('a')"),
        ("{metric: missingValues, mustBe: 0}", "error missingValues('a') ''"),
        (
            "{metric: missingValues, arguments: {missingValues: [null, 'N/A', 0]}, mustBe: 0}",
            "error missingValues('a') 'N/A' '0'",
        ),
        (
            "{metric: invalidValues, arguments: {validValues: [EWR, true], pattern: x}, mustBe: 0}",
            "error invalidValues('a') 'EWR' 'true' pattern 'x'",
        ),
        (
            "{type: library, rule: duplicateValues, mustBeLessThan: 5, unit: percent, severity: warning}",
            "warning duplicateValues('a') percent must be less than 5",
        ),
        (
            "{type: sql, query: ' SELECT 1 ', mustBeBetween: [1, 2]}",
            "error sql('a') query 'SELECT 1' rows must be between 1 and 2",
        ),
        ("{query: SELECT 1, mustBe: 1, severity: info}", "warning sql('a') query 'SELECT 1' rows must be 1"),
    ],
)
def test_rule_of_a_column_becomes_a_check(read_rule, rule, expected):
    """Metric, arguments, operator, unit and severity are read."""
    (check,) = read_rule(rule)

    assert check.describe() == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{metric: rowCount, mustBeGreaterThan: 10}", "error rowCount() rows must be greater than 10"),
        (
            "{metric: duplicateValues, arguments: {properties: [a, b]}, mustBe: 0}",
            "error duplicateValues('a', 'b')",
        ),
        ("{type: sql, query: SELECT 1, mustNotBe: 2}", "error sql() query 'SELECT 1' rows must not be 2"),
    ],
)
def test_rule_of_the_table_becomes_a_check(read_rule, rule, expected):
    """Row counts, keys of several columns and queries stand at the table."""
    (check,) = read_rule(rule, column=None)

    assert check.describe() == expected


def test_row_count_of_a_column_is_that_of_the_table(read_rule):
    """A rowCount that stands at a column counts the same rows."""
    (check,) = read_rule("{metric: rowCount, mustBeGreaterOrEqualTo: 1}")

    assert check.column is None


def test_text_rules_ask_for_nothing(read_rule):
    """A rule of type text is for people."""
    assert read_rule("{type: text, description: looks right}") == ()


@pytest.mark.parametrize(
    ("rule", "name"), [("name: no ghosts, id: x", "no ghosts"), ("id: ghosts", "ghosts")]
)
def test_rule_is_called_by_its_name_or_id(read_rule, rule, name):
    """What a person called the rule is what the report says."""
    (check,) = read_rule(f"{{{rule}, metric: nullValues, mustBe: 0}}")

    assert check.name == name


@pytest.mark.parametrize(
    ("rule", "message", "nearest"),
    [
        ("{metric: nulValues, mustBe: 0}", "'nulValues' is not a metric", "nullValues"),
        ("{type: library, mustBe: 0}", "needs a metric", None),
        ("{type: custom, engine: soda, implementation: x}", "type 'custom' are not run here", None),
        ("{type: sql, mustBe: 0}", "needs a query", None),
        ("{type: sql, query: '  ', mustBe: 0}", "needs a query", None),
        ("{metric: nullValues}", "exactly one operator, and this one has none", None),
        ("{metric: nullValues, mustBe: 0, mustBeLessThan: 3}", "has mustBe, mustBeLessThan", None),
        ("{metric: nullValues, mustBe: none}", "'none' is not a number", None),
        ("{metric: nullValues, mustBe: true}", "True is not a number", None),
        ("{metric: nullValues, mustBeBetween: [9, 1]}", "smaller number first", None),
        ("{metric: nullValues, mustBe: 0, severity: eror}", "severity 'eror' is none", "error"),
        ("{metric: nullValues, mustBe: 0, unit: percents}", "unit 'percents' is none", "percent"),
        ("{metric: invalidValues, mustBe: 0}", "needs arguments", None),
        ("{metric: invalidValues, arguments: {validValues: EWR}, mustBe: 0}", "must be a list", None),
    ],
)
def test_rule_that_cannot_be_checked_is_refused(read_rule, rule, message, nearest):
    """A rule that nothing would run is an error of the file, with the nearest word."""
    with pytest.raises(InvalidContract, match=message) as caught:
        read_rule(rule)

    assert caught.value.nearest == nearest
    assert caught.value.place.line == 10


def test_unknown_argument_is_refused(read_rule):
    """An argument that the metric does not take names those that it takes."""
    with pytest.raises(UnknownKey) as caught:
        read_rule("{metric: invalidValues, arguments: {validValue: [1]}, mustBe: 0}")

    assert caught.value.nearest == "validValues"
    assert caught.value.hint == "invalidValues takes validValues, pattern"


@pytest.mark.parametrize("metric", ["nullValues", "missingValues", "duplicateValues"])
def test_metric_of_columns_needs_a_column(read_rule, metric):
    """A metric about columns that stands at the table has nothing to count."""
    with pytest.raises(InvalidContract, match="is about columns"):
        read_rule(f"{{metric: {metric}, mustBe: 0}}", column=None)


@pytest.mark.parametrize(
    ("operator", "operands", "holds", "fails"),
    [
        ("mustBe", (3,), 3, 4),
        ("mustNotBe", (3,), 4, 3),
        ("mustBeGreaterThan", (3,), 4, 3),
        ("mustBeGreaterOrEqualTo", (3,), 3, 2),
        ("mustBeLessThan", (3,), 2, 3),
        ("mustBeLessOrEqualTo", (3,), 3, 4),
        ("mustBeBetween", (1, 3), 3, 4),
        ("mustNotBeBetween", (1, 3), 4, 3),
    ],
)
def test_operators_mean_what_they_say(operator, operands, holds, fails):
    """Each of the standard's operators, at its edge."""
    expectation = Expectation(operator, operands)

    assert expectation.holds(holds)
    assert not expectation.holds(fails)
