"""Conditions and orderings as values, and their one translation into SQL.

Whoever reads a filter (a parser, a page's form) makes `Condition` and `Ordering` values; a searched table says
with `Searched` where its attributes and its key-value satellites are. All text a person wrote is bound, never
pasted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ropewalk.store.connections import Connection, Row
from ropewalk.store.dialect import fold
from ropewalk.store.keyset import Keys, Term, behind, read_terms

Operand: TypeAlias = "str | float | tuple[str, ...] | None"
Bound: TypeAlias = "str | float | int | None"

# `IS NOT` instead of `!=`: a value that is NULL (not a number, or unset) differs from every given one.
_COMPARISONS = {"=": "=", "!=": "IS NOT", ">": ">", ">=": ">=", "<": "<", "<=": "<=", "ILIKE": "LIKE"}
# SQLite binds some ten thousand values to a statement; longer lists travel as one JSON text.
_LISTED = 500
# LIKE's two wild cards as GLOB's, and GLOB's own signs made plain.
_GLOB = str.maketrans({"*": "[*]", "?": "[?]", "[": "[[]", "%": "*", "_": "?"})


@dataclass(frozen=True)
class Condition:
    """One comparison of a filter.

    Attributes:
        entity: `attribute`, or the name of a satellite such as `metric` or `tag`.
        key: the attribute's or the entry's name.
        operator: `=`, `!=`, `<`, `<=`, `>`, `>=`, `LIKE`, `ILIKE`, `IN`, `NOT IN`, `IS NULL`, `IS NOT NULL`.
        value: what it is compared with; None for the last two operators.
    """

    entity: str
    key: str
    operator: str
    value: Operand = None


@dataclass(frozen=True)
class Ordering:
    """One key to sort by; what lacks it comes last in both directions."""

    entity: str
    key: str
    is_ascending: bool = True


@dataclass(frozen=True)
class Satellite:
    """A table of named values that belong to rows of the searched table.

    Attributes:
        table: the table, or a select in parentheses.
        owner: its columns that name the row it belongs to.
        key: the condition that picks a name, with one `?`; empty when `columns` are picked instead.
        columns: for a satellite with fixed fields, the expression of each.
        bound: values for the `?` that `table` itself has.
    """

    table: str
    owner: tuple[str, ...]
    key: str = "key = ?"
    columns: Mapping[str, str] = field(default_factory=dict)
    bound: tuple[str, ...] = ()


@dataclass(frozen=True)
class Searched:
    """A table that can be searched.

    Attributes:
        table: its name.
        identity: the columns that a satellite's `owner` columns repeat.
        attributes: expression of each attribute by its name.
        satellites: by the entity they stand for.
        ties: how rows that are otherwise equal are ordered.
        unasked: what goes before it when no order is asked for.
        numbers: attributes that are whole numbers; what is none in a list to compare them with is passed over.
    """

    table: str
    identity: tuple[str, ...]
    attributes: Mapping[str, str]
    satellites: Mapping[str, Satellite]
    ties: str
    numbers: frozenset[str] = frozenset()
    unasked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """Which part of the ordered answer is wanted.

    Attributes:
        limit: most rows.
        offset: how many are passed over; for what has no keys.
        after: the keys of the row behind which it begins.
        ends: filled by the search with the keys of each row of the page, so that the next can begin behind one.
    """

    limit: int
    offset: int = 0
    after: Keys | None = None
    ends: list[Keys] = field(default_factory=list, compare=False, repr=False)


def search(
    connection: Connection,
    searched: Searched,
    conditions: Sequence[Condition],
    orderings: Sequence[Ordering],
    page: Page,
) -> list[Row]:
    """Return the rows that meet all conditions, in order, one page of them; their first columns are the identity."""
    joins, sorting, order_parameters = _order(searched, orderings)
    where, where_parameters = _where(searched, conditions)
    unasked = [term for text in searched.unasked for term in read_terms(text)]
    terms = [*(sorting or unasked), *read_terms(searched.ties)]
    beyond, keys = behind(terms, page.after) if page.after is not None else ("TRUE", [])
    columns = [*(f"{searched.table}.{column}" for column in searched.identity), *(term.key for term in terms)]
    statement = (
        f"SELECT {', '.join(columns)} FROM {searched.table} {joins} WHERE {where} AND {beyond} "  # noqa: S608  # names are ours, values bound
        f"ORDER BY {', '.join(term.ordering for term in terms)} LIMIT ? OFFSET ?"
    )
    values = [*order_parameters, *where_parameters, *keys, page.limit, page.offset]
    rows = connection.execute(statement, values).fetchall()
    width = len(searched.identity)
    page.ends[:] = [tuple(row)[width:] for row in rows]
    return rows


def count(connection: Connection, searched: Searched, conditions: Sequence[Condition]) -> int:
    """Return how many rows meet all conditions."""
    where, parameters = _where(searched, conditions)
    row = connection.execute(
        f"SELECT count(*) AS total FROM {searched.table} WHERE {where}",  # noqa: S608  # names are ours
        parameters,
    ).fetchone()
    return int(row["total"])


def _where(searched: Searched, conditions: Sequence[Condition]) -> tuple[str, list[Bound]]:
    # Begun with TRUE, so that no condition at all is a valid statement too.
    texts, parameters = ["TRUE"], list[Bound]()
    for condition in conditions:
        if condition.entity == "attribute":
            wanted = _numbers_only(condition) if condition.key in searched.numbers else condition
            text, values = compare(searched.attributes[condition.key], wanted)
        else:
            text, values = _satellite(searched, condition)
        texts.append(text)
        parameters += values
    return " AND ".join(texts), parameters


def _numbers_only(condition: Condition) -> Condition:
    if not isinstance(condition.value, tuple):
        return condition
    # Clients name experiments by texts. One that is no number names nothing, and PostgreSQL refuses to compare it.
    return replace(condition, value=tuple(filter(str.isdecimal, condition.value)))


def _satellite(searched: Searched, condition: Condition) -> tuple[str, list[Bound]]:
    """Return `owner IN (rows of the satellite that fit)`, which uses the satellite's own index."""
    satellite = searched.satellites[condition.entity]
    owner = ", ".join(satellite.owner)
    identity = ", ".join(f"{searched.table}.{column}" for column in searched.identity)
    # The key is bound like any value: a tag's name is a person's text as well.
    picked, names = (satellite.key, [condition.key]) if satellite.key else ("TRUE", [])
    # A row without the entry has no row to compare in the satellite, so absence is asked from the other side.
    is_absent = condition.operator == "IS NULL"
    if condition.operator in ("IS NULL", "IS NOT NULL"):
        compared, values = "TRUE", list[Bound]()
    else:
        compared, values = compare(satellite.columns.get(condition.key, "value"), condition)
    inner = f"SELECT {owner} FROM {satellite.table} WHERE {picked} AND {compared}"  # noqa: S608  # names are ours
    return f"({identity}) {'NOT IN' if is_absent else 'IN'} ({inner})", [*satellite.bound, *names, *values]


