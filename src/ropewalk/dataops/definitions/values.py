"""A term of the glossary, and what it says of every column that maps to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ropewalk.errors import Place

MaskKind = Literal["hash", "partial", "null"]
PIIClass = Literal["identifier", "contact", "quasi", "sensitive"]
MASKS: tuple[MaskKind, ...] = ("hash", "partial", "null")
# What a class of personal data is masked by: who is who can still be counted and joined, how to reach somebody and
# what narrows the circle keep their shape, and what would hurt is gone.
PII_CLASSES: Mapping[PIIClass, MaskKind] = {
    "identifier": "hash",
    "contact": "partial",
    "quasi": "partial",
    "sensitive": "null",
}


@dataclass(frozen=True)
class Term:
    """One word of the project, and what it means.

    Attributes:
        name: how columns refer to it, `glossary:NAME`.
        meaning: what it means, for people.
        place: where the glossary defines it.
        type: the logical type of its values, one of the Open Data Contract Standard's.
        unit: what its values are counted in.
        values: all values allowed, as text; None when they are not listed.
        pattern: the regular expression that values match.
        minimum: the least value, as text.
        maximum: the greatest value, as text.
        pii: the class of personal data it is of; None when it is not about persons.
        mask: how those without the right see it, when it is personal.
        owner: who decides about it.
        synonyms: what else columns of this meaning are called.
    """

    name: str
    meaning: str
    place: Place
    type: str | None = None
    unit: str | None = None
    values: tuple[str, ...] | None = None
    pattern: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    pii: PIIClass | None = None
    mask: MaskKind | None = None
    owner: str | None = None
    synonyms: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The term and its synonyms."""
        return (self.name, *self.synonyms)


@dataclass(frozen=True)
class Glossary:
    """All terms, by name in the file's order; none when the project has no glossary."""

    terms: Mapping[str, Term] = field(default_factory=dict)

    def called(self, name: str) -> Term | None:
        """Return the term that is called `name` or has it as a synonym, whatever the case; None if none does."""
        wanted = name.lower()
        return next((term for term in self.terms.values() if wanted in map(str.lower, term.names)), None)


def as_text(value: object) -> str:
    """Return a YAML value as the text that DuckDB casts to a column's type."""
    if isinstance(value, bool):
        return str(value).lower()
    # YAML reads dates and times as such; the engine casts their ISO text.
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return str(value)
