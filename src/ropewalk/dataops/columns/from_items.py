"""What stands in FROM: tables, subqueries, functions, values, and how they are joined and pivoted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlglot import exp

from ropewalk.dataops.columns.expressions import ExpressionReader, ReadQuery
from ropewalk.dataops.columns.relation import Field, Relation, Scope
from ropewalk.dataops.columns.values import Use

# Joins of which the right side only decides which rows of the left one stay.
HIDING = ("SEMI", "ANTI")


class FromReader:
    """Reads the FROM clause of one SELECT into its scope.

    Args:
        reader: reads expressions, with the scope that is to be filled.
        read_query: reads the queries inside.
    """

    def __init__(self, reader: ExpressionReader, read_query: ReadQuery) -> None:
        self._reader = reader
        self._scope = reader.scope
        self._read_query = read_query

    def read(self, select: exp.Select) -> None:
        """Put what the SELECT reads into the scope, with what its joins decide."""
        clause = select.args.get("from_")
        if isinstance(clause, exp.From):
            self._add(self._item(clause.this))
            self._joins(clause.this.args.get("joins") or ())
        for lateral in select.args.get("laterals") or ():
            self._add(self._item(lateral))
        self._joins(select.args.get("joins") or ())

    def single(self, item: exp.Expr) -> Relation:
        """Return what one item gives that stands where a query could: VALUES, or a bare PIVOT."""
        return self._item(item)

    def _add(self, relation: Relation) -> None:
        self._scope.sources.append(relation)
        self._scope.rows |= relation.rows

    def _joins(self, joins: Iterable[exp.Expr]) -> None:
        for join in joins:
            self._join(join)

    def _join(self, join: exp.Expr) -> None:
        relation = self._item(join.this)
        before = list(self._scope.sources)
        self._add(relation)
        for name in _using(join, before, relation):
            self._merge(name, before, relation, _word(join, "side"))
        self._reader.rows(join.args.get("on"), "join")
        if _word(join, "kind") in HIDING:
            self._scope.sources.remove(relation)
        # A join inside another's parentheses belongs to its table.
        self._joins(join.this.args.get("joins") or () if isinstance(join.this, exp.Table) else ())

    def _merge(self, name: str, before: list[Relation], relation: Relation, side: str) -> None:
        lefts = [self._scope.merged.get(name.lower()), *(source.find(name) for source in before)]
        found = [next((item for item in lefts if item is not None), None), relation.find(name)]
        left, right = found
        self._scope.rows |= {Use(origin, "join") for item in found if item for origin in item.values}
        if left is not None and right is not None:
            kept = {"RIGHT": right, "FULL": left.merged(right)}.get(side, left)
            self._scope.merged[name.lower()] = kept

    def _item(self, item: exp.Expr) -> Relation:
        alias, columns = _alias(item)
        relation = self._unnamed(item)
        for pivot in item.args.get("pivots") or ():
            relation = self._pivoted(relation, pivot)
            alias, columns = (pivot.alias, []) if pivot.alias else (alias, columns)
        return relation.called(alias or relation.alias, columns)

    def _unnamed(self, item: exp.Expr) -> Relation:
        inner = item.this
        if isinstance(item, exp.Table) and isinstance(inner, exp.Identifier):
            return self._table(item)
        if isinstance(item, exp.Values):
            return self._values(item)
        if isinstance(item, exp.Pivot):
            return self._pivoted(self._item(inner), item)
        if isinstance(item, exp.Lateral | exp.Subquery) and isinstance(
            inner, exp.Query | exp.Values | exp.Pivot | exp.Table
        ):
            is_query = isinstance(inner, exp.Query) and not isinstance(inner, exp.Subquery)
            # A subquery in FROM sees the tables before it, as LATERAL says or not.
            return self._read_query(inner, self._scope) if is_query else self._item(inner)
        return self._function(item)

    def _table(self, table: exp.Table) -> Relation:
        name = ".".join(part.name for part in table.parts).lower()
        found = self._scope.tables.get(name)
        if found is None:
            found = Relation(full=name, rest=Field("", unknown=f"the columns of {name} are not known yet"))
        return replace(found, alias=table.name)

    def _values(self, values: exp.Values) -> Relation:
        rows = values.expressions
        width = len(rows[0].expressions) if rows and isinstance(rows[0], exp.Tuple) else 1
        fields = [Field(f"col{index}") for index in range(width)]
        for row in rows:
            items = row.expressions if isinstance(row, exp.Tuple) else [row]
            fields = [
                old.merged(self._reader.field(new, old.name)) for old, new in zip(fields, items, strict=False)
            ]
        return Relation(tuple(fields))

    def _function(self, item: exp.Expr) -> Relation:
        """Return what a table function gives: columns made of its arguments."""
        inner = item.this if isinstance(item, exp.Table | exp.Lateral) else item
        made = self._reader.field(
            inner, inner.sql_name().lower() if isinstance(inner, exp.Func) else "unnest"
        )
        return Relation(rest=replace(made, transform="computed" if made.values else made.transform))

    def _pivoted(self, relation: Relation, pivot: exp.Expr) -> Relation:
        if pivot.args.get("unpivot"):
            return _unpivoted(relation, pivot)
        inner = self._reader.within(Scope(self._scope.tables, self._scope.outer, [relation]))
        chosen, measures = _parts_of_pivot(pivot)
        group = pivot.args.get("group")
        names = (
            [item.name for item in group.expressions] if group else _others(relation, [*chosen, *measures])
        )
        kept = [found for name in names if (found := relation.find(name)) is not None]
        rows = {Use(origin, "group") for item in kept for origin in item.values}
        # Its further columns are called after values in the data; all of them are made alike.
        made = _spread(chosen, measures, inner)
        return Relation(tuple(kept), relation.alias, rest=made, rows=relation.rows | rows)


def _word(join: exp.Expr, name: str) -> str:
    """Return a word of the JOIN, such as its side, in capitals; nothing when it does not say it."""
    return str(join.args.get(name) or "").upper()


def _using(join: exp.Expr, before: Iterable[Relation], relation: Relation) -> list[str]:
    """Return the names of the columns that the JOIN makes one of two."""
    if _word(join, "method") == "NATURAL":
        known = {name for source in before for name in source.by_name}
        return [item.name for item in relation.fields if item.name.lower() in known]
    return [item.name for item in join.args.get("using") or ()]


def _parts_of_pivot(pivot: exp.Expr) -> tuple[list[exp.Expr], list[exp.Expr]]:
    """Return what a PIVOT spreads out into columns, and what it aggregates, in either of the two ways to write it."""
    chosen = [
        item for item in (*(pivot.args.get("fields") or ()), *pivot.expressions) if not _is_aggregate(item)
    ]
    return chosen, pivot.args.get("using") or [item for item in pivot.expressions if _is_aggregate(item)]


def _spread(chosen: Iterable[exp.Expr], measures: Iterable[exp.Expr], inner: ExpressionReader) -> Field:
    """Return what each column is that a PIVOT makes: aggregates give its values, what is spread out decides."""
    made = Field("", transform="aggregated")
    for measure in measures:
        made = made.merged(inner.field(measure, ""))
    names = [item.this if isinstance(item, exp.In) else item for item in chosen]
    uses = {Use(origin, "pivot") for item in names for origin in inner.field(item, "").values}
    return replace(made, uses=made.uses | uses)


def _is_aggregate(item: exp.Expr) -> bool:
    return item.find(exp.AggFunc) is not None or isinstance(item, exp.Anonymous)


def _others(relation: Relation, used: Iterable[exp.Expr]) -> list[str]:
    names = {column.name.lower() for item in used for column in item.find_all(exp.Column)}
    return [item.name for item in relation.fields if item.name.lower() not in names]


def _unpivoted(relation: Relation, pivot: exp.Expr) -> Relation:
    """Return the columns that stay, one of names and one of the values of those that were taken together."""
    taken, label, value = _parts_of_unpivot(pivot)
    names = {column.name.lower() for item in taken for column in item.find_all(exp.Column)}
    made = Field(value, transform="copy")
    for name in sorted(names):
        found = relation.find(name)
        made = made.merged(found) if found else made
    kept = tuple(item for item in relation.fields if item.name.lower() not in names)
    return Relation((*kept, Field(label), made), relation.alias, rest=None, rows=relation.rows)


def _parts_of_unpivot(pivot: exp.Expr) -> tuple[list[exp.Expr], str, str]:
    """Return the columns an UNPIVOT takes together, and what it calls the column of names and the one of values."""
    fields = [item for item in pivot.args.get("fields") or () if isinstance(item, exp.In)]
    if fields:
        return fields[0].expressions, fields[0].this.name, pivot.expressions[0].name
    into = pivot.args.get("into")
    # The engine's own names, where the statement gives none.
    label, value = (into.this.name, into.expressions[0].name) if into else ("name", "value")
    return pivot.expressions, label, value


def _alias(item: exp.Expr) -> tuple[str, list[str]]:
    alias = item.args.get("alias")
    if not isinstance(alias, exp.TableAlias):
        return "", []
    return alias.name, [column.name for column in alias.columns]
