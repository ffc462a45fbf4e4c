"""The error of a broken contract: which checks, which rows, and where they were promised."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts import ContractBroken, refuse_broken


def test_error_lists_failed_checks_with_their_rows(read_table, check_rows):
    """The first failed check is in the sentence, all of them with sample rows in the detail."""
    contract = read_table(
        "properties:\n  - {name: id, primaryKey: true}\n  - {name: a, required: true, enum: [{value: x}]}\n"
    )
    report = check_rows(contract, "SELECT * FROM (VALUES (1, NULL), (2, 'y'), (2, 'x')) AS v (id, a)")

    with pytest.raises(ContractBroken) as caught:
        refuse_broken(report, contract)

    error = caught.value
    assert error.message == "mart.flights breaks its contract: required(a): 1 of 3 rows are NULL, and 2 more"
    assert str(error.place) == "contracts/mart.flights.odcs.yaml:9:19"
    assert error.detail.splitlines()[:4] == [
        "required(a): 1 of 3 rows are NULL",
        "    id = 1, a = None",
        "enum(a): 1 of 3 rows are none of x",
        "    id = 2, a = 'y'",
    ]
    assert "old content" in error.hint


def test_nothing_is_refused_for_warnings(read_table, check_rows):
    """A report whose failures are all warnings passes in silence."""
    contract = read_table("quality: [{metric: rowCount, mustBe: 9, severity: warning}]")

    refuse_broken(check_rows(contract, "SELECT 1 AS a"), contract)


def test_missing_column_is_refused_with_the_nearest(read_column, check_rows):
    """The sentence of a missing column already names the one that was meant."""
    contract = read_column("{name: orgin}")

    with pytest.raises(ContractBroken, match=r"no column 'orgin'; the nearest is 'origin'$"):
        refuse_broken(check_rows(contract, "SELECT 1 AS origin"), contract)


def test_error_of_a_table_with_nothing_in_it(read_table, check_rows):
    """A count that is not reached has no rows to show, and is told all the same."""
    contract = read_table("quality: [{metric: rowCount, mustBeGreaterThan: 100}]")

    with pytest.raises(ContractBroken, match="0 rows, must be greater than 100") as caught:
        refuse_broken(check_rows(contract, "SELECT 1 AS a WHERE false"), contract)

    assert len(caught.value.detail.splitlines()) == 1


def test_failing_rows_are_shown_as_values(read_column, check_rows):
    """Texts stand in quotes, so that blanks and look-alikes can be seen."""
    contract = read_column("{name: a, logicalType: string, logicalTypeOptions: {pattern: '^x$'}}")

    with pytest.raises(ContractBroken) as caught:
        refuse_broken(check_rows(contract, "SELECT ' x' AS a"), contract)

    assert caught.value.detail.splitlines()[1] == "    a = ' x'"


def test_place_is_that_of_the_first_broken_check(read_table, check_rows):
    """A person is led to the promise that was broken, not to the top of the file."""
    contract = read_table("properties:\n  - {name: a, required: true}\n  - {name: b, required: true}\n")

    with pytest.raises(ContractBroken) as caught:
        refuse_broken(check_rows(contract, "SELECT 1 AS a, NULL::INTEGER AS b"), contract)

    assert caught.value.place.line == contract.checks[-1].place.line
