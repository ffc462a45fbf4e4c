"""Whether the rows of a query that have one key are made of the rows of one input that have that key, and of no others.

Where that is so, a change of some rows of the input touches the rows of their keys alone. It is shown from the
query's tree, or not believed: every construct that is not known to keep keys apart is a reason against it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp, parse_one

# Of equal input they give other results at another time, or in another order of the rows.
VOLATILE = frozenset(
    {
        "current_date",
        "current_localtime",
        "current_localtimestamp",
        "current_time",
        "current_timestamp",
        "currentdate",
        "currenttime",
        "currenttimestamp",
        "gen_random_uuid",
        "get_current_timestamp",
        "localtime",
        "localtimestamp",
        "nextval",
        "now",
        "rand",
        "random",
        "today",
        "transaction_timestamp",
        "uuid",
        "uuidv4",
        "uuidv7",
    }
)
UNORDERED = frozenset(
    {
        "arg_max",
        "arg_min",
        "max_by",
        "min_by",
        "mode",
        "reservoir_quantile",
        "any_value",
        "arbitrary",
        "array_agg",
        "first",
        "group_concat",
        "last",
        "list",
        "listagg",
        "string_agg",
    }
)
_JOINS = ("", "INNER", "CROSS", "OUTER", "SEMI", "ANTI")
_SIDES = ("", "LEFT")
_METHODS = ("", "ASOF")


class NotLocal(Exception):
    """The keys of a query cannot be shown to be kept apart; the message says which part of it prevents that."""


@dataclass(frozen=True)
class Local:
    """The rows of each key come from the rows of `driver` with these values in `columns`, in the order of the key."""

    driver: str
    columns: tuple[str, ...]


def find_local(
    statement: str, key: Sequence[str], driver: str, columns: Mapping[str, Collection[str]]
) -> Local:
    """Return which columns of `driver` decide the `key` of the rows of `statement`.

    Args:
        statement: one SELECT.
        key: columns that it gives.
        driver: the one table that may change, as the statement names it.
        columns: the columns of each table, by the name that the statement has for it, in lower case.

    Raises:
        NotLocal: that cannot be shown.
    """
    tree = parse_one(statement, dialect="duckdb")
    _refuse_volatile(tree)
    return Local(driver, tuple(_Trace(driver, columns).follow(tree, name.lower(), {}) for name in key))


def _refuse_volatile(tree: exp.Expr) -> None:
    for function in tree.find_all(exp.Func):
        name = (function.name if isinstance(function, exp.Anonymous) else function.sql_name()).lower()
        if name in VOLATILE:
            raise NotLocal(f"{name}() gives something else each time")
        if name in UNORDERED and not function.find(exp.Order):
            raise NotLocal(f"{name}() depends on the order of the rows")


# What a name of a WITH clause stands for, and the names that were visible to it.
_Common = Mapping[str, "tuple[exp.Expr, _Common]"]


@dataclass(frozen=True)
class _Source:
    """What stands in FROM or JOIN: the name its columns go by, and the query behind it if it is no table.

    `common` are the names that it sees where it stands, `inner` those that the query behind it does.
    """

    alias: str
    item: exp.Expr
    query: exp.Expr | None
    common: _Common
    inner: _Common


@dataclass(frozen=True)
class _Trace:
    driver: str
    columns: Mapping[str, Collection[str]]

    def follow(self, tree: exp.Expr, name: str, outer: _Common) -> str:
        """Return the column of the driver that column `name` of the query is.

        Raises:
            NotLocal: it is none, or the query mixes rows of different keys.
        """
        tree = tree.unnest() if isinstance(tree, exp.Subquery) else tree
        if not isinstance(tree, exp.Select):
            raise NotLocal(f"{tree.key.upper()} puts several queries together")
        common = _common(tree, outer)
        sources = list(_sources(tree, common))
        source = self._only_touched(tree, sources, common)
        inner = self._column(tree, name, source, sources)
        _refuse_mixing(tree, inner, source)
        if source.query is None:
            known = {column.lower(): column for column in self.columns.get(self.driver, ())}
            if inner not in known:
                raise NotLocal(f"{self.driver} has no column {inner}")
            return known[inner]
        return self.follow(source.query, inner, source.inner)

    def _only_touched(self, tree: exp.Select, sources: list[_Source], common: _Common) -> _Source:
        """Return the first source, which has to be the only place where the driver is read."""
        touched = [source for source in sources if self._touches(source.item, source.common)]
        if not sources or touched != sources[:1]:
            raise NotLocal(f"{self.driver} is not the first table it selects from, or not only that")
        if any(self._touches(item, common) for item in _conditions(tree)):
            raise NotLocal(f"{self.driver} is read a second time")
        return sources[0]

    def _touches(self, tree: exp.Expr, common: _Common) -> bool:
        """Return whether the driver is read anywhere below `tree`."""
        for table in tree.find_all(exp.Table):
            name = ".".join(part.name for part in table.parts).lower()
            if name in common:
                query, visible = common[name]
                if self._touches(query, visible):
                    return True
            elif name == self.driver:
                return True
        return False

    def _column(self, tree: exp.Select, name: str, source: _Source, sources: list[_Source]) -> str:
        """Return the column of `source` that the query gives as `name`."""
        stars = []
        for item in tree.expressions:
            if isinstance(item, exp.Star) or (
                isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
            ):
                stars.append(item)
            elif item.alias_or_name.lower() == name:
                bare = item.unalias()
                if isinstance(bare, exp.Column) and self._is_of(bare, source, sources):
                    return bare.name.lower()
                raise NotLocal(f"{name} is computed, or comes from another table")
        for star in stars:
            if self._star_gives(star, name, source, sources):
                return name
        raise NotLocal(f"the query does not name {name}")

    def _star_gives(self, star: exp.Expr, name: str, source: _Source, sources: list[_Source]) -> bool:
        if name in _rewritten(star.this if isinstance(star, exp.Column) else star):
            return False
        if isinstance(star, exp.Column):
            return star.table.lower() == source.alias
        return all(self._lacks(other, name) for other in sources[1:])

    def _is_of(self, column: exp.Column, source: _Source, sources: list[_Source]) -> bool:
        if column.args.get("db"):
            return False
        if column.table:
            return column.table.lower() == source.alias
        return all(self._lacks(other, column.name.lower()) for other in sources[1:])

    def _lacks(self, source: _Source, name: str) -> bool:
        """Return whether `source` is known to have no column `name` that could be meant instead."""
        # Of a column in USING the row of the first table has the value.
        if name in _using(source.item.parent):
            return True
        if source.query is not None:
            names = [found.lower() for found in getattr(source.query.unnest(), "named_selects", ["*"])]
            return "*" not in names and name not in names
        if not isinstance(source.item, exp.Table):
            return False
        table = ".".join(part.name for part in source.item.parts).lower()
        return table in self.columns and name not in {column.lower() for column in self.columns[table]}


def _conditions(tree: exp.Select) -> Iterator[exp.Expr]:
    """Yield every part of the query but what it selects from: its columns, and the conditions of its joins too."""
    parts = [tree.args[name] for name in tree.args if name not in ("from_", "joins", "with_", "from")]
    parts += [join.args.get("on") for join in tree.args.get("joins") or []]
    for part in parts:
        for item in part if isinstance(part, list) else [part]:
            if isinstance(item, exp.Expr):
                yield item


def _rewritten(star: exp.Expr) -> set[str]:
    """Return the names that EXCLUDE, REPLACE and RENAME of a star speak of, in lower case."""
    # The parser has called the same part by both names.
    items = [
        item for part in ("except_", "except", "replace", "rename") for item in star.args.get(part) or []
    ]
    return {found.name.lower() for item in items for found in item.find_all(exp.Identifier)}


def _using(join: exp.Expr | None) -> set[str]:
    """Return the columns in USING of a join, in lower case."""
    return {item.name.lower() for item in join.args.get("using") or []} if join else set()


def _common(tree: exp.Select, outer: _Common) -> _Common:
    clause = tree.args.get("with_") or tree.args.get("with")
    found = dict(outer)
    if clause is None:
        return found
    if clause.args.get("recursive"):
        raise NotLocal("WITH RECURSIVE looks at rows again and again")
    for member in clause.expressions:
        found[member.alias.lower()] = (member.this, dict(found))
    return found


def _sources(tree: exp.Select, common: _Common) -> Iterator[_Source]:
    """Yield what the query selects from, the joins among it looked at."""
    start = tree.args.get("from_") or tree.args.get("from")
    if start is None:
        return
    yield _source(start.this, common)
    # A parenthesis and a table may carry joins of their own.
    for join in tree.args.get("joins") or []:
        _refuse_join(join)
        yield _source(join.this, common)


def _refuse_join(join: exp.Expr) -> None:
    kind, side, method = ((join.args.get(part) or "").upper() for part in ("kind", "side", "method"))
    if kind not in _JOINS or side not in _SIDES or method not in _METHODS:
        words = " ".join(word for word in (method, side, kind) if word)
        raise NotLocal(f"a {words} JOIN gives rows that no row of the first table made")


def _source(item: exp.Expr, common: _Common) -> _Source:
    for part, words in (
        ("joins", "a join in parentheses"),
        ("pivots", "PIVOT"),
        ("sample", "a sample"),
        ("laterals", "LATERAL"),
        ("version", "AT"),
        ("when", "AT"),
    ):
        if item.args.get(part):
            raise NotLocal(f"{words} beside a table")
    if isinstance(item, exp.Subquery):
        return _Source(item.alias.lower(), item, item.this, common, common)
    if not isinstance(item, exp.Table):
        # Rows made of the row itself, such as those of unnest().
        return _Source(item.alias.lower(), item, None, common, common)
    name = ".".join(part.name for part in item.parts).lower()
    alias = item.alias_or_name.lower()
    if name in common:
        query, visible = common[name]
        return _Source(alias, item, query, common, visible)
    return _Source(alias, item, None, common, common)


def _refuse_mixing(tree: exp.Select, column: str, source: _Source) -> None:
    """Refuse what brings rows of different keys together, `column` of `source` being a part of the key.

    Raises:
        NotLocal: there is such a thing.
    """
    for part, words in (
        ("limit", "LIMIT"),
        ("offset", "OFFSET"),
        ("sample", "a sample"),
        ("laterals", "LATERAL"),
        ("windows", "a named window"),
        ("connect", "CONNECT BY"),
    ):
        if tree.args.get(part):
            raise NotLocal(f"{words} looks across keys")
    distinct = tree.args.get("distinct")
    if distinct is not None and distinct.args.get("on"):
        raise NotLocal("DISTINCT ON looks across keys")
    _refuse_mixing_windows(tree, column, source)
    _refuse_mixing_groups(tree, column, source)


def _refuse_mixing_windows(tree: exp.Select, column: str, source: _Source) -> None:
    for window in tree.find_all(exp.Window):
        if window.parent_select is tree:
            cut = window.args.get("partition_by") or []
            if not any(_is_column(item, column, source) for item in cut):
                raise NotLocal(f"a window function looks across keys: it has no PARTITION BY {column}")
            if not window.args.get("order") and isinstance(
                window.this, exp.RowNumber | exp.FirstValue | exp.LastValue
            ):
                raise NotLocal("a window function depends on the order of the rows")


def _refuse_mixing_groups(tree: exp.Select, column: str, source: _Source) -> None:
    group = tree.args.get("group")
    if group is None:
        _refuse_one_group(tree)
        return
    if group.find(exp.Rollup, exp.Cube, exp.GroupingSets):
        raise NotLocal("GROUP BY with totals looks across keys")
    # GROUP BY ALL has every plain column that is selected, and the key is one.
    if not group.args.get("all") and not any(
        _is_group_of(item, tree, column, source) for item in group.expressions
    ):
        raise NotLocal(f"GROUP BY looks across keys: it does not have {column}")
    if _is_renamed(tree, column, source):
        raise NotLocal(f"{column} names two things in GROUP BY")


def _refuse_one_group(tree: exp.Select) -> None:
    """Refuse an aggregate where nothing is grouped: it is over the rows of all keys."""
    parts = [*tree.expressions, *(tree.args[part] for part in ("having", "qualify") if tree.args.get(part))]
    aggregates = (found for part in parts for found in part.find_all(exp.AggFunc))
    if any(found.parent_select is tree and not found.find_ancestor(exp.Window) for found in aggregates):
        raise NotLocal("an aggregate without GROUP BY looks across keys")


def _is_renamed(tree: exp.Select, column: str, source: _Source) -> bool:
    """Return whether the query gives something else the column's name, which GROUP BY may then mean."""
    named = [
        item for item in tree.expressions if isinstance(item, exp.Alias) and item.alias.lower() == column
    ]
    return any(not _is_column(item.unalias(), column, source) for item in named)


def _is_group_of(item: exp.Expr, tree: exp.Select, column: str, source: _Source) -> bool:
    if isinstance(item, exp.Literal) and not item.is_string:
        place = int(item.name) - 1
        item = tree.expressions[place].unalias() if 0 <= place < len(tree.expressions) else item
    return _is_column(item, column, source)


def _is_column(item: exp.Expr, column: str, source: _Source) -> bool:
    return (
        isinstance(item, exp.Column)
        and item.name.lower() == column
        and (not item.table or item.table.lower() == source.alias)
    )
