"""From the SQL of one table to its lineage: where values come from, what decides, and what tells rows apart."""

from __future__ import annotations

import pytest

from ropewalk.dataops.columns.parse import read_lineage
from ropewalk.dataops.columns.schemas import Schema
from ropewalk.dataops.columns.values import ColumnLineage, Origin, TableLineage, greatest

INPUTS = {
    "o": Schema("raw.orders", ("id", "city", "amount", "at"), ("id",)),
    "c": Schema("raw.cities", ("city", "name", "land")),
    "u": Schema("raw.unseen", None),
}


def _read(sql: str, columns: list[str] | None = None) -> TableLineage:
    return read_lineage("mart.t", sql, INPUTS, columns)


def _only(sql: str) -> ColumnLineage:
    (column,) = _read(sql).columns
    return column


def _said(column: ColumnLineage) -> tuple[str, str, str]:
    uses = " ".join(f"{use.how}:{use.origin}" for use in column.uses)
    return " ".join(map(str, column.values)), uses, column.transform


@pytest.mark.parametrize(
    ("expression", "values", "transform"),
    [
        ("amount", "raw.orders.amount", "copy"),
        ("o.amount", "raw.orders.amount", "copy"),
        ("AMOUNT", "raw.orders.amount", "copy"),
        ("(amount)", "raw.orders.amount", "copy"),
        ("CAST(amount AS DOUBLE)", "raw.orders.amount", "copy"),
        ("TRY_CAST(amount AS DOUBLE)", "raw.orders.amount", "copy"),
        ("amount * 2", "raw.orders.amount", "computed"),
        ("amount + id", "raw.orders.amount raw.orders.id", "computed"),
        ("upper(city) || 'x'", "raw.orders.city", "computed"),
        ("coalesce(city, 'none')", "raw.orders.city", "computed"),
        ("[amount, id]", "raw.orders.amount raw.orders.id", "computed"),
        ("list_transform([amount], x -> x + id)", "raw.orders.amount raw.orders.id", "computed"),
        ("[x + id for x in [amount]]", "raw.orders.amount raw.orders.id", "computed"),
        ("sum(amount)", "raw.orders.amount", "aggregated"),
        ("avg(amount) / 2", "raw.orders.amount", "aggregated"),
        ("count(DISTINCT city)", "raw.orders.city", "aggregated"),
        ("count(*)", "", "aggregated"),
        ("max(amount)", "raw.orders.amount", "picked"),
        ("list(amount)", "raw.orders.amount", "picked"),
        ("sum(amount) + max(id)", "raw.orders.amount raw.orders.id", "picked"),
        ("1", "", "constant"),
        ("NULL", "", "constant"),
        ("current_date", "", "constant"),
    ],
)
def test_where_values_come_from(expression: str, values: str, transform: str) -> None:
    """Another type or name is the same value; what is summed tells less of one row than what is picked."""
    found = _only(f"SELECT {expression} AS v FROM o")

    assert _said(found) == (values, "", transform)
    assert found.unknown is None


@pytest.mark.parametrize(
    ("expression", "values", "uses"),
    [
        ("CASE WHEN city = 'x' THEN amount END", "raw.orders.amount", "condition:raw.orders.city"),
        ("CASE city WHEN 'x' THEN 1 ELSE id END", "raw.orders.id", "condition:raw.orders.city"),
        ("if(at IS NULL, amount, id)", "raw.orders.amount raw.orders.id", "condition:raw.orders.at"),
        ("sum(amount) FILTER (WHERE city = 'x')", "raw.orders.amount", "filter:raw.orders.city"),
        (
            "row_number() OVER (PARTITION BY city ORDER BY at)",
            "",
            "window:raw.orders.at window:raw.orders.city",
        ),
        ("lag(amount) OVER (ORDER BY at)", "raw.orders.amount", "window:raw.orders.at"),
        ("list(amount ORDER BY at)", "raw.orders.amount", "order:raw.orders.at"),
        ("(SELECT max(name) FROM c WHERE land = 'x')", "raw.cities.name", "subquery:raw.cities.land"),
        (
            "EXISTS (SELECT 1 FROM c WHERE c.city = o.city)",
            "",
            "subquery:raw.cities.city subquery:raw.orders.city",
        ),
    ],
)
def test_what_decides_without_giving_values(expression: str, values: str, uses: str) -> None:
    """A column that only says which value another takes is a use of it, by how it decides."""
    assert _said(_only(f"SELECT {expression} AS v FROM o"))[:2] == (values, uses)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT id FROM o", ""),
        ("SELECT id FROM o WHERE at IS NOT NULL", "where:raw.orders.at"),
        (
            "SELECT id FROM o WHERE city IN (SELECT city FROM c)",
            "where:raw.cities.city where:raw.orders.city",
        ),
        ("SELECT id FROM o JOIN c ON o.city = c.name", "join:raw.cities.name join:raw.orders.city"),
        ("SELECT id FROM o LEFT JOIN c USING (city)", "join:raw.cities.city join:raw.orders.city"),
        ("SELECT count(*) FROM o GROUP BY city", "group:raw.orders.city"),
        ("SELECT count(*) FROM o HAVING sum(amount) > 1", "having:raw.orders.amount"),
        ("SELECT id FROM o QUALIFY row_number() OVER (PARTITION BY city) = 1", "qualify:raw.orders.city"),
        ("SELECT DISTINCT ON (city) id FROM o", "distinct:raw.orders.city"),
        ("SELECT id FROM o ORDER BY at", ""),
        ("SELECT id FROM o ORDER BY at LIMIT 5", "order:raw.orders.at"),
        ("SELECT id FROM o ORDER BY 1 LIMIT 5", "order:raw.orders.id"),
        ("SELECT id FROM o EXCEPT SELECT name FROM c", "set:raw.cities.name set:raw.orders.id"),
    ],
)
def test_what_decides_about_rows(sql: str, rows: str) -> None:
    """Each clause by its name; the order only where rows are cut off."""
    assert " ".join(f"{use.how}:{use.origin}" for use in _read(sql).rows) == rows


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT * FROM o", "id city amount at"),
        ("SELECT * EXCLUDE (at, city) FROM o", "id amount"),
        ("SELECT * RENAME (id AS key) FROM o", "key city amount at"),
        ("SELECT * ILIKE 'A%' FROM o", "amount at"),
        ("SELECT COLUMNS('^a') FROM o", "amount at"),
        ("SELECT o.*, name FROM o JOIN c USING (city)", "id city amount at name"),
        ("SELECT * FROM o JOIN c USING (city)", "id city amount at name land"),
        ("SELECT x.id FROM (SELECT * FROM o) x", "id"),
        ("WITH a(k) AS (SELECT id FROM o) SELECT * FROM a", "k"),
        ("FROM o", "id city amount at"),
    ],
)
def test_stars(sql: str, names: str) -> None:
    """They stand for the columns that are known, less what is left out."""
    assert " ".join(column.name for column in _read(sql).columns) == names


