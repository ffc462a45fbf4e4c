"""Reading a query: SELECT, set operations, common table expressions, each as a relation of fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from ropewalk.dataops.columns.expressions import ExpressionReader
from ropewalk.dataops.columns.from_items import FromReader
from ropewalk.dataops.columns.projections import grouped_fields, ordered_fields, read_projections
from ropewalk.dataops.columns.relation import Field, Relation, Scope
from ropewalk.dataops.columns.values import Use

# A recursive query adds what its own rows came from; after so many rounds nothing new comes.
ROUNDS = 4
_SEVERAL_GROUPINGS = (exp.Cube, exp.GroupingSets, exp.Rollup)


def read_query(query: exp.Expr, outer: Scope) -> Relation:
    """Return the rows that `query`, standing inside `outer`, gives: its fields and what decides about its rows."""
    tables = _common_tables(query, outer)
    scope = Scope(tables, outer)
    if isinstance(query, exp.SetOperation):
        return _set_operation(query, scope)
    if isinstance(query, exp.Select):
        return _select(query, scope)
    if isinstance(query, exp.Subquery):
        return _wrapped(query, scope)
    # VALUES and a bare PIVOT read like an item of FROM.
    item = FromReader(ExpressionReader(scope, read_query), read_query)
    return item.single(query)


def _common_tables(query: exp.Expr, outer: Scope) -> Mapping[str, Relation]:
    """Return what names mean inside the query: its own WITH, and all that was there before."""
    clause = query.args.get("with_")
    if not isinstance(clause, exp.With):
        return outer.tables
    tables = dict(outer.tables)
    for member in clause.expressions:
        name, columns = member.alias.lower(), [column.name for column in member.args["alias"].columns]
        inner = Scope(dict(tables), outer)
        if clause.args.get("recursive") and isinstance(member.this, exp.SetOperation):
            found = _recursive(member.this, name, columns, inner)
        else:
            found = read_query(member.this, inner)
        tables[name] = found.called(member.alias, columns)
    return tables


def _recursive(query: exp.SetOperation, name: str, columns: list[str], scope: Scope) -> Relation:
    found = read_query(query.left, scope)
    for _ in range(ROUNDS):
        inner = Scope({**scope.tables, name: found.called(name, columns)}, scope.outer)
        more = read_query(query.right, inner)
        joined = _united(found, more)
        if joined == found:
            break
        found = joined
    return found


def _wrapped(query: exp.Subquery, scope: Scope) -> Relation:
    if not isinstance(query.this, exp.Query):
        return FromReader(ExpressionReader(scope, read_query), read_query).single(query)
    found = read_query(query.this, scope)
    # Clauses behind the parentheses belong to the whole.
    scope.sources.append(found)
    reader = ExpressionReader(scope, read_query)
    if _is_cut(query):
        ordered_fields(query, list(found.fields), reader)
    return replace(found, rows=found.rows | scope.rows, alias=query.alias)


def _set_operation(query: exp.SetOperation, scope: Scope) -> Relation:
    left, right = read_query(query.left, scope), read_query(query.right, scope)
    if isinstance(query, exp.Union):
        return _united_by_name(left, right) if query.args.get("by_name") else _united(left, right)
    # EXCEPT and INTERSECT give rows of the left side; the right one decides which.
    deciding = {
        Use(origin, "set") for side in (left, right) for item in side.fields for origin in item.values
    }
    return replace(left, rows=left.rows | right.rows | deciding)


def _united(left: Relation, right: Relation) -> Relation:
    fields = tuple(
        item.merged(right.fields[index])
        if index < len(right.fields)
        else item.merged(right.rest)
        if right.rest
        else item
        for index, item in enumerate(left.fields)
    )
    rest = left.rest.merged(right.rest) if left.rest and right.rest else left.rest or right.rest
    return Relation(fields, left.alias, rest=rest if left.rest else None, rows=left.rows | right.rows)


def _united_by_name(left: Relation, right: Relation) -> Relation:
    fields = [
        item.merged(right.by_name[name]) if (name := item.name.lower()) in right.by_name else item
        for item in left.fields
    ]
    fields += [item for item in right.fields if item.name.lower() not in left.by_name]
    return Relation(tuple(fields), left.alias, rest=left.rest or right.rest, rows=left.rows | right.rows)


def _select(select: exp.Select, scope: Scope) -> Relation:
    reader = ExpressionReader(scope, read_query)
    FromReader(reader, read_query).read(select)
    scope.windows = {window.name.lower(): window for window in select.args.get("windows") or ()}
    fields, rest = read_projections(select, reader)
    for clause in ("where", "having", "qualify"):
        reader.rows(select.args.get(clause), clause)
    key = grouped_fields(select, fields, reader) or _kept_key(select, scope, fields)
    distinct = select.args.get("distinct")
    reader.rows(distinct.args.get("on") if isinstance(distinct, exp.Distinct) else None, "distinct")
    if _is_cut(select):
        ordered_fields(select, fields, reader)
    return Relation(tuple(fields), rest=rest, rows=frozenset(scope.rows), key=key)


def _is_cut(query: exp.Expr) -> bool:
    # The order of rows is no part of a table; where only the first ones are taken it decides which these are.
    distinct = query.args.get("distinct")
    takes_first = isinstance(distinct, exp.Distinct) and distinct.args.get("on") is not None
    return takes_first or query.args.get("limit") is not None or query.args.get("offset") is not None


def _kept_key(select: exp.Select, scope: Scope, fields: list[Field]) -> tuple[str, ...]:
    """Return the key of the one source, under the names that the SELECT gives it, when nothing repeats its rows."""
    if len(scope.sources) != 1 or select.args.get("joins") or _multiplies(select):
        return ()
    source, merging = scope.sources[0], _recast(select)
    given = [item for item in fields if item.name.lower() not in merging]
    kept = [_kept(source.by_name.get(column), given) for column in source.key]
    names = tuple(item.name.lower() for item in kept if item is not None)
    return names if len(names) == len(kept) else ()


def _kept(column: Field | None, fields: list[Field]) -> Field | None:
    """Return the field that gives `column` as it is; None where none does, or nobody knows what it is made of."""
    if column is None or not column.values:
        return None
    return next((f for f in fields if (f.transform, f.values) == (column.transform, column.values)), None)


def _recast(select: exp.Select) -> set[str]:
    """Return the names, in lower case, of what the SELECT gives in another type: two values may be one there."""
    found: set[str] = set()
    for projection in select.expressions:
        star = projection.this if isinstance(projection, exp.Column) else projection
        made = star.args.get("replace") or () if isinstance(star, exp.Star) else [projection]
        found |= {item.alias_or_name.lower() for item in made if any(map(_merges, item.find_all(exp.Cast)))}
    return found


def _merges(cast: exp.Cast) -> bool:
    # Of every type different values are different texts.
    return cast.to.this not in exp.DataType.TEXT_TYPES


def _multiplies(select: exp.Select) -> bool:
    # Groups of several kinds give a row for each kind, in which the key may stand again.
    group = select.args.get("group")
    if any(isinstance(item, _SEVERAL_GROUPINGS) for item in (group.expressions if group else ())):
        return True
    # What stands around COLUMNS(...), such as a cast, is done to each of them.
    kinds = exp.Explode | exp.Unnest | exp.Columns
    return any(isinstance(item, kinds) for e in select.expressions for item in e.walk())
