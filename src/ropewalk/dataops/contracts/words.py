"""What a check found, in words."""

from __future__ import annotations

from collections.abc import Mapping

from ropewalk.dataops.contracts.values import Check, Number

# What failing rows do, by kind of check; `{}` is the check's operands.
FAILING_ROWS: Mapping[str, str] = {
    "required": "are NULL",
    "nullValues": "are NULL",
    "missingValues": "are missing",
    "unique": "repeat another",
    "primaryKey": "repeat another",
    "duplicateValues": "repeat another",
    "enum": "are none of {}",
    "invalidValues": "are not valid",
    "pattern": "do not match {}",
    "minimum": "are below {}",
    "exclusiveMinimum": "are not above {}",
    "maximum": "are above {}",
    "exclusiveMaximum": "are not below {}",
    "multipleOf": "are no multiple of {}",
    "minLength": "are shorter than {}",
    "maxLength": "are longer than {}",
    "minItems": "have fewer than {} items",
    "maxItems": "have more than {} items",
    "uniqueItems": "have repeated items",
}


def describe_rows(check: Check, failing: int, rows: int) -> str:
    """Return `3 of 10 rows are below 0`, with the share and the expectation where they decide."""
    operands = ", ".join(check.values) if check.pattern is None else repr(check.pattern)
    found = FAILING_ROWS[check.kind].format(operands)
    share = f" ({share_of(failing, rows):.4g} %)" if check.unit == "percent" else ""
    expected = f", {check.expect}" if check.expect.operands != (0,) else ""
    return f"{failing} of {rows} rows{share} {found}{expected}"


def describe_value(check: Check, value: Number) -> str:
    """Return `12 rows, must be at least 100`, or the same of a query's number."""
    # What a query counts is known to its author alone.
    what = "rows" if check.kind == "rowCount" else "by its query"
    return f"{value} {what}, {check.expect}"


def share_of(failing: Number, rows: int) -> float:
    """Return `failing` as percent of `rows`; of no rows none are failing."""
    return 100 * failing / rows if rows else 0.0
