"""Columns that metrics name, held against those that tables' SQL says they have; nothing is executed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ropewalk.dataops.metrics.errors import InvalidMetric
from ropewalk.dataops.metrics.reading import Subject, parse_part, split_column
from ropewalk.dataops.transform import TableSpec
from ropewalk.errors import Place, nearest

# Where a column stands: the table's name in SQL (None: the subject's own), the column, and its place in the file.
Named = tuple[str | None, str, Place]


def check_columns(subject: Subject, specs: Mapping[str, TableSpec]) -> None:
    """Return when every column that is named is one of its table, as far as the tables' SQL tells.

    Raises:
        InvalidMetric: one is not.
    """
    # All in lower case: to the engine a name is the same however it is written.
    tables = {name: join.table for name, join in subject.declared.joins.items()}
    known: dict[str | None, set[str] | None] = {
        name: _columns(table, specs) for name, table in tables.items()
    }
    known[None] = _columns(subject.declared.table, specs)
    for alias, column, place in _named(subject):
        columns = known.get(alias)
        if columns is not None and column.lower() not in columns:
            table = tables[alias] if alias else subject.declared.table
            raise InvalidMetric(
                f"{table} has no column {column!r}", place=place, nearest=nearest(column.lower(), columns)
            )


def _columns(table: str, specs: Mapping[str, TableSpec]) -> set[str] | None:
    """Return the columns that a table's SELECT names; None where only running it would tell."""
    spec = specs.get(table.lower())
    if spec is None:
        return None
    try:
        tree = sqlglot.parse_one(spec.sql.normal, dialect="duckdb")
    except SqlglotError:
        return None
    # The engine's own names for what has none are not known here.
    names = tree.named_selects if isinstance(tree, exp.Query) else []
    return (
        None if not names or tree.is_star or "*" in names or "" in names else {name.lower() for name in names}
    )


def _named(subject: Subject) -> Iterator[Named]:
    declared = subject.declared
    yield from ((None, name, subject.place("grain")) for name in declared.grain)
    for alias, join in declared.joins.items():
        for here, there in join.on.items():
            yield *split_column(here), subject.place("joins", alias)
            yield alias, there, subject.place("joins", alias)
    for name, dimension in declared.dimensions.items():
        yield from _in_text(dimension.column or dimension.sql, subject.place("dimensions", name))
    for name, measure in declared.measures.items():
        place = subject.place("measures", name)
        yield from _in_text(measure.where, place)
        if measure.kind != "expression":
            yield from _in_text(measure.column or measure.sql, place)


def _in_text(text: str | None, place: Place) -> Iterator[Named]:
    if text:
        for column in parse_part(text, place).find_all(exp.Column):
            yield column.table or None, column.name, place
