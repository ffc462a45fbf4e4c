"""Which queries keep the rows of different keys apart: shown from their tree, and held against the engine."""

from __future__ import annotations

import itertools
from functools import cache

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.transform.locality import Local, NotLocal, find_local

COLUMNS = {"orders": ["id", "qty"], "parities": ["parity", "word"]}


@pytest.mark.parametrize(
    ("query", "column"),
    [
        ("SELECT * FROM orders", "id"),
        ("SELECT o.* FROM orders AS o JOIN parities AS p ON o.qty % 2 = p.parity", "id"),
        ("SELECT *, qty + 1 AS more FROM orders LEFT JOIN parities ON qty = parity", "id"),
        ("SELECT qty AS id FROM orders", "qty"),
        ("WITH orders AS (SELECT qty AS k FROM orders) SELECT k AS id FROM orders", "qty"),
        ("SELECT id, sum(qty) FROM orders GROUP BY 1 HAVING sum(qty) > 1 ORDER BY 2", "id"),
        ("SELECT id, sum(qty) FROM orders GROUP BY ALL", "id"),
        ("WITH a AS (SELECT qty AS k FROM orders), b AS (SELECT k FROM a) SELECT k AS id FROM b", "qty"),
        (
            "SELECT id FROM (SELECT * FROM orders WHERE qty > 1) AS o WHERE qty IN (SELECT parity FROM parities)",
            "id",
        ),
        ("SELECT id FROM orders QUALIFY row_number() OVER (PARTITION BY id ORDER BY qty) = 1", "id"),
        ("SELECT id, string_agg(qty, ',' ORDER BY qty) FROM orders GROUP BY id", "id"),
        ("SELECT o.id, unnest([1, 2]) AS n FROM orders AS o, unnest([qty]) AS u (x)", "id"),
    ],
)
def test_queries_that_keep_keys_apart(query, column):
    """The key is a column of the input, carried through common table expressions, joins, groups and windows."""
    assert find_local(query, ["id"], "orders", COLUMNS) == Local("orders", (column,))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT id, row_number() OVER (ORDER BY qty) AS n FROM orders", "no PARTITION BY id"),
        ("SELECT id, row_number() OVER w FROM orders WINDOW w AS (PARTITION BY id)", "a named window"),
        ("SELECT id, row_number() OVER (PARTITION BY id) AS n FROM orders", "order of the rows"),
        ("SELECT id FROM orders LIMIT 5", "LIMIT looks across keys"),
        ("SELECT id FROM orders USING SAMPLE 5", "a sample"),
        ("SELECT max(id) AS id FROM orders", "id is computed"),
        ("SELECT id + 0 AS id FROM orders", "id is computed"),
        ("SELECT word AS id FROM orders JOIN parities ON qty = parity", "comes from another table"),
        ("SELECT id, now() AS t FROM orders", "now() gives something else"),
        ("SELECT id, current_date AS t FROM orders", "gives something else"),
        ("SELECT id, random() AS t FROM orders", "gives something else"),
        ("SELECT id FROM orders WHERE qty > (SELECT avg(qty) FROM orders)", "read a second time"),
        ("SELECT a.id FROM orders AS a JOIN orders AS b USING (id)", "or not only that"),
        ("WITH o AS (FROM orders) SELECT o.id FROM o JOIN o AS p USING (id)", "or not only that"),
        ("SELECT id FROM orders UNION ALL SELECT parity FROM parities", "UNION puts"),
        ("WITH RECURSIVE o AS (SELECT id FROM orders) SELECT id FROM o", "WITH RECURSIVE"),
        ("SELECT id FROM parities AS p JOIN orders ON qty = parity", "is not the first table"),
        ("SELECT id FROM orders RIGHT JOIN parities ON qty = parity", "a RIGHT JOIN"),
        ("SELECT id FROM orders FULL JOIN parities ON qty = parity", "a FULL JOIN"),
        ("SELECT id, first(qty) FROM orders GROUP BY id", "first() depends on the order"),
        ("SELECT DISTINCT ON (qty) id, qty FROM orders", "DISTINCT ON"),
        ("SELECT id, count(*) FROM orders GROUP BY ROLLUP (id)", "GROUP BY with totals"),
        ("SELECT k AS id FROM (SELECT qty % 2 AS k FROM orders GROUP BY k)", "k is computed"),
        ("SELECT * REPLACE (qty AS id) FROM orders", "does not name id"),
        ("SELECT * EXCLUDE (id) FROM orders", "does not name id"),
        ("PIVOT orders ON qty USING count(*)", ""),
        ("VALUES (1)", "VALUES"),
        ("SELECT id, arg_max(qty, qty) FROM orders GROUP BY id", "depends on the order"),
        ("SELECT orders.id FROM orders POSITIONAL JOIN parities", ""),
        ("SELECT id FROM orders NATURAL JOIN parities", ""),
        ("SELECT COLUMNS(*) FROM orders", "does not name id"),
        (
            "SELECT o.id FROM orders AS o, LATERAL (SELECT max(qty) AS m FROM orders AS p WHERE p.id < o.id) AS l",
            "",
        ),
        ("SELECT id FROM orders WHERE EXISTS (FROM orders AS p WHERE p.qty > orders.qty)", "second time"),
        ("SELECT o.id FROM (orders AS o JOIN parities AS p ON o.qty = p.parity)", ""),
        ("SELECT id FROM orders TABLESAMPLE 10%", ""),
    ],
)
def test_queries_that_do_not(query, reason):
    """The reason names the part of the query."""
    with pytest.raises(NotLocal) as caught:
        find_local(query, ["id"], "orders", COLUMNS)

    assert reason in str(caught.value)


