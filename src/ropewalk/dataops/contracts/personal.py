"""Which columns hold personal data, by what their contract and their term say, and how each is masked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from open_data_contract_standard.model import SchemaProperty

from ropewalk.dataops.contracts.errors import InvalidContract, TermContradicted
from ropewalk.dataops.contracts.inherit import custom_property
from ropewalk.dataops.contracts.rules import Location, column_name
from ropewalk.dataops.contracts.values import ContractColumn
from ropewalk.dataops.definitions import MASKS, PII_CLASSES, Glossary, MaskKind, PIIClass, Term
from ropewalk.errors import Place, nearest
from ropewalk.project import Document

T = TypeVar("T", bound=str)
# Words of a column's classification that say it is personal; the class is then the one that masks the most usefully.
PERSONAL = ("pii", "personal", "personal data", "sensitive", "sensitive personal data")
# Of a person's column it may only be said that it is not, and then nothing else may say that it is.
OPEN = ("public", "internal", "none", "not personal")


def personal_class(
    document: Document, location: Location, item: SchemaProperty, term: Term | None
) -> tuple[PIIClass | None, MaskKind | None]:
    """Return the class of personal data in the property at `location`, and its mask; None for both when it has none.

    Raises:
        InvalidContract: a class or a mask that does not exist, or a mask of what is not personal.
        TermContradicted: the contract calls open what its term calls personal.
    """
    said = _said(document, location, item)
    _refuse_open(document, location, item, term, said)
    found = said or (term.pii if term else None)
    wanted = _custom(document, location, item, "mask")
    mask = (
        _known(str(wanted), MASKS, "mask", document.place((*location, "customProperties")))
        if wanted
        else None
    )
    if found is None:
        if mask is not None:
            raise InvalidContract(
                f"{column_name(item)!r} has a mask, and nothing says that it is personal",
                place=document.place((*location, "customProperties")),
                hint="say so by `classification: pii`",
            )
        return None, None
    return found, mask or (term.mask if term and term.mask else PII_CLASSES[found])


def contract_masks(columns: Iterable[ContractColumn], glossary: Glossary) -> dict[str, MaskKind]:
    """Return the masks by column name in lower case: of personal columns, and of names that a personal term has.

    A name that the contract describes without calling it personal is masked like the others of its name, unless
    its classification says that it is open.
    """
    found = named_masks(glossary)
    for column in columns:
        if column.mask is not None:
            found[column.name.lower()] = column.mask
        elif is_open(column) or column.term is not None:
            found.pop(column.name.lower(), None)
    return found


def is_open(column: ContractColumn) -> bool:
    """Return whether the contract says of the column that all may see it."""
    return (column.classification or "").lower() in OPEN


def named_masks(glossary: Glossary) -> dict[str, MaskKind]:
    """Return the mask of each name, in lower case, that is a personal term's or one of its synonyms."""
    personal = [term for term in glossary.terms.values() if term.mask is not None]
    return {name.lower(): term.mask for term in personal for name in term.names if term.mask is not None}


def _said(document: Document, location: Location, item: SchemaProperty) -> PIIClass | None:
    place = document.place((*location, "customProperties"))
    value = _custom(document, location, item, "pii")
    if value is True:
        return "identifier"
    if value not in (None, False):
        return _known(str(value), tuple(PII_CLASSES), "class of personal data", place)
    for index, tag in enumerate(item.tags or []):
        name, _, class_ = tag.lower().partition(":")
        if name == "pii":
            where = document.place((*location, "tags", index))
            return (
                _known(class_, tuple(PII_CLASSES), "class of personal data", where)
                if class_
                else "identifier"
            )
    classification = (item.classification or "").lower()
    if classification in PERSONAL:
        return "sensitive" if "sensitive" in classification else "identifier"
    return None


def _refuse_open(
    document: Document, location: Location, item: SchemaProperty, term: Term | None, said: PIIClass | None
) -> None:
    place = document.place((*location, "classification"))
    if (item.classification or "").lower() not in OPEN:
        return
    if said is not None:
        raise InvalidContract(
            f"{column_name(item)!r} is called personal and {item.classification}",
            place=place,
            hint="take out one of the two: what is personal is masked, what is open is shown",
        )
    if term is not None and term.pii is not None:
        raise TermContradicted(
            f"{column_name(item)!r} has classification {item.classification}, and its term {term.name!r} is personal "
            f"data ({term.pii})",
            place=place,
            hint=f"the term stands at {term.place}",
        )


def _custom(document: Document, location: Location, item: SchemaProperty, name: str) -> object | None:
    value = custom_property(item, name)
    if value is not None and not isinstance(value, str | bool):
        raise InvalidContract(
            f"{name} must be a word",
            place=document.place((*location, "customProperties")),
            hint=f"write {{property: {name}, value: WORD}}",
        )
    return value


def _known(given: str, valid: tuple[T, ...], what: str, place: Place) -> T:
    for item in valid:
        if item == given:
            return item
    raise InvalidContract(
        f"{given!r} is not a {what}",
        place=place,
        nearest=nearest(given, valid),
        hint="one of " + ", ".join(valid),
    )
