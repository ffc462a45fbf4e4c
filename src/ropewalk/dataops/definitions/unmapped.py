"""Which columns should map to a term and do not, by rules that say why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ropewalk.dataops.definitions.values import Glossary, Term

LEAST_LETTERS = 5
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True)
class UsedColumn:
    """A column as the report looks at it.

    Attributes:
        table: `schema.table`.
        name: the column.
        type: the standard's logical type of its values; None when it is not known.
        term: the term it maps to, if it maps to one.
        comes_from: columns (`schema.table.column`) whose values it hands on unchanged.
    """

    table: str
    name: str
    type: str | None = None
    term: str | None = None
    comes_from: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """`schema.table.column`, in lower case."""
        return f"{self.table}.{self.name}".lower()


@dataclass(frozen=True)
class Suggestion:
    """A column that should map to a term: which one, why, and whether its type agrees."""

    table: str
    column: str
    term: str
    reason: str
    fits: bool = True


def find_unmapped(glossary: Glossary, columns: Iterable[UsedColumn]) -> list[Suggestion]:
    """Return the columns that map to no term although their name, or what they hand on, suggests one."""
    known = list(columns)
    mapped = {column.address: column.term for column in known if column.term}
    found = (_suggest(glossary, column, mapped) for column in known if column.term is None)
    return sorted((item for item in found if item), key=lambda item: (item.table, item.column))


def _suggest(glossary: Glossary, column: UsedColumn, mapped: Mapping[str, str]) -> Suggestion | None:
    for source in column.comes_from:
        term = glossary.terms.get(mapped.get(source.lower(), ""))
        if term is not None:
            return _made(column, term, f"its values come from {source}, which maps to it")
    found = next(_named(glossary, column), None)
    return _made(column, *found) if found else None


def _named(glossary: Glossary, column: UsedColumn) -> Iterator[tuple[Term, str]]:
    """Yield the terms that the column's name suggests with the reason, the surest and most exact first."""
    words = split_words(column.name)
    named = [(split_words(name), name, term) for term in glossary.terms.values() for name in term.names]
    for parts, name, term in named:
        if parts == words:
            yield term, "has its name" if name == term.name else f"has its synonym {name!r} as name"
    # More words in common tell more: `home_airport_code` is an airport code before it is a code. A short word says
    # little at the end of a name.
    for parts, name, term in sorted(named, key=lambda item: -len(item[0])):
        if len("".join(parts)) >= LEAST_LETTERS and words[-len(parts) :] == parts:
            yield term, f"its name ends in {name!r}"


def split_words(name: str) -> list[str]:
    """Return the words of a name in lower case: `destAirportCode` and `dest_airport_code` are the same three."""
    return [word.lower() for word in _WORDS.findall(name)]


def _made(column: UsedColumn, term: Term, reason: str) -> Suggestion:
    fits = column.type is None or term.type is None or _alike(column.type, term.type)
    note = "" if fits else f", but it is of type {column.type}, and the term of type {term.type}"
    return Suggestion(column.table, column.name, term.name, reason + note, fits)


def _alike(one: str, other: str) -> bool:
    return one == other or {one, other} <= {"integer", "number"}
