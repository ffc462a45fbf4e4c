"""The tables that a parsed statement reads, and what it may not read."""

from __future__ import annotations

import re

from sqlglot import exp

from ropewalk.dataops.transform.errors import FileInSQL, InvalidSQL
from ropewalk.dataops.transform.values import Reference
from ropewalk.errors import Place

# Table functions that make rows of what the statement itself gives them; all others read from somewhere else.
PURE_TABLE_FUNCTIONS = (
    "generate_series",
    "json_each",
    "json_tree",
    "range",
    "repeat",
    "repeat_row",
    "unnest",
)
SOURCE_HINT = "declare a source instead (`sources:` in ropewalk.yaml), and read raw.NAME here"
_NAME = re.compile(r"[^\W\d]\w*")


def place_at(text: str, offset: int, path: str) -> Place:
    """Return the line and column of the character at `offset` of `text`."""
    return Place(path, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def find_references(tree: exp.Expr, text: str, path: str) -> tuple[Reference, ...]:
    """Return the tables that `tree` reads, in order of appearance.

    Raises:
        InvalidSQL: a name has more parts than `schema.table`.
    """
    found = [
        _reference(table, text, path)
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier) and not _is_common_table(table)
    ]
    return tuple(sorted(found, key=lambda reference: reference.offset))


def refuse_outside_reads(tree: exp.Expr, text: str, path: str) -> None:
    """Return when `tree` reads only tables that have a name.

    Raises:
        FileInSQL: it calls a function that reads files or other systems, or names a file in FROM.
    """
    for item in tree.find_all(exp.Table, exp.Lateral):
        inner = item.this
        if isinstance(item, exp.Table) and _is_common_table(item):
            continue
        if isinstance(inner, exp.Func) and _function_name(inner) not in PURE_TABLE_FUNCTIONS:
            raise FileInSQL(
                f"{_function_name(inner)}() reads from outside the lake",
                place=place_at(text, _offset(inner), path),
                hint=SOURCE_HINT,
            )
        # To the engine a quoted name that is no table is a path.
        if isinstance(inner, exp.Identifier) and not _NAME.fullmatch(inner.name):
            raise FileInSQL(
                f"{inner.name!r} is a file, not a table",
                place=place_at(text, _offset(inner), path),
                hint=SOURCE_HINT,
            )


def _reference(table: exp.Table, text: str, path: str) -> Reference:
    first = table.args.get("catalog") or table.args.get("db") or table.this
    place = place_at(text, _offset(first), path)
    if table.args.get("catalog"):
        raise InvalidSQL(
            f"{table.catalog}.{table.db}.{table.name} has three parts; a table is named schema.table",
            place=place,
            nearest=f"{table.db}.{table.name}",
        )
    name = ".".join(part.name for part in table.parts).lower()
    return Reference(
        name,
        place.line or 1,
        place.column or 1,
        _offset(first),
        int(table.this.meta.get("end", 0)) + 1,
        table.alias or None,
    )


def _is_common_table(table: exp.Table) -> bool:
    """Return whether the name means a common table expression that is visible where it stands."""
    # With a schema it is a table, whatever WITH says.
    if table.args.get("db"):
        return False
    name = table.name.lower()
    # Outwards through the tree: the nearest WITH that has the name is the one the engine takes.
    inside: exp.Expr = table
    while inside.parent:
        around = inside.parent
        clause = around.args.get("with_")
        if isinstance(clause, exp.With) and clause is not inside and name in _names(clause.expressions):
            return True
        if isinstance(around, exp.With) and name in _names(_visible(around, inside)):
            return True
        inside = around
    return False


def _visible(clause: exp.With, member: exp.Expr) -> list[exp.Expr]:
    """Return the common table expressions that `member` of the clause may name: earlier ones, itself if recursive."""
    index = next(i for i, item in enumerate(clause.expressions) if item is member)
    is_recursive = clause.args.get("recursive") and isinstance(member.this, exp.SetOperation)
    return list(clause.expressions[: index + 1 if is_recursive else index])


def _names(members: list[exp.Expr]) -> set[str]:
    return {member.alias.lower() for member in members}


def _function_name(function: exp.Func) -> str:
    return (function.name if isinstance(function, exp.Anonymous) else function.sql_name()).lower()


def _offset(node: exp.Expr) -> int:
    return int(node.meta.get("start", 0))
