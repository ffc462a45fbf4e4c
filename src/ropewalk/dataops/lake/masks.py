"""Masks: how personal columns look to those who have no right to see them, as SQL over the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ropewalk.dataops.lake.digest import Column
from ropewalk.dataops.lake.names import literal, quote

HIDDEN = "***"
TEXTS = ("VARCHAR", "ENUM", "UUID", "JSON", "BLOB")
MOMENTS = ("DATE", "TIMESTAMP")
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
NUMBERS = (*WHOLE, *(f"U{name}" for name in WHOLE), "DECIMAL", "DOUBLE", "FLOAT", "BOOLEAN")
# 64 bits: enough to tell apart all persons there are.
HASH_DIGITS = 16
QUARANTINE = "quarantine"
# What is written beside a row that did not fit, in words of ours that repeat no value; the rest of it is the row.
QUARANTINE_BOOKS = frozenset({"_reason", "_column", "_loaded_at", "_file", "_line", "_source", "_run"})


def is_untraced(table: str) -> bool:
    """Return whether `table`, a name in lower case, is made by Python: by a step, or by recording predictions."""
    schema = table.partition(".")[0]
    return schema in {"steps", "predictions"} or schema.startswith("predictions_")


@dataclass(frozen=True)
class Masks:
    """What is masked, table by table.

    Attributes:
        tables: the kind of mask (`hash`, `partial`, `null`, or `total`: numbers made of many persons are shown, all
            else is not) of each personal column, by table and column in lower case.
        names: the same by column alone, for tables that `tables` does not have.
        untraced: the same for tables that Python made, of whose columns nobody knows where they come from.
        described: the columns that contracts speak of, by table; of what they never spoke, nobody knows what it is.
        key: what hashes are made with; the same value has the same hash in every table, and another in another project.
    """

    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    untraced: Mapping[str, str] = field(default_factory=dict)
    described: Mapping[str, frozenset[str]] = field(default_factory=dict)
    key: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        """Whether anything is masked."""
        return bool(self.names or self.untraced) or any(self.tables.values())

    def of(self, table: str, columns: Sequence[Column]) -> dict[str, str]:
        """Return the kind of mask of each of `columns` of `table` that is personal, by the column's name."""
        schema, _, name = table.lower().partition(".")
        if schema == QUARANTINE:
            return self._of_quarantine(name, columns)
        known = self.known(table.lower())
        return {column.name: known[column.name.lower()] for column in columns if column.name.lower() in known}

    def known(self, table: str) -> Mapping[str, str]:
        """Return how columns of `table`, a name in lower case, are masked, by name in lower case."""
        known = self.tables.get(table, self.names)
        if not is_untraced(table):
            return known
        # Of those that its contract describes, the contract has said what there is to say.
        described = self.described.get(table, frozenset())
        return {**{name: kind for name, kind in self.untraced.items() if name not in described}, **known}

    def is_personal(self, table: str) -> bool:
        """Return whether `table` has, or by the names of its columns could have, something personal in it."""
        return bool(self.known(table.lower()))

    def _of_quarantine(self, source: str, columns: Sequence[Column]) -> dict[str, str]:
        # A row that did not fit is kept whole, as one text: what is personal in it cannot be told from the rest.
        if not self.is_personal(f"raw.{source}"):
            return {}
        return {column.name: "null" for column in columns if column.name.lower() not in QUARANTINE_BOOKS}


def is_number(column: Column) -> bool:
    """Return whether each value of `column` is one number, which a total may be, and not a list of them."""
    return _is_one_of(column, NUMBERS)


def _is_one_of(column: Column, types: tuple[str, ...]) -> bool:
    return column.type.startswith(types) and not column.type.endswith("]")


def mask_sql(column: Column, kind: str, key: str | None) -> str:
    """Return the expression that shows `column` masked; without a `key` a hash says nothing but that there is a value."""
    name, text = quote(column.name), f"CAST({quote(column.name)} AS VARCHAR)"
    if kind == "hash":
        shown = (
            literal(HIDDEN)
            if key is None
            else f"left(sha256({literal(key)} || chr(0) || {text}), {HASH_DIGITS})"
        )
        return f"CASE WHEN {name} IS NOT NULL THEN {shown} END"
    if kind == "partial" and _is_one_of(column, TEXTS):
        return f"CASE WHEN {name} IS NOT NULL THEN left({text}, 1) || {literal(HIDDEN)} END"
    if kind == "partial" and _is_one_of(column, MOMENTS):
        return f"CAST(date_trunc('year', {name}) AS {column.type})"
    if kind == "total" and is_number(column):
        return name
    # Of a number, a list or a row no part can be shown that does not tell too much.
    # The type of an enumeration has all its values in its name.
    type_ = "VARCHAR" if "ENUM" in column.type else column.type
    return f"CAST(NULL AS {type_})"


def masked_relation(
    relation: str, columns: Sequence[Column], masks: Mapping[str, str], key: str | None
) -> str:
    """Return what follows FROM for `relation`, with those of its `columns` masked that `masks` names."""
    shown = [f"{mask_sql(c, masks[c.name], key)} AS {quote(c.name)}" for c in columns if c.name in masks]
    return f"(SELECT * REPLACE ({', '.join(shown)}) FROM {relation})" if shown else relation  # quoted names
