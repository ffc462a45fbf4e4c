"""What a contract promises of a table as a whole: keys of other tables, freshness, and a volume like the past's."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from open_data_contract_standard.model import (
    CustomProperty,
    DataQuality,
    Relationship,
    SchemaProperty,
    ServiceLevelAgreementProperty,
)

from ropewalk.dataops.contracts.errors import InvalidContract
from ropewalk.dataops.contracts.rules import Location, column_name
from ropewalk.dataops.contracts.values import Check, Severity
from ropewalk.errors import Place, nearest
from ropewalk.project import Document, UnknownKey

# The standard's names for how old the newest row may be, and for how old the oldest may be.
AGES: Mapping[str, str] = {
    "latency": "freshness",
    "ly": "freshness",
    "freshness": "freshness",
    "retention": "retention",
    "re": "retention",
}
SECONDS: Mapping[str, int] = {
    **dict.fromkeys(("s", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 7 * 86_400),
    **dict.fromkeys(("y", "yr", "year", "years"), 365 * 86_400),
}
ENGINE = "ropewalk"
VOLUME = ("builds", "tolerance")
_VOLUME_HINT = "implementation: {volume: {builds: 20, tolerance: 4}}"
DEFAULT_BUILDS = 20
DEFAULT_TOLERANCE = 4.0
_NAMES = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){1,2}")
# The standard's full form: another contract's file, and in it the ids of table and column.
_BY_FILE = re.compile(
    r"(?:[\w.-]+/)*(?P<table>[A-Za-z_]\w*\.[A-Za-z_]\w*)\.odcs\.yaml#/?schema/[\w-]+/properties/(?P<column>[\w-]+)"
)


def property_relationships(
    document: Document, location: Location, item: SchemaProperty, schema: str
) -> Iterator[Check]:
    """Yield the check of each relationship of the property at `location`, in a contract of a table in `schema`.

    Raises:
        InvalidContract: one that names no column of a table.
    """
    for index, found in enumerate(item.relationships or []):
        yield _foreign_key(
            document, (*location, "relationships", index), found, (column_name(item),), schema=schema
        )


def table_relationships(
    document: Document, location: Location, found: list[Relationship] | None, schema: str
) -> Iterator[Check]:
    """Yield the check of each relationship of the table, which may be over several columns.

    Raises:
        InvalidContract: one that does not say from which of the table's columns it starts.
    """
    for index, relationship in enumerate(found or []):
        where = (*location, index)
        starts = _listed(relationship.from_)
        if not starts:
            raise InvalidContract(
                "a relationship of a table needs `from`",
                place=document.place(where),
                hint="from: [COLUMN, ...], to: [SCHEMA.TABLE.COLUMN, ...]",
            )
        columns = tuple(name.rpartition(".")[2] for name in starts)
        yield _foreign_key(document, where, relationship, columns, schema=schema)


def _foreign_key(
    document: Document, location: Location, found: Relationship, columns: tuple[str, ...], *, schema: str
) -> Check:
    ends = [_end(name, schema) for name in _listed(found.to)]
    tables = {end[0].lower() for end in ends if end}
    if None in ends or len(ends) != len(columns) or len(tables) != 1:
        raise InvalidContract(
            f"a relationship of {', '.join(map(repr, columns))} leads to as many columns of one table",
            place=document.place((*location, "to")),
            hint="to: SCHEMA.TABLE.COLUMN, or SCHEMA.TABLE.odcs.yaml#/schema/TABLE/properties/COLUMN",
        )
    return Check(
        "foreignKey",
        columns,
        document.place((*location, "to")),
        tuple(end[1] for end in ends if end),
        target=min(tables),
        severity=_severity(document, location, found.customProperties),
    )


def _end(name: str, schema: str) -> tuple[str, str] | None:
    """Return the table and the column that a reference names, in any of the standard's ways; None if it names none."""
    by_file = _BY_FILE.fullmatch(name)
    if by_file:
        return by_file["table"], by_file["column"]
    if not _NAMES.fullmatch(name):
        return None
    table, _, column = name.rpartition(".")
    # Version 3.1.0 knows tables without a schema: it is that of the contract's own.
    return (table if "." in table else f"{schema}.{table}", column)


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []


