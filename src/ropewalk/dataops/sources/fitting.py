"""Fitting arriving columns to those of the table, as the source's schema policy says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ropewalk.dataops.lake import Column, LakeTransaction, TableName, quote
from ropewalk.dataops.sources.columns import (
    declared_types,
    empty_text_columns,
    is_wider,
    misfit_condition,
    require_columns,
    target_types,
    with_article,
)
from ropewalk.dataops.sources.errors import InvalidSource, SchemaFrozen
from ropewalk.dataops.sources.quarantine import Complaint
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.dataops.sources.write_modes import HISTORY_COLUMNS

if TYPE_CHECKING:
    from ropewalk.dataops.sources.landing import LandingRules

NEW_COLUMN = "a column that the table does not have"


@dataclass(frozen=True)
class Fit:
    """How arriving rows become rows of the table.

    Attributes:
        arriving: the columns that come, by lower-case name.
        made: the columns that rows of the table have, those that it is given by this load included.
        types: the type of each, by its name.
        complaints: what may be wrong with a row.
    """

    arriving: Mapping[str, Column]
    made: tuple[Column, ...]
    types: Mapping[str, str]
    complaints: tuple[Complaint, ...]

    def type_of(self, name: str) -> str:
        """Return the type of the column `name`, whatever its case."""
        return next(kind for column, kind in self.types.items() if column.lower() == name.lower())


def fit_columns(
    transaction: LakeTransaction, spec: SourceSpec, rules: LandingRules, arriving: Sequence[Column]
) -> Fit:
    """Return how rows with the columns `arriving` fit the table of `spec`.

    Raises:
        InvalidSource: a declared type is none, or a column has the name of one that a history adds.
        ColumnMissing: a column that the rules name does not come.
        SchemaFrozen: other columns come than the table has, and its schema is frozen.
    """
    declared = declared_types(transaction.connection, rules.types, spec.place)
    present = _present(transaction, spec, rules, arriving)
    settled = _settled(transaction, spec, present)
    if rules.schema == "evolve":
        settled = _widened(settled, arriving, declared)
    _require(spec, rules, [*present, *arriving], arriving)
    types = target_types(settled, arriving, declared)
    if rules.schema == "freeze" and present:
        _refuse_other_columns(spec, present, arriving)
    known = {column.name.lower() for column in present}
    new = [column for column in arriving if column.name.lower() not in known]
    # A table that is made now takes every column, whatever the policy: there is nothing yet to hold it against.
    taken, refused = (new, []) if rules.schema == "evolve" or not present else ([], new)
    made = tuple(Column(column.name, _type(column, types)) for column in [*present, *taken])
    return Fit(
        {column.name.lower(): column for column in arriving},
        made,
        {column.name: column.type for column in made},
        (*_key_complaints(rules), *_value_complaints(arriving, types), *_new_complaints(refused)),
    )


def _settled(transaction: LakeTransaction, spec: SourceSpec, present: Sequence[Column]) -> list[Column]:
    """Return the columns of the table whose type is decided."""
    undecided = empty_text_columns(transaction, TableName.parse(spec.table), present)
    return [column for column in present if column.name.lower() not in undecided]


def _present(
    transaction: LakeTransaction, spec: SourceSpec, rules: LandingRules, arriving: Sequence[Column]
) -> list[Column]:
    """Return the columns of the table that bind what comes."""
    own = {column.name for column in HISTORY_COLUMNS} if rules.write == "history" else set()
    _refuse_own_columns(spec, own, arriving)
    if rules.write == "replace" and rules.schema == "evolve":
        return []
    return [column for column in transaction.columns(spec.table) or () if column.name not in own]


def _refuse_own_columns(spec: SourceSpec, own: set[str], arriving: Sequence[Column]) -> None:
    if taken := next((column for column in arriving if column.name.lower() in own), None):
        raise InvalidSource(
            f"source {spec.name!r} has a column {taken.name!r}, which write: history adds itself",
            place=spec.place,
            hint="give it another name in a query, or write otherwise",
        )


def _widened(
    settled: Sequence[Column], arriving: Sequence[Column], declared: Mapping[str, str]
) -> list[Column]:
    """Return the columns of the table, each in the wider type that comes, unless its type is declared."""
    kinds = {column.name.lower(): column.type for column in arriving}
    return [
        Column(c.name, kind)
        if (kind := kinds.get(c.name.lower(), c.type))
        and c.name.lower() not in declared
        and is_wider(kind, c.type)
        else c
        for c in settled
    ]


def _require(
    spec: SourceSpec, rules: LandingRules, known: Sequence[Column], arriving: Sequence[Column]
) -> None:
    require_columns(list(rules.types), known, "types", spec.place)
    require_columns(rules.key, arriving, "key", spec.place)
    if rules.cursor is not None:
        what = "cursor.field" if spec.source.kind == "rest" else "cursor.column"
        require_columns([rules.cursor], arriving, what, spec.place)


def _refuse_other_columns(spec: SourceSpec, present: Sequence[Column], arriving: Sequence[Column]) -> None:
    here, there = (
        {column.name.lower(): column.name for column in columns} for columns in (present, arriving)
    )
    for what, names in (
        ("has a new column", there.keys() - here.keys()),
        ("lacks the column", here.keys() - there.keys()),
    ):
        if names:
            name = (there | here)[min(names)]
            raise SchemaFrozen(
                f"source {spec.name!r} {what} {name!r}, and its schema is frozen",
                place=spec.place,
                hint="schema: evolve takes on what changed; then look at what reads the table",
            )


def _type(column: Column, types: Mapping[str, str]) -> str:
    return next((kind for name, kind in types.items() if name.lower() == column.name.lower()), column.type)


def _key_complaints(rules: LandingRules) -> list[Complaint]:
    names = [(name, "key") for name in rules.key]
    names += [(rules.cursor, "cursor")] if rules.cursor and rules.cursor not in rules.key else []
    return [Complaint(name, f"no value for the {what}", f"{quote(name)} IS NULL") for name, what in names]


def _value_complaints(arriving: Sequence[Column], types: Mapping[str, str]) -> list[Complaint]:
    conditions = [(column, misfit_condition(column, types[column.name])) for column in arriving]
    return [
        Complaint(column.name, f"not {with_article(types[column.name])}", condition)
        for column, condition in conditions
        if condition is not None
    ]


def _new_complaints(new: Sequence[Column]) -> list[Complaint]:
    return [Complaint(column.name, NEW_COLUMN, f"{quote(column.name)} IS NOT NULL") for column in new]