SELECTED = [
    "id",
    "o.id",
    "qty AS id",
    "id, qty",
    "*",
    "o.*",
    "id, count(*) AS n",
    "qty, p.word, id",
]
JOINED = [
    "",
    "LEFT JOIN parities AS p ON o.qty % 2 = p.parity",
    "JOIN parities AS p ON true",
    "FULL JOIN parities AS p ON o.qty = p.parity",
    "ANTI JOIN parities AS p ON o.qty = p.parity",
]
REST = [
    "",
    "GROUP BY ALL",
    "GROUP BY id",
    "GROUP BY qty",
    "QUALIFY row_number() OVER (PARTITION BY o.id ORDER BY qty) = 1",
    "LIMIT 1",
]
WRAPPED = [
    "{}",
    "WITH q AS ({}) SELECT * FROM q",
    "SELECT DISTINCT * FROM ({}) AS q",
    "SELECT id FROM ({}) AS q",
]
rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6)


@cache
def local_queries():
    """Return each combination of the parts that is held to keep keys apart, with the column that is the key."""
    found = []
    for parts in itertools.product(SELECTED, JOINED, REST, WRAPPED):
        selected, joined, rest, wrapped = parts
        query = wrapped.format(f"SELECT {selected} FROM orders AS o {joined} {rest}")
        try:
            found.append((query, find_local(query, ["id"], "orders", COLUMNS).columns[0]))
        except NotLocal:
            continue
    return found


@settings(max_examples=2)
@given(rows)
def test_what_is_held_to_be_local_is(found):
    """The rows of a key are those that the query gives over the input's rows of that key."""
    values = ", ".join(map(str, found)) or "(0, 0)"
    with duckdb.connect(config={"threads": 1}) as engine:
        engine.execute("CREATE TABLE parities AS FROM (VALUES (0, 'even'), (1, 'odd')) AS v (parity, word)")
        engine.execute(f"CREATE TABLE everything AS FROM (VALUES {values}) AS v (id, qty)")
        engine.execute("CREATE VIEW orders AS FROM everything")
        queries = [(query, column) for query, column in local_queries() if _answers(engine, query)]
        whole = {query: engine.sql(f"SELECT id, * FROM ({query})").fetchall() for query, _ in queries}
        for key in range(4):
            for by in ("id", "qty"):
                engine.execute(f"CREATE OR REPLACE VIEW orders AS FROM everything WHERE {by} = {key}")
                for query in (query for query, column in queries if column == by):
                    part = engine.sql(f"SELECT id, * FROM ({query})").fetchall()
                    expected = [row for row in whole[query] if row[0] == key]
                    assert sorted(part, key=repr) == sorted(expected, key=repr), query

    assert len(queries) > 20


def _answers(engine, query):
    try:
        engine.sql(query)
    except duckdb.Error:
        return False
    return True
