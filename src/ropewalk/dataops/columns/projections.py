"""The list of a SELECT: stars, COLUMNS(...) and expressions, as fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sqlglot import exp

from ropewalk.dataops.columns.expressions import ExpressionReader
from ropewalk.dataops.columns.relation import Field, Relation, Scope
from ropewalk.dataops.columns.values import Use

Wanted = Callable[[str], bool]
_LIKES: dict[type[exp.Expr], int] = {exp.Like: 0, exp.ILike: re.IGNORECASE}


def read_projections(select: exp.Select, reader: ExpressionReader) -> tuple[list[Field], Field | None]:
    """Return the fields that the SELECT gives, and what those are that cannot be listed (None: there are none)."""
    scope, fields = reader.scope, list[Field]()
    rest: Field | None = None
    for projection in select.expressions:
        found, more = _read(projection, reader)
        fields += found
        rest = rest or more
        for item in found:
            # A later expression may use an earlier one by its name.
            scope.aliases.setdefault(item.name.lower(), item)
    return fields, rest


def _read(projection: exp.Expr, reader: ExpressionReader) -> tuple[list[Field], Field | None]:
    scope = reader.scope
    star = projection.this if isinstance(projection, exp.Column) else projection
    if isinstance(star, exp.Star):
        qualifier = (
            [part.name for part in projection.parts[:-1]] if isinstance(projection, exp.Column) else []
        )
        return _star(star, qualifier, reader)
    if type(projection) in _LIKES and isinstance(projection.this, exp.Star):
        pattern, flags = _like(projection.expression.name), _LIKES[type(projection)]
        listed, rest = _listed(scope, lambda name: re.fullmatch(pattern, name, flags | re.DOTALL) is not None)
        return listed, rest
    chosen = projection.find(exp.Columns)
    if chosen is not None:
        return _columns(projection, chosen, reader)
    return [reader.field(projection, _name(projection))], None


def _name(projection: exp.Expr) -> str:
    # What has no name gets its text, as the engine does; nobody refers to it by that.
    return projection.alias_or_name or projection.sql(dialect="duckdb")


def _star(star: exp.Star, qualifier: list[str], reader: ExpressionReader) -> tuple[list[Field], Field | None]:
    excluded = {item.name.lower() for item in star.args.get("except_") or ()}
    renamed = {item.this.name.lower(): item.alias for item in star.args.get("rename") or ()}
    replaced = {item.alias.lower(): item for item in star.args.get("replace") or ()}
    fields, rest = _listed(reader.scope, lambda name: name.lower() not in excluded, qualifier)
    found = [
        reader.field(replaced[item.name.lower()], item.name) if item.name.lower() in replaced else item
        for item in fields
    ]
    return [item.named(renamed.get(item.name.lower(), item.name)) for item in found], rest


def _listed(
    scope: Scope, wanted: Wanted, qualifier: list[str] | None = None
) -> tuple[list[Field], Field | None]:
    """Return the fields that a star stands for, and what those are that it stands for besides."""
    sources = scope.sources if not qualifier else _qualified(scope, qualifier)
    if sources is None:
        return _fields_of_struct(scope, qualifier or [])
    fields: list[Field] = []
    seen: set[str] = set()
    for source in sources:
        for item in source.fields:
            # A column that a join made one of two stands there once.
            merged = None if qualifier else scope.merged.get(item.name.lower())
            if wanted(item.name) and (merged is None or item.name.lower() not in seen):
                fields.append(merged.named(item.name) if merged else item)
                seen.add(item.name.lower())
    rest = next((source.rest for source in sources if source.rest is not None), None)
    return fields, rest


def _qualified(scope: Scope, qualifier: list[str]) -> list[Relation] | None:
    wanted = ".".join(qualifier).lower()
    found = [source for source in scope.sources if wanted in (source.alias.lower(), source.full)]
    return found or None


def _fields_of_struct(scope: Scope, qualifier: list[str]) -> tuple[list[Field], Field | None]:
    """Return what `s.*` gives: columns that only the struct's type names."""
    whole = scope.resolve(qualifier)
    return [], Field("", whole.values, whole.uses, "computed", whole.unknown)


