"""The text of a first contract: what was seen of a table, written as promises for people to review."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ropewalk.dataops.contracts.errors import NotInferred
from ropewalk.dataops.contracts.guess import guess_personal
from ropewalk.dataops.contracts.seen import SeenColumn
from ropewalk.dataops.definitions import PII_CLASSES, Glossary, PIIClass, Term, split_words

# Formats that the standard has a word for; the other shapes are written as patterns.
FORMATS = ("email", "uuid", "uri", "ipv4")
# Codes of one length up to this are a pattern; longer ones are more likely chance.
LONGEST_CODE = 12


@dataclass(frozen=True)
class Subject:
    """What a draft is about.

    Attributes:
        table: `schema.table`.
        columns: what was seen of each column.
        source: where the rows were seen, for people.
        owner: who answers for the table, as far as Git tells.
        glossary: the terms that its columns may map to.
        personal: the mask of each column, in lower case, that is known to hold personal data.
    """

    table: str
    columns: Sequence[SeenColumn]
    source: str
    owner: str | None
    glossary: Glossary
    personal: Mapping[str, str] = field(default_factory=dict)


def write_draft(subject: Subject) -> str:
    """Return the text of a contract file that the rows seen keep; the same rows make the same text.

    Raises:
        NotInferred: the table has no column.
    """
    if not subject.columns:
        raise NotInferred(f"{subject.table} has no columns to promise anything of")
    return "\n".join([*_header(subject), *_properties(subject)]) + "\n"


def _header(subject: Subject) -> Iterator[str]:
    name, rows = subject.table.rpartition(".")[2], subject.columns[0].rows
    yield f"# A first draft, written by `ropewalk contract infer` from {rows:,} rows of {subject.source}."
    yield "# What was seen is no promise yet: read every line, say what each column means, take out what need not stay so."
    yield "apiVersion: v3.1.0"
    yield "kind: DataContract"
    yield f"id: {_text(subject.table.replace('.', '-').replace('_', '-').lower())}"
    yield "version: 0.1.0"
    yield "status: draft"
    if subject.owner:
        yield f"team: {{name: {_text(subject.owner)}}}  # who committed most of it"
    yield "schema:"
    yield f"  - name: {_text(name)}"
    yield f"    physicalName: {_text(subject.table)}"
    if rows:
        yield "    quality:"
        yield "      - {metric: rowCount, mustBeGreaterThan: 0}"
        yield "      - name: about as many rows as before"
        yield "        type: custom"
        yield "        engine: ropewalk"
        yield "        implementation: {volume: {builds: 20}}"
        yield "        severity: warning"
    yield "    properties:"


def _properties(subject: Subject) -> Iterator[str]:
    key = _primary_key(subject)
    for column in subject.columns:
        yield f"      - name: {_text(column.name)}  # {_summary(column)}"
        for line in _property(subject, column, is_key=column is key):
            yield f"        {line}"


def _property(subject: Subject, column: SeenColumn, *, is_key: bool) -> Iterator[str]:
    term = _term(subject.glossary, column)
    personal = _personal(subject, column)
    if term is not None:
        yield "authoritativeDefinitions:"
        yield f"  - {{type: glossary, url: {_text(f'glossary:{term.name}')}}}  # {_text(term.meaning)}"
    elif column.logical_type:
        yield f"logicalType: {column.logical_type}"
    yield f"physicalType: {_text(column.type)}"
    yield from _presence(column, is_key=is_key, is_personal=personal is not None)
    if personal and not (term and term.pii):
        yield f"classification: pii  # {personal[1]}"
        yield f"customProperties: [{{property: pii, value: {personal[0]}}}]"
    # A contract is read by more people than the rows are: no value of a person stands in it.
    if term is None:
        yield from _limits(column, is_personal=personal is not None)


def _presence(column: SeenColumn, *, is_key: bool, is_personal: bool) -> Iterator[str]:
    if is_key:
        yield "primaryKey: true"
    if column.is_full:
        yield "required: true"
    # Two persons may share what no two have shared so far, and so may two events one moment.
    is_by_chance = is_personal or column.logical_type in ("date", "timestamp")
    if column.is_unique and not is_key and not is_by_chance:
        yield "unique: true"


def _personal(subject: Subject, column: SeenColumn) -> tuple[PIIClass, str] | None:
    mask = subject.personal.get(column.name.lower())
    known = next((name for name, kind in PII_CLASSES.items() if kind == mask), None)
    return guess_personal(column) or (known and (known, "its values come from a personal column"))


def _limits(column: SeenColumn, *, is_personal: bool) -> Iterator[str]:
    found = [name for name in FORMATS if name in column.shapes]
    if found:
        yield f"logicalTypeOptions: {{format: {found[0]}}}"
    elif column.shapes & {"date", "timestamp"}:
        shape = "date" if "date" in column.shapes else "timestamp"
        yield f"# all texts are written as a {shape}: a column of that type would check more"
    # What follows is made of the values themselves.
    elif not is_personal:
        yield from _from_values(column)


def _from_values(column: SeenColumn) -> Iterator[str]:
    if column.listed:
        yield f"enum: [{', '.join(f'{{value: {_text(value)}}}' for value in column.listed)}]"
    elif pattern := _code(column):
        yield f"logicalTypeOptions: {{pattern: {_text(pattern)}}}"
    elif column.logical_type in ("integer", "number"):
        yield from _range(column)


def _code(column: SeenColumn) -> str | None:
    shortest, longest = column.lengths or (0, 0)
    if shortest != longest or not 0 < longest <= LONGEST_CODE:
        return None
    letters = {"capitals": "[A-Z]", "digits": "[0-9]", "code": "[A-Z0-9]"}
    return next((f"^{sign}{{{longest}}}$" for shape, sign in letters.items() if shape in column.shapes), None)


def _range(column: SeenColumn) -> Iterator[str]:
    try:
        least, greatest = float(column.least or "nan"), float(column.greatest or "nan")
    except ValueError:
        return
    if not math.isfinite(least) or not math.isfinite(greatest):
        return
    low, high = _outward(least, is_up=False), _outward(greatest, is_up=True)
    # A number that goes on counting has no top.
    top = "" if column.is_unique and column.is_whole else f", maximum: {high}"
    yield f"logicalTypeOptions: {{minimum: {low}{top}}}  # seen: {column.least} to {column.greatest}"


def _outward(value: float, *, is_up: bool) -> str:
    """Return the next round number beyond `value`: 1, 2, 5 or 10 times a power of ten; 0 when it lies beyond."""
    if value == 0 or (value < 0) == is_up:
        return "0"
    size = 10.0 ** math.floor(math.log10(abs(value)))
    step = next(step for step in (1, 2, 5, 10) if abs(value) <= step * size * (1 + 1e-12))
    bound = math.copysign(step * size, value)
    return str(int(bound)) if bound == int(bound) else f"{bound:g}"


def _primary_key(subject: Subject) -> SeenColumn | None:
    """Return the column that identifies a row: one that is unique and full, the likeliest by its name."""
    table = split_words(subject.table.rpartition(".")[2])
    likely = [
        c for c in subject.columns if c.is_unique and c.is_full and c.logical_type in ("string", "integer")
    ]

    def rank(column: SeenColumn) -> int:
        words = split_words(column.name)
        if words == ["id"] or (words[-1:] == ["id"] and words[:-1] in (table, [table[-1].rstrip("s")])):
            return 0
        return 1 if words[-1:] in (["id"], ["key"], ["code"], ["number"]) else 2

    # Of equals the first, as people write the key first. A column that is unique by chance has another name.
    found = min(likely, key=rank, default=None)
    return found if found and rank(found) < 2 else None


def _term(glossary: Glossary, column: SeenColumn) -> Term | None:
    """Return the term that is called like the column and may have values of its type."""
    words = split_words(column.name)
    for term in glossary.terms.values():
        if any(split_words(name) == words for name in term.names):
            fits = term.type in (None, column.logical_type) or (term.type, column.logical_type) == (
                "number",
                "integer",
            )
            return term if fits else None
    return None


def _summary(column: SeenColumn) -> str:
    missing = column.rows - column.values
    nulls = f"{missing:,} NULL" if missing else "no NULL"
    about = "" if column.is_exact else "about "
    return f"{column.rows:,} rows, {nulls}, {about}{column.distinct:,} different"


def _text(value: str) -> str:
    # JSON's texts are YAML's; a plain word reads better, and only what YAML could take for something else is quoted.
    is_plain = value.replace("_", "").replace(".", "").replace("-", "").isalnum() and value[:1].isalpha()
    words = ("true", "false", "yes", "no", "on", "off", "null", "y", "n")
    return (
        value
        if is_plain and value.isascii() and value.lower() not in words
        else json.dumps(value, ensure_ascii=False)
    )