def compare(column: str, condition: Condition) -> tuple[str, list[Bound]]:
    """Return the comparison of an expression with a condition's value as SQL, and the values for its `?`."""
    operator, value = condition.operator, condition.value
    # An empty list in parentheses is no SQL.
    if isinstance(value, tuple) and not 0 < len(value) <= _LISTED:
        listed = f"{column} {operator} (SELECT value FROM json_each(?))"  # noqa: S608  # names are ours
        return listed, [json.dumps(value)]
    if isinstance(value, tuple):
        return f"{column} {operator} ({', '.join('?' * len(value))})", list(value)
    if value is None:
        return f"{column} {operator}", []
    if operator == "LIKE":
        # SQLite's LIKE ignores case; GLOB does not.
        return f"{column} GLOB ?", [str(value).translate(_GLOB)]
    # Both databases' own ILIKE knows the case of ASCII letters only, which is quicker and mostly all there is.
    if operator == "ILIKE" and not str(value).isascii():
        return f"fold(({column}) COLLATE folded) LIKE ?", [fold(str(value))]
    return f"{column} {_COMPARISONS.get(operator, operator)} ?", [value]


def _order(searched: Searched, orderings: Sequence[Ordering]) -> tuple[str, list[Term], list[Bound]]:
    """Return the joins, the terms and the parameters that sort by `orderings`."""
    joins, terms, parameters = list[str](), list[Term](), list[Bound]()
    for number, ordering in enumerate(orderings):
        if ordering.entity == "attribute":
            column = searched.attributes[ordering.key]
            # SQLite puts NULL first going up and last going down; here it is last both ways.
            terms += [Term(column, is_flag=True), Term(column, ordering.is_ascending)]
            continue
        # Numbered, because one search may sort by two metrics of the same table.
        satellite, name = searched.satellites[ordering.entity], f"sorted_{number}"
        on = " AND ".join(_pairs(searched, satellite, name))
        picked = f"(SELECT * FROM {satellite.table} WHERE {satellite.key})"  # noqa: S608  # names are ours
        joins.append(f"LEFT JOIN {picked} AS {name} ON {on}")
        parameters += [*satellite.bound, ordering.key]
        # Numbers first, then what is not a number (a NULL value), then rows without the entry.
        value = f"{name}.value"
        terms += [
            Term(f"{name}.key", is_flag=True),
            Term(value, is_flag=True),
            Term(value, ordering.is_ascending),
        ]
    return " ".join(joins), terms, parameters


def _pairs(searched: Searched, satellite: Satellite, name: str) -> Iterator[str]:
    for mine, theirs in zip(searched.identity, satellite.owner, strict=True):
        yield f"{searched.table}.{mine} = {name}.{theirs}"