def _columns(
    projection: exp.Expr, chosen: exp.Columns, reader: ExpressionReader
) -> tuple[list[Field], Field | None]:
    """Return one field for each column that COLUMNS(...) stands for, with the expression around it."""
    listed, rest = _listed(reader.scope, _wanted(chosen.this))
    if chosen.this.find(exp.Star) is not None and isinstance(chosen.this, exp.Star):
        listed, rest = _star(chosen.this, [], reader)
    found = []
    for item in listed:
        tree = projection.copy()
        for place in list(tree.find_all(exp.Columns)):
            column = exp.column(exp.to_identifier(item.name, quoted=True))
            if place is tree:
                tree = column
            else:
                place.replace(column)
        found.append(_read_one(tree, item, reader))
    return found, rest


def _read_one(tree: exp.Expr, item: Field, reader: ExpressionReader) -> Field:
    # The name is in scope as often as sources have it; here it is clear which one is meant.
    inner = Scope(reader.scope.tables, reader.scope.outer, [Relation((item,)), *_others(reader.scope, item)])
    inner.windows = reader.scope.windows
    return reader.within(inner).field(tree, tree.alias or item.name)


def _others(scope: Scope, item: Field) -> Iterator[Relation]:
    for source in scope.sources:
        fields = tuple(other for other in source.fields if other.name.lower() != item.name.lower())
        yield Relation(fields, source.alias, source.full, source.rest)


def _wanted(chosen: exp.Expr) -> Wanted:
    """Return which names COLUMNS(...) chooses: those that match a pattern, are listed, or meet a condition."""
    if isinstance(chosen, exp.Literal):
        return lambda name: re.search(chosen.name, name) is not None
    if isinstance(chosen, exp.Array):
        names = {item.name.lower() for item in chosen.expressions}
        return lambda name: name.lower() in names
    body = chosen.this if isinstance(chosen, exp.Lambda) else None
    if type(body) in _LIKES and isinstance(body, exp.Expr):
        pattern, flags = _like(body.expression.name), _LIKES[type(body)]
        return lambda name: re.fullmatch(pattern, name, flags | re.DOTALL) is not None
    return lambda _name: True


def _like(pattern: str) -> str:
    return "".join({"%": ".*", "_": "."}.get(character, re.escape(character)) for character in pattern)


def grouped_fields(select: exp.Select, fields: list[Field], reader: ExpressionReader) -> tuple[str, ...]:
    """Note what the SELECT groups by, and return the names of the fields that tell its groups apart.

    Empty when it does not group, or does not give all it groups by.
    """
    group = select.args.get("group")
    if not isinstance(group, exp.Group):
        return ()
    if group.args.get("all"):
        keys = [item for item in fields if item.transform != "aggregated"]
        reader.scope.rows |= {Use(origin, "group") for item in keys for origin in item.values}
        return tuple(item.name.lower() for item in keys)
    named = {_bare(projection): item for projection, item in zip(select.expressions, fields, strict=False)}
    by_alias = {item.name.lower(): item for item in fields}
    found: list[Field | None] = []
    for expression in group.expressions:
        item = _grouped(expression, fields) or named.get(expression)
        if item is None and isinstance(expression, exp.Column) and not expression.table:
            item = by_alias.get(expression.name.lower())
        found.append(item)
        reader.rows(expression, "group")
        reader.scope.rows |= {Use(origin, "group") for origin in item.values} if item else set()
    is_plain = not any(group.args.get(name) for name in ("cube", "rollup", "grouping_sets"))
    names = tuple(item.name.lower() for item in found if item is not None)
    return names if is_plain and len(names) == len(found) else ()


def ordered_fields(query: exp.Expr, fields: list[Field], reader: ExpressionReader) -> None:
    """Note what rows are ordered by, for the queries in which the order decides which rows there are."""
    order = query.args.get("order")
    if not isinstance(order, exp.Order):
        return
    for item in order.expressions:
        field = _grouped(item.this, fields)
        if field is None:
            reader.rows(item.this, "order")
        else:
            reader.scope.rows |= {Use(origin, "order") for origin in field.values}


def _grouped(expression: exp.Expr, fields: list[Field]) -> Field | None:
    is_position = isinstance(expression, exp.Literal) and not expression.is_string
    index = int(expression.name) - 1 if is_position else -1
    return fields[index] if 0 <= index < len(fields) else None


def _bare(projection: exp.Expr) -> exp.Expr:
    return projection.this if isinstance(projection, exp.Alias) else projection
