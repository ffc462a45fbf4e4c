"""From checks to SQL: what each counts, so that all of a contract's checks are one SELECT over the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ropewalk.dataops.contracts.values import Check
from ropewalk.dataops.lake import TableName, literal, quote

# DuckDB's types by the standard's logical type; a parameter or bracket after the name does not matter.
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
LOGICAL_TYPES: Mapping[str, tuple[str, ...]] = {
    "string": ("VARCHAR", "ENUM", "UUID"),
    "date": ("DATE",),
    "timestamp": (
        "TIMESTAMP",
        "TIMESTAMP_S",
        "TIMESTAMP_MS",
        "TIMESTAMP_NS",
        "TIMESTAMP WITH TIME ZONE",
    ),
    "time": ("TIME", "TIME_NS", "TIME WITH TIME ZONE"),
    "integer": (*INTEGERS, *(f"U{name}" for name in INTEGERS)),
    "number": (*INTEGERS, *(f"U{name}" for name in INTEGERS), "DECIMAL", "DOUBLE", "FLOAT"),
    "boolean": ("BOOLEAN",),
    "object": ("STRUCT", "JSON", "MAP", "VARIANT"),
    "map": ("MAP",),
    "array": ("[]",),
    "vector": ("[]",),
}


_SIZES = ("minLength", "maxLength", "minItems", "maxItems")
# Kinds whose answer is unknown for a missing value alone, and those for which it may be for other reasons.
_PATTERNS = ("pattern", "format")
_LOOSE = ("multipleOf", "uniqueItems", "invalidValues")
# Checks of age, and whose age: that of the newest row, or of the oldest.
AGED: Mapping[str, str] = {"freshness": "max", "retention": "min"}


@dataclass(frozen=True)
class TableColumn:
    """A column of the table under check: its name as the table spells it, and DuckDB's type."""

    name: str
    type: str

    @property
    def sql(self) -> str:
        """The column as SQL names it."""
        return quote(self.name)


@dataclass(frozen=True)
class Measure:
    """How a check is measured.

    Attributes:
        select: an aggregate over the table that gives one number.
        where: the condition that failing rows meet; None when the check is not about single rows.
    """

    select: str
    where: str | None = None


def has_logical_type(column: TableColumn, logical_type: str) -> bool:
    """Return whether DuckDB's type of `column` is one that the standard's logical type may have."""
    # The brackets of a list come last: STRUCT(a INTEGER)[] is a list, STRUCT(a INTEGER[]) is not.
    name = "[]" if column.type.endswith("]") else column.type.partition("(")[0]
    return name in LOGICAL_TYPES[logical_type]


def logical_type_of(name: str, type_: str) -> str | None:
    """Return the standard's word for the type of a column, the narrowest there is; None when there is none."""
    order = ("string", "date", "timestamp", "time", "integer", "number", "boolean", "array", "object")
    return next((word for word in order if has_logical_type(TableColumn(name, type_), word)), None)


def measure(check: Check, columns: tuple[TableColumn, ...], relation: str) -> Measure | None:
    """Return how `check` on `columns` of `relation` is measured; None for those that need no look at the rows."""
    if check.kind in VALID:
        return _counted(_invalid(check, columns[0]))
    make = MEASURES.get(check.kind)
    return make(check, columns, relation) if make else None


def _counted(condition: str) -> Measure:
    # Half the work of a FILTER, as nothing is cut out of the columns.
    return Measure(f"count_if({condition})", condition)


def _invalid(check: Check, column: TableColumn) -> str:
    """Return the condition that a value is there and not valid, in a form that the engine computes fast.

    A value that cannot be compared (a bound that is not of the column's type) is not valid. For bounds of the right
    type, which is nearly always, the engine knows beforehand that the second part is false and drops it.
    """
    valid = VALID[check.kind](check, column)
    # The engine's answer about a missing value is neither yes nor no, and counts as no.
    if check.kind in _PATTERNS:
        return f"NOT ({valid})"
    bounds = [_typed(value, column) for value in check.values]
    if check.kind in _SIZES:
        bounds = [f"TRY_CAST({literal(value)} AS DOUBLE)" for value in check.values]
    misfit = " OR ".join(f"{bound} IS NULL" for bound in bounds)
    if check.kind in _LOOSE or not misfit:
        return f"{column.sql} IS NOT NULL AND NOT coalesce({valid}, false)"
    return f"(NOT ({valid}) OR (({misfit}) AND {column.sql} IS NOT NULL AND ({valid}) IS NULL))"


def _orphans(check: Check, columns: tuple[TableColumn, ...]) -> Measure:
    """Count the rows whose key the other table does not have; a key with a NULL leads nowhere, and so is none."""
    key, full = _key(columns)
    names = ", ".join(quote(name) for name in check.values)
    other = names if len(check.values) == 1 else f"row({names})"
    known = " AND ".join(f"{quote(name)} IS NOT NULL" for name in check.values)
    target = TableName.parse(check.target or "").unqualified
    found = f"{key} IN (SELECT {other} FROM {target} WHERE {known})"  # noqa: S608  # quoted names
    return _counted(f"{full} AND NOT coalesce({found}, false)")


