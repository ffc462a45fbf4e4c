"""What a contract says, and what checking it found."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ropewalk.dataops.definitions import MaskKind, PIIClass
from ropewalk.errors import Place
from ropewalk.pipeline import JSON

Severity = Literal["error", "warning"]
Unit = Literal["rows", "percent"]
Number = int | float
Row = Mapping[str, JSON]


def _between(value: Number, low: Number, high: Number) -> bool:
    return low <= value <= high


def _not_between(value: Number, low: Number, high: Number) -> bool:
    return not low <= value <= high


OPERATORS: Mapping[str, tuple[Callable[..., bool], str]] = {
    "mustBe": (operator.eq, "must be"),
    "mustNotBe": (operator.ne, "must not be"),
    "mustBeGreaterThan": (operator.gt, "must be greater than"),
    "mustBeGreaterOrEqualTo": (operator.ge, "must be at least"),
    "mustBeLessThan": (operator.lt, "must be less than"),
    "mustBeLessOrEqualTo": (operator.le, "must be at most"),
    "mustBeBetween": (_between, "must be between"),
    "mustNotBeBetween": (_not_between, "must not be between"),
}


@dataclass(frozen=True)
class Expectation:
    """What a measured value must be; the operators are those of the Open Data Contract Standard."""

    operator: str = "mustBe"
    operands: tuple[Number, ...] = (0,)

    def holds(self, value: Number) -> bool:
        """Return whether `value` is as expected."""
        compare, _ = OPERATORS[self.operator]
        return compare(value, *self.operands)

    def __str__(self) -> str:
        """Return the expectation in words, such as `must be less than 5`."""
        _, words = OPERATORS[self.operator]
        return f"{words} {' and '.join(str(operand) for operand in self.operands)}"


@dataclass(frozen=True)
class Check:
    """One thing that must hold for a table.

    Attributes:
        kind: what is checked: `required`, `unique`, `minimum`, `nullValues`, `rowCount`, `sql`, …
        columns: the columns it is about; none for a check of the whole table.
        values: its operands as text: a bound, the valid values, the missing values, a logical type.
        pattern: the regular expression that values must match.
        query: the SELECT of a check of kind `sql`, giving one number.
        expect: what the measure (failing rows, all rows, the query's number) must be.
        unit: whether failing rows are counted or taken as percent of all rows.
        severity: `error` refuses the content, `warning` only reports.
        label: the name or id that the contract gives the rule.
        place: where the contract asks for it.
        target: the table that a relationship leads to; its `values` are then the columns there.
    """

    kind: str
    columns: tuple[str, ...]
    place: Place
    values: tuple[str, ...] = ()
    pattern: str | None = None
    query: str | None = None
    expect: Expectation = Expectation()
    unit: Unit = "rows"
    severity: Severity = "error"
    label: str | None = None
    target: str | None = None

    @property
    def name(self) -> str:
        """The rule's own name, or what it checks: `required(dep_time)`."""
        return self.label or (f"{self.kind}({', '.join(self.columns)})" if self.columns else self.kind)

    @property
    def column(self) -> str | None:
        """The columns as one text; None for a check of the whole table."""
        return ", ".join(self.columns) or None

    def describe(self) -> str:
        """Return all that decides about this check on one line; two checks with one line are the same check."""
        # repr() keeps the values apart: one value "a b" is not the two values "a" and "b".
        parts = [f"{self.severity} {self.kind}({', '.join(map(repr, self.columns))})"]
        parts += [repr(value) for value in self.values]
        parts += [f"pattern {self.pattern!r}"] if self.pattern is not None else []
        parts += [f"query {self.query!r}"] if self.query is not None else []
        parts += [f"in {self.target}"] if self.target is not None else []
        if self.expect != Expectation():
            parts.append(f"{self.unit} {self.expect}")
        elif self.unit != "rows":
            parts.append(self.unit)
        return " ".join(parts)


@dataclass(frozen=True)
class ContractColumn:
    """What a contract says of one column, for people; what its term says of it included.

    Attributes:
        term: the term of the glossary that it maps to.
        pii: the class of personal data it holds; None when it holds none.
        mask: how those without the right see it; None when all see it as it is.
    """

    name: str
    logical_type: str | None = None
    description: str | None = None
    classification: str | None = None
    required: bool = False
    primary_key: bool = False
    term: str | None = None
    unit: str | None = None
    owner: str | None = None
    pii: PIIClass | None = None
    mask: MaskKind | None = None


@dataclass(frozen=True)
class Contract:
    """One table's contract.

    Attributes:
        table: the full name of the table, `mart.flight_features`.
        place: the file.
        checks: all that must hold, in the file's order.
        columns: what it says of the columns, in the file's order.
        masks: how personal columns are masked, by their names in lower case; also those that the file does not
            describe and that are called like a personal term.
        notes: what in the file is for people alone and asks for no check.
    """

    table: str
    place: Place
    version: str
    status: str | None = None
    description: str | None = None
    domain: str | None = None
    owner: str | None = None
    checks: tuple[Check, ...] = ()
    columns: tuple[ContractColumn, ...] = ()
    masks: Mapping[str, MaskKind] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns that identify a row; none when the contract names none."""
        return tuple(column.name for column in self.columns if column.primary_key)

    def text(self) -> str:
        """Return what decides about the checks, a line each; descriptions and formatting do not count."""
        return "\n".join(check.describe() for check in self.checks)


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Attributes:
        name: the check's name.
        column: the columns it is about, or None.
        kind: what is checked.
        severity: `error` or `warning`.
        passed: whether it held.
        failing: how many rows break it; None when the check is not about single rows.
        message: what was found, in words.
        sample: some failing rows, fetched only for a failed check; personal columns are masked.
    """

    name: str
    column: str | None
    kind: str
    severity: Severity
    passed: bool
    failing: int | None
    message: str
    sample: tuple[Row, ...] = ()

    def as_json(self) -> dict[str, JSON]:
        """Return the result as plain JSON values."""
        return {
            "name": self.name,
            "column": self.column,
            "kind": self.kind,
            "severity": self.severity,
            "passed": self.passed,
            "failing": self.failing,
            "message": self.message,
            "sample": [dict(row) for row in self.sample],
        }


@dataclass(frozen=True)
class CheckReport:
    """What checking a table against its contract found."""

    table: str
    rows: int
    results: tuple[CheckResult, ...]

    @property
    def errors(self) -> tuple[CheckResult, ...]:
        """The failed checks of severity error."""
        return tuple(r for r in self.results if not r.passed and r.severity == "error")

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """The failed checks of severity warning."""
        return tuple(r for r in self.results if not r.passed and r.severity == "warning")

    @property
    def passed(self) -> bool:
        """Whether no check of severity error failed."""
        return not self.errors

    def summary(self) -> dict[str, JSON]:
        """Return the report as an output's summary shows it: `{"checks", "passed", "warnings"}`, and what failed."""
        failed: list[JSON] = [result.as_json() for result in self.results if not result.passed]
        return {
            "checks": len(self.results),
            "passed": sum(result.passed for result in self.results),
            "warnings": [f"{result.name}: {result.message}" for result in self.warnings],
            **({"failed": failed} if failed else {}),
        }

    def told(self) -> dict[str, JSON]:
        """Return what an output's summary holds of the report: itself, and its warnings for who reads the run."""
        first, *others = self.warnings or (None,)
        if first is None:
            return {"contract": self.summary()}
        more = f", and {len(others)} more" if others else ""
        told = f"contract: {first.name}: {first.message}{more}"
        # When it is made, and by every plan until it holds again.
        return {"contract": self.summary(), "warning": told, "standing": told}
