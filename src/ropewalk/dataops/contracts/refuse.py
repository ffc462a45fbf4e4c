"""Turning a failed report into the error that names each broken check and shows failing rows."""

from __future__ import annotations

from collections.abc import Iterator

from ropewalk.dataops.contracts.errors import ContractBroken
from ropewalk.dataops.contracts.values import CheckReport, CheckResult, Contract


def refuse_broken(report: CheckReport, contract: Contract) -> None:
    """Return when no check of severity error failed.

    Raises:
        ContractBroken: some did; the detail lists them with failing rows.
    """
    if report.passed:
        return
    # One sentence for the list, all of it below: people mend the first and look again.
    first, count = report.errors[0], len(report.errors)
    others = f", and {count - 1} more" if count > 1 else ""
    # The report knows checks by name only; where they stand is the contract's.
    places = {check.name: check.place for check in contract.checks}
    raise ContractBroken(
        f"{report.table} breaks its contract: {first.name}: {first.message}{others}",
        place=places.get(first.name, contract.place),
        hint="mend the data or the SQL, or change the contract; the table keeps its old content",
        detail="\n".join(line for result in report.errors for line in _lines(result)),
    )


def _lines(result: CheckResult) -> Iterator[str]:
    yield f"{result.name}: {result.message}"
    # As Python writes them: a blank, a text that looks like a number and a NULL can be told apart.
    for row in result.sample:
        yield "    " + ", ".join(f"{name} = {value!r}" for name, value in row.items())
