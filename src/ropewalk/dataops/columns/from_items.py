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
        using = [item.name for item in join.args.get("using") or ()]
        if str(join.args.get("method") or "").upper() == "NATURAL":
            using = [
                item.name for item in relation.fields if any(item.name.lower() in s.by_name for s in before)
            ]
        for name in using:
            self._merge(name, before, relation, str(join.args.get("side") or "").upper())
        self._reader.rows(join.args.get("on"), "join")
        if str(join.args.get("kind") or "").upper() in HIDING:
            self._scope.sources.remove(relation)
        # A join inside another's parentheses belongs to its table.
        self._joins(join.this.args.get("joins") or () if isinstance(join.this, exp.Table) else ())

    def _merge(self, name: str, before: list[Relation], relation: Relation, side: str) -> None:
        lower = name.lower()
        lefts = [source.find(name) for source in before if lower in source.by_name or source.rest is not None]
        left = self._scope.merged.get(lower) or next((item for item in lefts if item is not None), None)
        right = relation.find(name)
        found = [item for item in (left, right) if item is not None]
        self._scope.rows |= {Use(origin, "join") for item in found for origin in item.values}
        if left is not None and right is not None:
            kept = {"RIGHT": right, "FULL": left.merged(right)}.get(side, left)
            self._scope.merged[lower] = kept

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
        inner = self._reader.within(Scope(self._scope.tables, self._scope.outer, [relation]))
        if pivot.args.get("unpivot"):
            return _unpivoted(relation, pivot)
        chosen = [
            item
            for item in (*(pivot.args.get("fields") or ()), *pivot.expressions)
            if not _is_aggregate(item)
        ]
        measures = pivot.args.get("using") or [item for item in pivot.expressions if _is_aggregate(item)]
        spread = [item.this if isinstance(item, exp.In) else item for item in chosen]
        uses = {origin for item in spread for origin in inner.field(item, "").values}
        group = pivot.args.get("group")
        names = (
            [item.name for item in group.expressions] if group else _others(relation, [*chosen, *measures])
        )
        kept = [found for name in names if (found := relation.find(name)) is not None]
        made = Field("", transform="aggregated")
        for measure in measures:
            made = made.merged(inner.field(measure, ""))
        made = replace(made, uses=made.uses | {Use(origin, "pivot") for origin in uses})
        rows = {Use(origin, "group") for item in kept for origin in item.values}
        # Its further columns are called after values in the data; all of them are made alike.
        return Relation(tuple(kept), relation.alias, rest=made, rows=relation.rows | rows)


def _is_aggregate(item: exp.Expr) -> bool:
    return item.find(exp.AggFunc) is not None or isinstance(item, exp.Anonymous)


def _others(relation: Relation, used: Iterable[exp.Expr]) -> list[str]:
    names = {column.name.lower() for item in used for column in item.find_all(exp.Column)}
    return [item.name for item in relation.fields if item.name.lower() not in names]


def _unpivoted(relation: Relation, pivot: exp.Expr) -> Relation:
    """Return the columns that stay, one of names and one of the values of those that were taken together."""
    fields = [item for item in pivot.args.get("fields") or () if isinstance(item, exp.In)]
    taken = fields[0].expressions if fields else pivot.expressions
    into = pivot.args.get("into")
    label = fields[0].this.name if fields else into.this.name if into else "name"
    value = pivot.expressions[0].name if fields else into.expressions[0].name if into else "value"
    names = {column.name.lower() for item in taken for column in item.find_all(exp.Column)}
    made = Field(value, transform="copy")
    for name in sorted(names):
        found = relation.find(name)
        made = made.merged(found) if found else made
    kept = tuple(item for item in relation.fields if item.name.lower() not in names)
    return Relation((*kept, Field(label), made), relation.alias, rest=None, rows=relation.rows)


def _alias(item: exp.Expr) -> tuple[str, list[str]]:
    alias = item.args.get("alias")
    if not isinstance(alias, exp.TableAlias):
        return "", []
    return alias.name, [column.name for column in alias.columns]
