"""From what a contract says of a column (type, required, bounds, valid values) to the checks it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from open_data_contract_standard.model import SchemaProperty

from ropewalk.dataops.contracts.errors import InvalidContract
from ropewalk.dataops.contracts.values import Check
from ropewalk.dataops.definitions import as_text
from ropewalk.errors import Place, nearest
from ropewalk.project import Document, UnknownKey

Location = tuple[str | int, ...]
_RANGE = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_NUMBER = (*_RANGE, "multipleOf", "format")
_TIME = (*_RANGE, "format", "timezone", "defaultTimezone")
# The standard's logical types, and the options each takes.
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "date": (*_RANGE, "format"),
    "timestamp": _TIME,
    "time": _TIME,
    "number": _NUMBER,
    "integer": _NUMBER,
    "boolean": (),
    "object": (),
    "array": ("minItems", "maxItems", "uniqueItems"),
    "map": (),
    "vector": (
        "dimensions",
        "elementType",
        "distanceMetric",
        "embeddingModel",
        "embeddingModelVersion",
        "normalized",
    ),
}
# Options that tell a reader something and ask for no check; of the formats, those of texts are checked.
DESCRIPTIVE = {"format", "timezone", "defaultTimezone", *OPTIONS["vector"]}
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
# What a text of a format looks like; the other formats of the standard (binary, password, ...) have no look of their own.
FORMATS: Mapping[str, str] = {
    "email": rf"^[^@\s]+@{_LABEL}(\.{_LABEL})+$",
    "uuid": "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
    "uri": r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s]+$",
    "hostname": rf"^{_LABEL}(\.{_LABEL})*$",
    "ipv4": rf"^{_BYTE}(\.{_BYTE}){{3}}$",
    "ipv6": "^([0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}$",
}
CHECKING_KEYS = ("required", "unique", "primaryKey", "logicalTypeOptions", "enum", "quality")


def column_name(item: SchemaProperty) -> str:
    """Return the column that a property of the contract describes."""
    return item.physicalName or item.name or ""


def property_checks(document: Document, location: Location, item: SchemaProperty) -> Iterator[Check]:
    """Yield the checks that the property at `location` asks for, its quality rules aside.

    Raises:
        InvalidContract: an unknown logical type, an option's value that does not fit, a check on a nested property.
        UnknownKey: an option that the logical type does not have.
    """
    columns = (column_name(item),)
    _refuse_nested(document, location, item)
    yield Check("present", columns, document.place((*location, "name")))
    if item.logicalType is not None:
        place = document.place((*location, "logicalType"))
        _refuse_unknown_type(item.logicalType, place)
        yield Check("logicalType", columns, place, (item.logicalType,))
    # A key that may be NULL identifies nothing.
    if item.required or item.primaryKey:
        key = "required" if item.required else "primaryKey"
        yield Check("required", columns, document.place((*location, key)))
    if item.unique:
        yield Check("unique", columns, document.place((*location, "unique")))
    if item.enum is not None:
        valid = tuple(as_text(entry.value) for entry in item.enum)
        yield Check("enum", columns, document.place((*location, "enum")), valid)
    yield from _option_checks(document, (*location, "logicalTypeOptions"), item)


def unique_key(document: Document, properties: list[SchemaProperty]) -> Iterator[Check]:
    """Yield the check that the primary key, over all its columns, is unique; nothing without one."""
    # Without positions, which are 0 then, the order of the file counts.
    keys = [(item.primaryKeyPosition or 0, index) for index, item in enumerate(properties) if item.primaryKey]
    if keys:
        columns = tuple(column_name(properties[index]) for _, index in sorted(keys))
        first = ("schema", 0, "properties", keys[0][1], "primaryKey")
        yield Check("primaryKey", columns, document.place(first))


def _refuse_unknown_type(name: str, place: Place) -> None:
    if name not in OPTIONS:
        raise InvalidContract(
            f"{name!r} is not a logical type",
            place=place,
            nearest=nearest(name, OPTIONS),
            hint="one of " + ", ".join(OPTIONS),
        )


def _refuse_nested(document: Document, location: Location, item: SchemaProperty) -> None:
    """Say so when a part of a nested value asks for a check: only whole columns are checked."""
    for index, child in enumerate(item.properties or []):
        below = (*location, "properties", index)
        for key in CHECKING_KEYS:
            if getattr(child, key):
                raise InvalidContract(
                    f"{key!r} on a part of {column_name(item)!r} cannot be checked",
                    place=document.place((*below, key)),
                    hint="checks are for whole columns; a quality rule of type sql can look inside",
                )
        _refuse_nested(document, below, child)


def _option_checks(document: Document, location: Location, item: SchemaProperty) -> Iterator[Check]:
    options = item.logicalTypeOptions or {}
    if options and item.logicalType is None:
        raise InvalidContract(
            "logicalTypeOptions needs a logicalType",
            place=document.place(location),
            hint=type_hint(options),
        )
    valid = OPTIONS[item.logicalType] if item.logicalType else ()
    for key, value in options.items():
        place = document.place((*location, key))
        if key not in valid:
            raise _unknown_option(key, item.logicalType, valid, place=place)
        yield from _option_check(item, key, value, place)


def type_hint(options: Iterable[str]) -> str:
    """Return which logical types take all of `options`, for who gave options without a type."""
    wanted = set(options)
    fitting = [name for name, taken in OPTIONS.items() if wanted <= {*taken}]
    return f"add logicalType: {' or '.join(fitting)}" if fitting else "one of " + ", ".join(OPTIONS)


def _unknown_option(key: str, kind: str | None, valid: tuple[str, ...], *, place: Place) -> UnknownKey:
    return UnknownKey(
        f"unknown key {key!r}",
        place=place,
        nearest=nearest(key, valid),
        hint=f"a column of logical type {kind} takes " + (", ".join(valid) or "no options"),
    )


def _option_check(item: SchemaProperty, key: str, value: object, place: Place) -> Iterator[Check]:
    columns = (column_name(item),)
    if key in DESCRIPTIVE:
        if key == "format" and item.logicalType == "string" and value in FORMATS:
            yield Check(key, columns, place, (str(value),), FORMATS[str(value)])
    elif key == "pattern":
        yield Check(key, columns, place, pattern=str(value))
    elif isinstance(value, bool):
        # The standard's v3.0 wrote `exclusiveMinimum: true` beside `minimum`.
        if key != "uniqueItems":
            raise InvalidContract(
                f"{key} must be a bound, not {as_text(value)}",
                place=place,
                hint=f"write {key}: 10; true and false were how version 3.0 of the standard had it",
            )
        if value:
            yield Check(key, columns, place)
    else:
        yield Check(key, columns, place, (_bound(item, key, value, place),))


def _bound(item: SchemaProperty, key: str, value: object, place: Place) -> str:
    is_number = isinstance(value, int | float)
    wants_number = key not in _RANGE or item.logicalType in ("number", "integer")
    if wants_number and not is_number:
        raise InvalidContract(
            f"{key} must be a number, not {value!r}", place=place, hint=f"write {key}: 10, without quotes"
        )
    return as_text(value)
