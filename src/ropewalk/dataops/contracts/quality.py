"""From a contract's `quality` rules (library metrics and SQL) to checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from open_data_contract_standard.model import DataQuality

from ropewalk.dataops.contracts.errors import InvalidContract
from ropewalk.dataops.contracts.promises import is_volume_rule, volume_check
from ropewalk.dataops.contracts.rules import Location
from ropewalk.dataops.contracts.values import OPERATORS, Check, Expectation, Number, Severity, Unit
from ropewalk.dataops.definitions import as_text
from ropewalk.errors import Place, nearest
from ropewalk.project import Document, UnknownKey

# The standard's metrics, and the arguments each takes.
METRICS: Mapping[str, tuple[str, ...]] = {
    "nullValues": (),
    "missingValues": ("missingValues",),
    "invalidValues": ("validValues", "pattern"),
    "duplicateValues": ("properties",),
    "rowCount": (),
}
SEVERITIES: Mapping[str, Severity] = {"error": "error", "warning": "warning", "info": "warning"}
UNITS: Mapping[str, Unit] = {"rows": "rows", "percent": "percent"}


def quality_checks(
    document: Document, location: Location, rules: list[DataQuality] | None, column: str | None
) -> Iterator[Check]:
    """Yield the check of each rule at `location`, about `column` or (None) about the table.

    Raises:
        InvalidContract: a rule that cannot be checked.
        UnknownKey: an argument that the metric does not take.
    """
    for index, rule in enumerate(rules or []):
        # Text is for people.
        if rule.type != "text":
            yield _check(document, (*location, index), rule, column)


def _check(document: Document, where: Location, rule: DataQuality, column: str | None) -> Check:
    kind = rule.type or ("sql" if rule.query else "library")
    if kind == "sql":
        return _sql_check(document, where, rule, column)
    if kind == "library":
        return _library_check(document, where, rule, column)
    if kind == "custom" and is_volume_rule(rule) and column is None:
        return volume_check(document, where, rule, _severity(document, where, rule, "warning"))
    # Any other kind would be a promise that nothing keeps.
    raise InvalidContract(
        f"quality rules of type {kind!r} are not run here",
        place=document.place((*where, "type")),
        hint="use type library, sql, or text for what only people can judge; of type custom only engine "
        "ropewalk with the volume of a table",
    )


def _sql_check(document: Document, where: Location, rule: DataQuality, column: str | None) -> Check:
    if not rule.query or not rule.query.strip():
        raise InvalidContract(
            "a rule of type sql needs a query",
            place=document.place(where),
            hint="query: SELECT count(*) FROM ${table} WHERE ..., and mustBe: 0",
        )
    return Check(
        kind="sql",
        columns=(column,) if column else (),
        place=document.place((*where, "query")),
        query=rule.query.strip(),
        expect=_expectation(document, where, rule),
        severity=_severity(document, where, rule),
        label=rule.name or rule.id,
    )


def _library_check(document: Document, where: Location, rule: DataQuality, column: str | None) -> Check:
    metric = _metric(document, where, rule)
    arguments = _arguments(document, where, rule, metric)
    columns = (column,) if column else _listed(arguments, "properties")
    if not columns and metric != "rowCount":
        raise InvalidContract(
            f"{metric} is about columns, and this rule is about the table",
            place=document.place((*where, "metric")),
            hint="move it under a property"
            + (", or name `arguments.properties`" if metric == "duplicateValues" else ""),
        )
    pattern = arguments.get("pattern")
    return Check(
        kind=metric,
        columns=() if metric == "rowCount" else columns,
        place=document.place(where),
        values=_values(metric, arguments),
        pattern=str(pattern) if pattern is not None else None,
        expect=_expectation(document, where, rule),
        unit=_unit(document, where, rule),
        severity=_severity(document, where, rule),
        label=rule.name or rule.id,
    )


def _metric(document: Document, where: Location, rule: DataQuality) -> str:
    # Before v3.1 the standard called the metric `rule`.
    metric = rule.metric or rule.rule
    if metric is not None and metric in METRICS:
        return metric
    raise InvalidContract(
        f"{metric!r} is not a metric" if metric else "a rule of type library needs a metric",
        place=document.place((*where, "metric")),
        nearest=nearest(metric, METRICS) if metric else None,
        hint="one of " + ", ".join(METRICS),
    )


def _arguments(document: Document, where: Location, rule: DataQuality, metric: str) -> Mapping[str, object]:
    arguments: Mapping[str, object] = rule.arguments or {}
    valid = METRICS[metric]
    for key in arguments:
        if key not in valid:
            raise UnknownKey(
                f"unknown key {key!r}",
                place=document.place((*where, "arguments", key)),
                nearest=nearest(key, valid),
                hint=f"{metric} takes " + (", ".join(valid) or "no arguments"),
            )
    for key in set(arguments) - {"pattern"}:
        if not isinstance(arguments[key], list):
            raise InvalidContract(
                f"{key} must be a list",
                place=document.place((*where, "arguments", key)),
                hint=f"write {key}: [...]",
            )
    if metric == "invalidValues" and not arguments:
        raise InvalidContract(
            "invalidValues needs arguments: validValues or pattern",
            place=document.place(where),
            hint="arguments: {validValues: [...]}",
        )
    return arguments


def _values(metric: str, arguments: Mapping[str, object]) -> tuple[str, ...]:
    if metric == "missingValues":
        # NULL always counts as missing; without a list so does the empty text.
        return _listed(arguments, "missingValues") if "missingValues" in arguments else ("",)
    return _listed(arguments, "validValues")


def _listed(arguments: Mapping[str, object], key: str) -> tuple[str, ...]:
    found = arguments.get(key)
    return tuple(as_text(item) for item in found if item is not None) if isinstance(found, list) else ()


def _expectation(document: Document, where: Location, rule: DataQuality) -> Expectation:
    given = [name for name in OPERATORS if getattr(rule, name) is not None]
    if len(given) != 1:
        raise InvalidContract(
            "a quality rule needs exactly one operator, and this one has " + (", ".join(given) or "none"),
            place=document.place(where),
            hint="one of " + ", ".join(OPERATORS),
        )
    operand = getattr(rule, given[0])
    operands = operand if isinstance(operand, list) else [operand]
    place = document.place((*where, given[0]))
    numbers = tuple(_number(item, place) for item in operands)
    if list(numbers) != sorted(numbers):
        raise InvalidContract(
            f"{given[0]} names its smaller number first",
            place=place,
            hint=f"write {given[0]}: [{numbers[1]}, {numbers[0]}]",
        )
    return Expectation(given[0], numbers)


def _number(value: object, place: Place) -> Number:
    # To Python true is 1; in a contract it is a slip.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidContract(
            f"{value!r} is not a number", place=place, hint="what is counted is held against a number"
        )
    return value


def text_rules(rules: list[DataQuality] | None, of: str) -> Iterator[str]:
    """Yield a note for each rule of type text, which only people can judge."""
    for rule in rules or []:
        if rule.type == "text":
            yield f"for people, not checked: {rule.name or rule.description or 'a rule'} ({of})"


def _severity(
    document: Document, where: Location, rule: DataQuality, default: Severity = "error"
) -> Severity:
    given = rule.severity or default
    if given in SEVERITIES:
        return SEVERITIES[given]
    raise InvalidContract(
        f"severity {given!r} is none",
        place=document.place((*where, "severity")),
        nearest=nearest(given, SEVERITIES),
        hint="one of " + ", ".join(SEVERITIES),
    )


def _unit(document: Document, where: Location, rule: DataQuality) -> Unit:
    given = rule.unit or "rows"
    if given in UNITS:
        return UNITS[given]
    raise InvalidContract(
        f"unit {given!r} is none",
        place=document.place((*where, "unit")),
        nearest=nearest(given, UNITS),
        hint="rows or percent",
    )
