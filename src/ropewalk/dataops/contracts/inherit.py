"""What a column has from the term it maps to: type, meaning, allowed values, range and pattern, unless it contradicts."""

from __future__ import annotations

from collections.abc import Iterator

from open_data_contract_standard.model import EnumValue, SchemaProperty

from ropewalk.dataops.contracts.errors import InvalidContract, TermContradicted
from ropewalk.dataops.contracts.rules import Location, column_name, type_hint
from ropewalk.dataops.definitions import Glossary, Term, UnknownTerm, as_text
from ropewalk.errors import Place, nearest
from ropewalk.project import Document

SCHEME = "glossary:"
# The standard's words for a link to what something means. Other tools try to fetch a `businessDefinition` from its
# address, which a term of ours has none of: drafts write `glossary`.
MEANINGS = ("glossary", "businessDefinition")
_LOWER = ("minimum", "exclusiveMinimum")
_UPPER = ("maximum", "exclusiveMaximum")
# Where a column says other than its term: the key, what the column has there, what the term has.
_Contradiction = tuple[str, str, str]


def find_term(
    document: Document, location: Location, item: SchemaProperty, glossary: Glossary
) -> Term | None:
    """Return the term that the property at `location` maps to, or None when it maps to none.

    Raises:
        UnknownTerm: the glossary does not have it.
        InvalidContract: the property maps to several, or by a link of another type.
    """
    found: list[tuple[Term, Place]] = []
    for index, definition in enumerate(item.authoritativeDefinitions or []):
        url = definition.url or ""
        if not url.startswith(SCHEME):
            continue
        place = document.place((*location, "authoritativeDefinitions", index, "url"))
        if definition.type not in MEANINGS:
            raise InvalidContract(
                f"a link to a term is of type glossary, not {definition.type!r}",
                place=place,
                nearest=MEANINGS[0],
            )
        found.append((_term(glossary, url.removeprefix(SCHEME), place), place))
    if len(found) > 1:
        names = " and ".join(repr(term.name) for term, _ in found)
        raise InvalidContract(
            f"{column_name(item)!r} maps to {names}", place=found[1][1], hint="a column has one meaning"
        )
    return found[0][0] if found else None


def _term(glossary: Glossary, name: str, place: Place) -> Term:
    if name in glossary.terms:
        return glossary.terms[name]
    meant = glossary.called(name)
    close = meant.name if meant else nearest(name, glossary.terms)
    raise UnknownTerm(
        f"the glossary has no term {name!r}",
        place=place,
        nearest=close,
        hint="contracts/glossary.yaml defines terms" + ("" if glossary.terms else ", and there are none yet"),
    )


def with_term(document: Document, location: Location, item: SchemaProperty, term: Term) -> SchemaProperty:
    """Return the property with what it has from `term` where it says nothing itself.

    It may narrow what the term allows, and not widen it.

    Raises:
        TermContradicted: it says otherwise; the error names both places.
        InvalidContract: it has options without a type of its own.
    """
    # The standard reads the options by the type beside them; a term stands elsewhere.
    if item.logicalTypeOptions and item.logicalType is None:
        where = document.place((*location, "logicalTypeOptions"))
        raise InvalidContract(
            "logicalTypeOptions needs a logicalType",
            place=where,
            hint=type_hint(item.logicalTypeOptions) + " beside them; that of the term does not count",
        )
    _refuse_contradiction(document, location, item, term)
    options = _options(item, term)
    listed = [EnumValue(value=value) for value in term.values] if term.values is not None else None
    return item.model_copy(
        update={
            "logicalType": item.logicalType or term.type,
            "logicalTypeOptions": options or None,
            "enum": item.enum if item.enum is not None else listed,
            "description": item.description or term.meaning,
        }
    )


def _options(item: SchemaProperty, term: Term) -> dict[str, object]:
    """Return the column's options, with the term's pattern and bounds where it has none of its own."""
    options = dict(item.logicalTypeOptions or {})
    if term.pattern is not None:
        options.setdefault("pattern", term.pattern)
    # An exclusive bound takes the place of the term's as well as a plain one.
    if term.minimum is not None and not any(key in options for key in _LOWER):
        options["minimum"] = _bound(term, term.minimum)
    if term.maximum is not None and not any(key in options for key in _UPPER):
        options["maximum"] = _bound(term, term.maximum)
    return options


def _bound(term: Term, text: str) -> object:
    if term.type not in ("number", "integer"):
        return text
    return float(text) if any(sign in text for sign in ".en") else int(text)


def _refuse_contradiction(document: Document, location: Location, item: SchemaProperty, term: Term) -> None:
    for rule in (_other_type, _other_values, _other_unit, _wider_bounds):
        for key, said, meant in rule(item, term):
            raise TermContradicted(
                f"{column_name(item)!r} has {key} {said}, and its term {term.name!r} has {meant}",
                place=document.place((*location, *key.split("."))),
                hint=f"the term stands at {term.place}; a column may be narrower than its term, and not other or wider",
            )


def _other_type(item: SchemaProperty, term: Term) -> Iterator[_Contradiction]:
    if term.type and item.logicalType and item.logicalType not in (term.type, _narrower(term.type)):
        yield "logicalType", item.logicalType, term.type


def _other_values(item: SchemaProperty, term: Term) -> Iterator[_Contradiction]:
    if term.values is None or item.enum is None:
        return
    more = [text for entry in item.enum if (text := as_text(entry.value)) not in term.values]
    if more:
        yield "enum", ", ".join(more), ", ".join(term.values)


def _other_unit(item: SchemaProperty, term: Term) -> Iterator[_Contradiction]:
    unit = custom_property(item, "unit")
    if term.unit and unit is not None and str(unit) != term.unit:
        yield "customProperties", f"unit {unit!r}", repr(term.unit)


def _wider_bounds(item: SchemaProperty, term: Term) -> Iterator[_Contradiction]:
    options = item.logicalTypeOptions or {}
    for key in (*_LOWER, *_UPPER):
        limit = term.minimum if key in _LOWER else term.maximum
        if key in options and limit is not None and _is_wider(options[key], limit, is_lower=key in _LOWER):
            yield f"logicalTypeOptions.{key}", as_text(options[key]), limit


def _narrower(type_: str) -> str | None:
    return "integer" if type_ == "number" else None


def _is_wider(bound: object, limit: str, *, is_lower: bool) -> bool:
    if isinstance(bound, int | float):
        try:
            return bound < float(limit) if is_lower else bound > float(limit)
        except ValueError:
            return True
    # Dates and moments of one form sort as their texts do.
    text = as_text(bound)
    return text < limit if is_lower else text > limit


def custom_property(item: SchemaProperty, name: str) -> object | None:
    """Return the value of the property's custom property `name`, or None."""
    found = (entry.value for entry in item.customProperties or [] if entry.property == name)
    return next(found, None)