def _moment(function: str, column: TableColumn) -> str:
    # Seconds since 1970; a text that is no moment counts for nothing.
    value = (
        column.sql
        if column.type.startswith(("DATE", "TIMESTAMP"))
        else f"TRY_CAST({column.sql} AS TIMESTAMP)"
    )
    return f"epoch({function}({value}))"


def _key(columns: tuple[TableColumn, ...]) -> tuple[str, str]:
    """Return the columns as one value, and the condition that all of them have one."""
    names = ", ".join(column.sql for column in columns)
    full = " AND ".join(f"{column.sql} IS NOT NULL" for column in columns)
    return names if len(columns) == 1 else f"row({names})", full


def _duplicates(columns: tuple[TableColumn, ...], relation: str) -> Measure:
    """Count the rows that would have to go for the rest to be distinct; rows with a NULL are no duplicates."""
    # Like UNIQUE in SQL: NULL equals nothing, not even NULL.
    names = ", ".join(column.sql for column in columns)
    key, full = _key(columns)
    repeated = f"SELECT {key} FROM {relation} WHERE {full} GROUP BY {names} HAVING count(*) > 1"  # noqa: S608  # quoted names
    return Measure(
        f"count(*) FILTER (WHERE {full}) - count(DISTINCT {key}) FILTER (WHERE {full})",
        f"{full} AND {key} IN ({repeated})",
    )


def _missing(check: Check, column: TableColumn) -> Measure:
    condition = f"{column.sql} IS NULL"
    if check.values:
        condition = f"({condition} OR {_as_text(column)} IN ({_texts(check)}))"
    return _counted(condition)


def _as_text(column: TableColumn) -> str:
    return f"CAST({column.sql} AS VARCHAR)"


def _texts(check: Check) -> str:
    return ", ".join(literal(value) for value in check.values)


def _typed(value: str, column: TableColumn) -> str:
    # A text that is not of the column's type becomes NULL: then no value is valid, and the check fails.
    return f"TRY_CAST({literal(value)} AS {column.type})"


def _among(check: Check, column: TableColumn) -> str:
    return f"{column.sql} IN ({', '.join(_typed(value, column) for value in check.values)})"


def _matches(check: Check, column: TableColumn) -> str:
    return f"regexp_matches({_as_text(column)}, {literal(check.pattern or '')})"


def _allowed(check: Check, column: TableColumn) -> str:
    parts = [_among(check, column)] if check.values else []
    parts += [_matches(check, column)] if check.pattern is not None else []
    return " AND ".join(parts) or "false"


def _compared(operator: str) -> Callable[[Check, TableColumn], str]:
    return lambda check, column: f"{column.sql} {operator} {_typed(check.values[0], column)}"


def _sized(function: str, operator: str) -> Callable[[Check, TableColumn], str]:
    def valid(check: Check, column: TableColumn) -> str:
        subject = _as_text(column) if function == "length" else column.sql
        return f"{function}({subject}) {operator} TRY_CAST({literal(check.values[0])} AS DOUBLE)"

    return valid


def _multiple(check: Check, column: TableColumn) -> str:
    # In floating point 0.3 is no multiple of 0.1; in decimals it is.
    value, step = (f"TRY_CAST({text} AS DECIMAL(38, 9))" for text in (column.sql, literal(check.values[0])))
    return f"{value} % {step} = 0"


# What a value that is not NULL must meet, by kind of check.
VALID: Mapping[str, Callable[[Check, TableColumn], str]] = {
    "enum": _among,
    "invalidValues": _allowed,
    "pattern": _matches,
    "format": _matches,
    "minimum": _compared(">="),
    "maximum": _compared("<="),
    "exclusiveMinimum": _compared(">"),
    "exclusiveMaximum": _compared("<"),
    "multipleOf": _multiple,
    "minLength": _sized("length", ">="),
    "maxLength": _sized("length", "<="),
    "minItems": _sized("len", ">="),
    "maxItems": _sized("len", "<="),
    "uniqueItems": lambda _, column: f"len(list_distinct({column.sql})) = len({column.sql})",
}
MEASURES: Mapping[str, Callable[[Check, tuple[TableColumn, ...], str], Measure]] = {
    **dict.fromkeys(("rowCount", "volume"), lambda *_: Measure("count(*)")),
    **dict.fromkeys(("required", "nullValues"), lambda _, columns, __: _counted(f"{columns[0].sql} IS NULL")),
    **dict.fromkeys(
        ("unique", "primaryKey", "duplicateValues"),
        lambda _, columns, relation: _duplicates(columns, relation),
    ),
    **dict.fromkeys(AGED, lambda check, columns, _: Measure(_moment(AGED[check.kind], columns[0]))),
    "missingValues": lambda check, columns, _: _missing(check, columns[0]),
    "foreignKey": lambda check, columns, _: _orphans(check, columns),
}
