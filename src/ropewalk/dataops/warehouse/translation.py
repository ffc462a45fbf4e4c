"""A table's SELECT in the engine's own dialect: every table under the name it has there, every name in lower case."""

from __future__ import annotations

import re
from collections.abc import Mapping

import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError, UnsupportedError

# The parser underlines what it stumbled over, as for a terminal.
_UNDERLINED = re.compile(r"\x1b\[\d*m")


def translate(sql: str, tables: Mapping[str, tuple[str, str]]) -> str:
    """Return the SELECT `sql`, in the lake's dialect, for PostgreSQL.

    Args:
        sql: the SELECT, which names tables in full.
        tables: schema and name there of each table, by its name in lower case.

    Raises:
        ValueError: something in it cannot be said there.
    """
    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
        if not isinstance(tree, exp.Query | exp.Values):
            raise ValueError("it is not one SELECT")
        for column in tree.find_all(exp.Column):
            # `mart.flights.id`: the table goes by its own name below.
            column.set("db", None)
        for table in list(tree.find_all(exp.Table)):
            place = tables.get(f"{table.db}.{table.name}".lower()) if table.db else None
            if place:
                _rename(table, place)
        for select in tree.find_all(exp.Select):
            _spell_out_groups(select)
        for identifier in tree.find_all(exp.Identifier):
            # PostgreSQL tells names apart by case where they are quoted; the lake never does.
            identifier.set("this", identifier.this.lower())
            identifier.set("quoted", True)
        return str(tree.sql(dialect="postgres", unsupported_level=ErrorLevel.RAISE))
    except (SqlglotError, UnsupportedError) as error:
        message = " ".join(_UNDERLINED.sub("", str(error)).split())
        raise ValueError(message) from error


def _spell_out_groups(select: exp.Select) -> None:
    """Name the columns that GROUP BY ALL means: those that aggregate nothing."""
    group = select.args.get("group")
    if not isinstance(group, exp.Group) or not group.args.get("all"):
        return
    if select.is_star:
        # They are named by number, and nobody knows here how many a star stands for.
        raise ValueError("GROUP BY ALL beside *: name the columns")
    plain = [
        number for number, column in enumerate(select.expressions, 1) if column.find(exp.AggFunc) is None
    ]
    numbers = [exp.Literal.number(number) for number in plain]
    select.set("group", exp.Group(expressions=numbers) if numbers else None)


def _rename(table: exp.Table, place: tuple[str, str]) -> None:
    alias = table.alias or table.name
    schema, name = place
    table.set("db", exp.to_identifier(schema, quoted=True))
    table.set("this", exp.to_identifier(name, quoted=True))
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