def age_checks(
    document: Document, promised: list[ServiceLevelAgreementProperty] | None, default: str | None
) -> Iterator[Check]:
    """Yield the check of each promise about age: of the newest row (latency, freshness), of the oldest (retention).

    Raises:
        InvalidContract: a promise without a column, or without a length of time.
    """
    for index, promise in enumerate(promised or []):
        kind = AGES.get((promise.property or "").lower())
        location: Location = ("slaProperties", index)
        element = promise.element or default
        # Without a column it tells people something that no row can show.
        if kind is None or (element is None and kind == "retention"):
            continue
        seconds = _seconds(document, location, promise)
        if element is None:
            raise InvalidContract(
                f"{promise.property} needs an element, the column that tells a row's time",
                place=document.place(location),
                hint="element: TABLE.COLUMN",
            )
        yield Check(
            kind=kind,
            columns=(element.rpartition(".")[2].strip(),),
            place=document.place(location),
            values=(f"{seconds:g}",),
            # What comes late is the past's fault, and keeping the older content would only make it later.
            severity=_severity(document, location, promise.customProperties, "warning"),
            label=promise.id,
        )


def _seconds(document: Document, location: Location, promise: ServiceLevelAgreementProperty) -> float:
    unit, value = (promise.unit or "").lower(), promise.value
    if unit not in SECONDS:
        raise InvalidContract(
            f"unit {promise.unit!r} is no length of time"
            if promise.unit
            else f"{promise.property} needs a unit",
            place=document.place((*location, "unit")),
            nearest=nearest(unit, SECONDS),
            hint="s, min, h, d, w or y",
        )
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if isinstance(value, bool) or not 0 < number < 1e9:
        raise InvalidContract(
            f"{value!r} is no length of time",
            place=document.place((*location, "value")),
            hint="a number above 0, such as value: 24 with unit: h",
        )
    return number * SECONDS[unit]


def _severity(
    document: Document, location: Location, given: list[CustomProperty] | None, default: Severity = "error"
) -> Severity:
    for entry in given or []:
        if entry.property == "severity":
            if entry.value == "error":
                return "error"
            if entry.value == "warning":
                return "warning"
            place = document.place((*location, "customProperties"))
            raise InvalidContract(f"severity {entry.value!r} is none", place=place, hint="error or warning")
    return default


def is_volume_rule(rule: DataQuality) -> bool:
    """Return whether a rule of type custom is ours."""
    return rule.engine == ENGINE


def volume_check(document: Document, location: Location, rule: DataQuality, severity: Severity) -> Check:
    """Return the check that the table has about as many rows as its last builds had.

    Raises:
        InvalidContract: the rule asks for something else.
        UnknownKey: a key that `volume` does not take.
    """
    place = document.place((*location, "implementation"))
    asked = rule.implementation if isinstance(rule.implementation, dict) else {}
    if set(asked) != {"volume"} or not isinstance(asked["volume"], dict | None):
        raise InvalidContract(
            "a rule of engine ropewalk has an implementation with the one key 'volume'",
            place=place,
            hint=_VOLUME_HINT,
        )
    given: Mapping[str, object] = asked["volume"] or {}
    for key, value in given.items():
        _refuse_measure(key, value, document.place((*location, "implementation", "volume", key)))
    builds = int(str(given.get("builds", DEFAULT_BUILDS)))
    tolerance = float(str(given.get("tolerance", DEFAULT_TOLERANCE)))
    return Check(
        "volume", (), place, (str(builds), f"{tolerance:g}"), severity=severity, label=rule.name or rule.id
    )


def _refuse_measure(key: str, value: object, place: Place) -> None:
    if key not in VOLUME:
        raise UnknownKey(
            f"unknown key {key!r}",
            place=place,
            nearest=nearest(key, VOLUME),
            hint="volume takes builds, tolerance",
        )
    # YAML has numbers that are above nothing (.nan) and above everything (.inf).
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise InvalidContract(
            f"{key} must be a number above 0, not {value!r}", place=place, hint=_VOLUME_HINT
        )
    if key == "builds" and not isinstance(value, int):
        raise InvalidContract(
            f"builds are counted, and {value!r} is no whole number", place=place, hint=_VOLUME_HINT
        )
