"""The list of a SELECT: stars, COLUMNS(...) and expressions, as fields."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sqlglot import exp

from ropewalk.dataops.columns.expressions import ExpressionReader
from ropewalk.dataops.columns.relation import Field, Relation, Scope
from ropewalk.dataops.columns.values import Use

Wanted = Callable[[str], bool]
_Listed = tuple[exp.Expr | None, Field]


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
    if type(projection) in _PATTERNS and isinstance(projection.this, exp.Star):
        return _listed(scope, _like(projection))
    chosen = projection.find(exp.Columns)
    if chosen is not None:
        return _columns(projection, chosen, reader)
    return [reader.field(projection, _name(projection))], None


def _name(projection: exp.Expr) -> str:
    # What has no name gets its text, as the engine does; nobody refers to it by that.
    return projection.alias_or_name or projection.sql(dialect="duckdb")


def _star(star: exp.Star, qualifier: list[str], reader: ExpressionReader) -> tuple[list[Field], Field | None]:
    renamed = {item.this.name.lower(): item.alias for item in star.args.get("rename") or ()}
    replaced = {item.alias.lower(): item for item in star.args.get("replace") or ()}
    fields, rest = _listed(reader.scope, _left(star), qualifier)
    found = [
        reader.field(replaced[item.name.lower()], item.name) if item.name.lower() in replaced else item
        for item in fields
    ]
    return [item.named(renamed.get(item.name.lower(), item.name)) for item in found], rest


def _left(star: exp.Star) -> Wanted:
    """Return which names a star leaves: all but those of EXCLUDE, or those that are like the pattern of ILIKE."""
    excluded = {item.name.lower() for item in star.args.get("except_") or ()}
    # The parser keeps this pattern with the star, and those of LIKE, GLOB and SIMILAR TO around it.
    ilike = star.args.get("ilike")
    is_like = _like(exp.ILike(this=star, expression=ilike)) if ilike else _any
    return lambda name: name.lower() not in excluded and is_like(name)


def _listed(
    scope: Scope, wanted: Wanted, qualifier: list[str] | None = None
) -> tuple[list[Field], Field | None]:
    """Return the fields that a star stands for, and what those are that it stands for besides."""
    sources = scope.sources if not qualifier else _qualified(scope, qualifier)
    if sources is None:
        return _fields_of_struct(scope, qualifier or [])
    fields = [item for source in sources for item in source.fields if wanted(item.name)]
    rest = next((source.rest for source in sources if source.rest is not None), None)
    return fields if qualifier else list(_joined(fields, scope.merged)), rest


def _joined(fields: Iterable[Field], merged: Mapping[str, Field]) -> Iterator[Field]:
    """Yield the fields; a column that a join made one of two stands there once."""
    seen: set[str] = set()
    for item in fields:
        name = item.name.lower()
        if name not in merged:
            yield item
        elif name not in seen:
            yield merged[name].named(item.name)
        seen.add(name)


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
        return _matching(chosen.name, re.Pattern.search)
    if isinstance(chosen, exp.Array):
        names = {item.name.lower() for item in chosen.expressions}
        return lambda name: name.lower() in names
    body = chosen.this if isinstance(chosen, exp.Lambda) else None
    return _like(body) if type(body) in _PATTERNS and isinstance(body, exp.Expr) else _any


def _any(_name: str) -> bool:
    # What cannot be told may choose every column: better one too many than a change that nobody hears of.
    return True


def _like(condition: exp.Expr) -> Wanted:
    """Return which names meet `LIKE` or one of its kin, or do not, where it is negated."""
    matches = _matching(_PATTERNS[type(condition)](condition.expression.name), re.Pattern.fullmatch)
    return (lambda name: not matches(name)) if condition.args.get("negate") else matches


def _matching(pattern: str, match: Callable[[re.Pattern[str], str], re.Match[str] | None]) -> Wanted:
    try:
        compiled = re.compile(pattern)
    except re.error:
        # The engine's patterns have words that Python's lack, such as \pL.
        return _any
    return lambda name: match(compiled, name) is not None


def _like_pattern(text: str) -> str:
    return "(?s)" + "".join({"%": ".*", "_": "."}.get(character, re.escape(character)) for character in text)


# How the pattern of a condition is written as a regular expression.
_PATTERNS: dict[type[exp.Expr], Callable[[str], str]] = {
    exp.Like: _like_pattern,
    exp.ILike: lambda text: f"(?i){_like_pattern(text)}",
    exp.Glob: fnmatch.translate,
    exp.SimilarTo: str,
}


def grouped_fields(select: exp.Select, fields: list[Field], reader: ExpressionReader) -> tuple[str, ...]:
    """Note what the SELECT groups by, and return the names of the fields that tell its groups apart.

    Empty when it does not group, or does not give all it groups by.
    """
    group = select.args.get("group")
    if not isinstance(group, exp.Group):
        return ()
    if group.args.get("all"):
        return _grouped_by(
            [item for item in fields if item.transform not in ("aggregated", "picked")], reader
        )
    listed = _paired(select, fields)
    found: list[Field | None] = []
    for expression in group.expressions:
        reader.rows(expression, "group")
        found.append(_grouped(expression, fields) or _key_field(expression, listed, reader.scope))
    return _grouped_by(found, reader)


def _grouped_by(keys: Sequence[Field | None], reader: ExpressionReader) -> tuple[str, ...]:
    """Note that the fields decide about groups, and return their names in lower case; none when one is not given."""
    known = [item for item in keys if item is not None]
    reader.scope.rows |= {Use(origin, "group") for item in known for origin in item.values}
    return tuple(item.name.lower() for item in known) if len(known) == len(keys) else ()


def _paired(select: exp.Select, fields: list[Field]) -> list[_Listed]:
    """Return each field with the expression that makes it, None where a star may have made it."""
    # A star gives many fields for one expression, so places in the list are not places of fields.
    if len(select.expressions) != len(fields):
        return [(None, item) for item in fields]
    return list(zip(map(_bare, select.expressions), fields, strict=True))


def _key_field(expression: exp.Expr, listed: list[_Listed], scope: Scope) -> Field | None:
    """Return the field that gives what `expression` of GROUP BY groups by; None when no field does."""
    same = next((item for made, item in listed if made == expression), None)
    if same is not None or not isinstance(expression, exp.Column) or expression.table:
        return same
    return _called(expression.name, listed, scope)


def _called(name: str, listed: list[_Listed], scope: Scope) -> Field | None:
    found = next((pair for pair in listed if pair[1].name.lower() == name.lower()), None)
    # The engine takes a column of what is read before one of the list, which may be made of it: upper(city) AS city.
    if found is None or (scope.reads(name) and not _is_column(found, scope.resolve([name]))):
        return None
    return found[1]


def _is_column(listed: _Listed, column: Field) -> bool:
    """Return whether the SELECT lists `column` as it is: a cast is a copy too, and may make two values one."""
    made, item = listed
    is_bare = made is None or isinstance(made, exp.Column)
    return is_bare and item.transform == column.transform and item.values == column.values


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