@pytest.mark.parametrize(
    ("sql", "key"),
    [
        ("SELECT id, amount FROM o", ("id",)),
        ("SELECT id AS number FROM o WHERE at IS NULL", ("number",)),
        ("SELECT amount FROM o", ()),
        ("SELECT id + 1 AS id FROM o", ()),
        ("SELECT CAST(id AS VARCHAR) AS id FROM o", ("id",)),
        ("SELECT CAST(id AS DATE) AS day FROM o", ()),
        ("SELECT id::TINYINT FROM o", ()),
        ("SELECT id::DATE AS day, id FROM o", ("id",)),
        ("SELECT * REPLACE (id::DATE AS id) FROM o", ()),
        ("SELECT id::DATE AS day, * EXCLUDE (id) FROM o", ()),
        ("SELECT COLUMNS(*)::DATE FROM o", ()),
        ("WITH a AS (SELECT id::DATE AS id FROM o) SELECT id FROM a", ()),
        ("WITH a AS (SELECT id, amount FROM o) SELECT * FROM a", ("id",)),
        ("SELECT id FROM o JOIN c USING (city)", ()),
        ("SELECT id FROM o, c", ()),
        ("SELECT id, unnest([1, 2]) FROM o", ()),
        ("SELECT id FROM o UNION ALL SELECT id FROM o", ()),
        ("SELECT city, sum(amount) FROM o GROUP BY city", ("city",)),
        ("SELECT city, at, sum(amount) FROM o GROUP BY ALL", ("city", "at")),
        ("SELECT at::DATE AS day, count(*) FROM o GROUP BY 1", ("day",)),
        ("SELECT at::DATE AS at, count(*) FROM o GROUP BY at", ()),
        ("SELECT upper(city) AS city, count(*) FROM o GROUP BY city", ()),
        ("SELECT count(*) FROM o GROUP BY city", ()),
        ("SELECT city, id, count(*) FROM o GROUP BY ROLLUP (city, id)", ()),
    ],
)
def test_what_tells_rows_apart(sql: str, key: tuple[str, ...]) -> None:
    """A key that is kept, and what is grouped by; not what a cast may have made one of two, or a join repeated."""
    assert _read(sql).key == key


def test_a_table_whose_columns_nobody_has_seen() -> None:
    """A column that is named is believed; a star is not known."""
    assert _said(_only("SELECT x FROM u"))[0] == "raw.unseen.x"
    assert _read("SELECT * FROM u").unknown == "the columns of raw.unseen are not known yet"
    (column,) = _read("SELECT * FROM u", ["x"]).columns
    assert (column.name, column.unknown) == ("x", "the columns of raw.unseen are not known yet")


def test_a_column_that_is_not_there() -> None:
    """It is said of the column, and the rest is read."""
    missing, known = _read("SELECT missing, id FROM o").columns

    assert missing.unknown == "nothing that is read has a column missing"
    assert known.unknown is None


def test_sql_that_is_not_understood() -> None:
    """All columns that the table has are unknown, and what it reads is told all the same."""
    found = _read("SELECT (", ["a", "b"])

    assert [column.unknown for column in found.columns] == ["its SQL is not understood"] * 2
    assert (found.unknown, found.reads) == (
        "its SQL is not understood",
        ("raw.cities", "raw.orders", "raw.unseen"),
    )


def test_columns_as_the_engine_called_them() -> None:
    """By place, whatever the text of the SQL would call them."""
    found = _read("SELECT id, count(*) FROM o GROUP BY id", ["id", "count_star()"])

    assert [column.name for column in found.columns] == ["id", "count_star()"]
    assert found.column("COUNT_STAR()") == found.columns[1]
    assert found.column("other") is None


def test_the_greatest_change() -> None:
    """Of several, the one that changes most; of none, nothing was changed."""
    assert greatest(["copy", "picked", "computed"]) == "picked"
    assert greatest([]) == "constant"
    assert str(Origin("raw.a", "b")) == "raw.a.b"
