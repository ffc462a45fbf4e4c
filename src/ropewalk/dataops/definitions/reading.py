"""Reading `contracts/glossary.yaml` strictly into terms."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ropewalk.dataops.definitions.values import PII_CLASSES, Glossary, MaskKind, PIIClass, Term, as_text
from ropewalk.errors import Place
from ropewalk.project import Document, InvalidProjectFile, parse_yaml, validate

GLOSSARY_FILE = "contracts/glossary.yaml"
# Part of a URL, `glossary:NAME`, and compared with the names of columns.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
RANGED = ("number", "integer", "date", "timestamp", "time")
Scalar = bool | int | float | dt.datetime | dt.date | str


def _require_pattern(text: str) -> str:
    # The engine reads RE2, which is nearly Python's; what both refuse is told of before anything runs.
    try:
        re.compile(text)
    except re.error as error:
        message = f"{text!r} is not a regular expression: {error}"
        raise ValueError(message) from error
    return text


class TermEntry(BaseModel):
    """One entry below `terms:`; see `Term` for what each key means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    meaning: str = Field(min_length=1)
    type: Literal["string", "integer", "number", "boolean", "date", "timestamp", "time"] | None = None
    unit: str | None = Field(None, min_length=1)
    values: list[Scalar] | None = Field(None, min_length=1)
    pattern: Annotated[str, AfterValidator(_require_pattern)] | None = None
    minimum: Scalar | None = None
    maximum: Scalar | None = None
    pii: PIIClass | None = None
    mask: MaskKind | None = None
    owner: str | None = Field(None, min_length=1)
    synonyms: list[str] = []

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.pattern is not None and self.type != "string":
            raise ValueError("pattern needs type: string")
        if (self.minimum, self.maximum) != (None, None) and self.type not in RANGED:
            raise ValueError(f"minimum and maximum need a type that has an order: {', '.join(RANGED)}")
        if self.mask is not None and self.pii is None:
            raise ValueError("mask needs pii, the class of personal data")
        return self


class GlossaryFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    terms: dict[str, TermEntry]


def glossary_path(root: Path) -> Path:
    """Return where the glossary of the project at `root` stands, whether there is one or not."""
    return root / GLOSSARY_FILE


def read_glossary(root: Path) -> Glossary:
    """Return the terms of the project at `root`; none when it has no glossary.

    Raises:
        InvalidYAML: the file is not YAML.
        UnknownKey: a key that a term does not have.
        InvalidProjectFile: a value does not fit, or one name stands for two terms.
    """
    path = glossary_path(root)
    if not path.is_file():
        return Glossary()
    document = parse_yaml(path, root)
    if not isinstance(document.data, dict):
        raise InvalidProjectFile(
            "a glossary must be a mapping with the key 'terms'",
            place=document.place(),
            hint="terms: {order_id: {meaning: …}}",
        )
    declared: GlossaryFile = validate(document, GlossaryFile)
    terms = {name: _term(document, name, entry) for name, entry in declared.terms.items()}
    _refuse_repeated(document, terms)
    return Glossary(terms)


def _term(document: Document, name: str, entry: TermEntry) -> Term:
    place = document.place(("terms", name))
    if not _NAME.fullmatch(name):
        raise InvalidProjectFile(
            f"{name!r} cannot be the name of a term", place=place, hint="use letters, digits, _, . and -"
        )
    _refuse_empty_range(document, name, entry)
    pii = entry.pii
    return Term(
        name=name,
        meaning=entry.meaning,
        place=place,
        type=entry.type,
        unit=entry.unit,
        values=tuple(map(as_text, entry.values)) if entry.values is not None else None,
        pattern=entry.pattern,
        minimum=as_text(entry.minimum) if entry.minimum is not None else None,
        maximum=as_text(entry.maximum) if entry.maximum is not None else None,
        pii=pii,
        mask=entry.mask or (PII_CLASSES[pii] if pii else None),
        owner=entry.owner,
        synonyms=tuple(entry.synonyms),
    )


def _refuse_empty_range(document: Document, name: str, entry: TermEntry) -> None:
    bounds = [bound for bound in (entry.minimum, entry.maximum) if bound is not None]
    is_number = list(map(_is_number, bounds))
    place = document.place(("terms", name, "maximum" if entry.minimum is None else "minimum"))
    if not all(wanted == (entry.type in ("number", "integer")) for wanted in is_number):
        raise InvalidProjectFile(f"a bound of {name!r} is not of its type {entry.type}", place=place)
    # Dates and moments of one form sort as their texts do.
    keys = bounds if all(is_number) else list(map(as_text, bounds))
    if len(keys) == 2 and keys[0] > keys[1]:  # type: ignore[operator]  # both numbers or both texts
        raise InvalidProjectFile(f"no value of {name!r} lies between its minimum and maximum", place=place)


def _is_number(value: object) -> bool:
    # To Python true is 1.
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse_repeated(document: Document, terms: dict[str, Term]) -> None:
    """Refuse a name that stands for two terms: a column called so would mean both."""
    meant: dict[str, str] = {}
    for term in terms.values():
        for name in dict.fromkeys(map(str.lower, term.names)):
            if name in meant:
                where = _place_of(document, term, name)
                raise InvalidProjectFile(f"{name!r} already stands for the term {meant[name]!r}", place=where)
            meant[name] = term.name


def _place_of(document: Document, term: Term, name: str) -> Place:
    for index, synonym in enumerate(term.synonyms):
        if synonym.lower() == name:
            return document.place(("terms", term.name, "synonyms", index))
    return term.place
