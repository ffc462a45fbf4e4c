"""What a check found, in words."""

from __future__ import annotations

import datetime as dt
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
    "format": "are no {}",
    "foreignKey": "lead to no row of {}",
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
    found = FAILING_ROWS[check.kind].format(_operands(check))
    share = f" ({share_of(failing, rows):.4g} %)" if check.unit == "percent" else ""
    expected = f", {check.expect}" if check.expect.operands != (0,) else ""
    return f"{failing} of {rows} rows{share} {found}{expected}"


def _operands(check: Check) -> str:
    if check.target is not None:
        return check.target
    return ", ".join(check.values) if check.pattern is None or check.kind == "format" else repr(check.pattern)


def describe_age(check: Check, moment: Number | None, now: Number) -> str:
    """Return `the newest flight_date is 2013-12-31 00:00 UTC, 3.2 days old; at most 2 days are promised`."""
    most = _length(float(check.values[0]))
    which = "newest" if check.kind == "freshness" else "oldest"
    if moment is None:
        return f"no row has a value of {check.column}; at most {most} are promised"
    shown = _moment(moment)
    age = now - moment
    ago = f"{_length(age)} old" if age >= 0 else f"{_length(-age)} ahead"
    return f"the {which} {check.column} is {shown}, {ago}; at most {most} are promised"


def _moment(seconds: Number) -> str:
    try:
        return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        # The engine's times go on for longer than Python's calendar, and to infinity.
        return "outside the years 1 to 9999"


def _length(seconds: float) -> str:
    for name, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= size:
            # Three digits are enough, but none is made a power of ten: a table may have stood still for years.
            return f"{float(f'{seconds / size:.3g}'):,.12g} {name}"
    return f"{seconds:.3g} seconds"


def describe_value(check: Check, value: Number) -> str:
    """Return `12 rows, must be at least 100`, or the same of a query's number."""
    # What a query counts is known to its author alone.
    what = "rows" if check.kind == "rowCount" else "by its query"
    return f"{value} {what}, {check.expect}"


def share_of(failing: Number, rows: int) -> float:
    """Return `failing` as percent of `rows`; of no rows none are failing."""
    return 100 * failing / rows if rows else 0.0
