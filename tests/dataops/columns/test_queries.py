"""What the columns of a query come from: values and decisions told apart, through everything that SQL has."""

from __future__ import annotations

import pytest

from ropewalk.dataops.columns.parse import read_lineage
from ropewalk.dataops.columns.schemas import Schema

INPUTS = {
    "s.t": Schema("s.t", ("id", "a", "b", "c", "l", "s", "x", "city"), ("id",)),
    "s.u": Schema("s.u", ("id", "k", "v", "x")),
    "short": Schema("s.u", ("id", "k", "v", "x")),
    "s.open": Schema("s.open", None),
}
ALL = "id:s.t.id a:s.t.a b:s.t.b c:s.t.c l:s.t.l s:s.t.s x:s.t.x city:s.t.city"


def lineage(sql: str, columns: tuple[str, ...] | None = None):
    return read_lineage("m.r", sql, INPUTS, columns)


def told(sql: str) -> tuple[str, str]:
    """Return columns as `name:origin,origin~how=origin`, and what decides about rows, as text."""
    found = lineage(sql)
    columns = []
    for column in found.columns:
        uses = ",".join(f"{use.how}={use.origin}" for use in column.uses)
        columns.append(f"{column.name}:{','.join(map(str, column.values))}" + (f"~{uses}" if uses else ""))
    return " ".join(columns), " ".join(f"{use.how}={use.origin}" for use in found.rows)


CASES = [
    # Plain columns, expressions, constants; what WHERE reads decides about rows.
    ("SELECT a, b + c AS d, 1 AS one FROM s.t WHERE x > 1", "a:s.t.a d:s.t.b,s.t.c one:", "where=s.t.x"),
    # What a CASE asks only decides.
    ("SELECT CASE WHEN a > 1 THEN b ELSE c END AS e FROM s.t", "e:s.t.b,s.t.c~condition=s.t.a", ""),
    ("SELECT CASE a WHEN 1 THEN b END AS e, IF(x > 0, c, 0) AS f FROM s.t", "e:s.t.b~condition=s.t.a f:s.t.c~condition=s.t.x", ""),
    ("SELECT sum(a) FILTER (WHERE b > 1) AS e, first(a ORDER BY c) AS f FROM s.t", "e:s.t.a~filter=s.t.b f:s.t.a~order=s.t.c", ""),
    # Names: with a schema, with an alias, short, in another case.
    ("SELECT s.t.a, q.V, short.k FROM s.t JOIN s.u AS q ON q.id = s.t.id, short", "a:s.t.a V:s.u.v k:s.u.k", "join=s.t.id join=s.u.id"),
    # Stars, and all they can leave out, replace and rename.
    ("SELECT * FROM s.u", "id:s.u.id k:s.u.k v:s.u.v x:s.u.x", ""),
    ("SELECT u.*, t.a FROM s.t, s.u", "id:s.u.id k:s.u.k v:s.u.v x:s.u.x a:s.t.a", ""),
    ("SELECT * EXCLUDE (id, x) REPLACE (k + v AS k) RENAME (v AS w) FROM s.u", "k:s.u.k,s.u.v w:s.u.v", ""),
    ("SELECT * LIKE '_' FROM s.u", "k:s.u.k v:s.u.v x:s.u.x", ""),
    ("SELECT * ILIKE 'K' FROM s.u", "k:s.u.k", ""),
    ("SELECT * NOT LIKE '_' FROM s.u", "id:s.u.id", ""),
    ("SELECT * GLOB '[kv]' FROM s.u", "k:s.u.k v:s.u.v", ""),
    ("SELECT * SIMILAR TO 'k|v' FROM s.u", "k:s.u.k v:s.u.v", ""),
    ("SELECT COLUMNS(c -> c NOT LIKE '_') FROM s.u", "id:s.u.id", ""),
    # A pattern that only the engine knows may choose any.
    ("SELECT COLUMNS('\\pL') FROM s.u", "id:s.u.id k:s.u.k v:s.u.v x:s.u.x", ""),
    ("SELECT COLUMNS('^[kv]$') * 2 FROM s.u", "k:s.u.k v:s.u.v", ""),
    ("SELECT COLUMNS(* EXCLUDE (id, x))::VARCHAR FROM s.u", "k:s.u.k v:s.u.v", ""),
    ("SELECT COLUMNS(c -> c LIKE '%d') FROM s.u", "id:s.u.id", ""),
    ("SELECT COLUMNS(['k', 'X']) FROM s.u", "k:s.u.k x:s.u.x", ""),
    # Joins: USING makes one column of two, from the side that has it for sure.
    ("SELECT * FROM s.u JOIN (SELECT id, a FROM s.t) AS q USING (id)", "id:s.u.id k:s.u.k v:s.u.v x:s.u.x a:s.t.a", "join=s.t.id join=s.u.id"),
    ("SELECT id FROM s.u RIGHT JOIN s.t USING (id)", "id:s.t.id", "join=s.t.id join=s.u.id"),
    ("SELECT id FROM s.u FULL JOIN s.t USING (id)", "id:s.t.id,s.u.id", "join=s.t.id join=s.u.id"),
    ("SELECT k FROM s.u NATURAL JOIN (SELECT id FROM s.t)", "k:s.u.k", "join=s.t.id join=s.u.id"),
    ("SELECT a FROM s.t SEMI JOIN s.u USING (id)", "a:s.t.a", "join=s.t.id join=s.u.id"),
    ("SELECT t.a, u.v FROM s.t ASOF JOIN s.u ON t.id = u.id AND t.x >= u.x", "a:s.t.a v:s.u.v", "join=s.t.id join=s.t.x join=s.u.id join=s.u.x"),
    # Common table expressions, nested, shadowing, recursive.
    ("WITH q AS (SELECT a AS n FROM s.t WHERE b = 1) SELECT n + 1 AS m FROM q", "m:s.t.a", "where=s.t.b"),
    ("WITH q (n) AS (SELECT a FROM s.t), r AS (SELECT n FROM q) SELECT * FROM r", "n:s.t.a", ""),
    ("WITH u AS (SELECT a AS v FROM s.t) SELECT v FROM u", "v:s.t.a", ""),
    (
        "WITH RECURSIVE r (n, p) AS (SELECT id, a FROM s.t UNION ALL SELECT r.n, u.v FROM r JOIN s.u ON u.k = r.n) FROM r",
        "n:s.t.id p:s.t.a,s.u.v",
        "join=s.t.id join=s.u.k",
    ),
    # Set operations by place and by name; what is taken away decides.
    ("SELECT a FROM s.t UNION ALL SELECT v FROM s.u", "a:s.t.a,s.u.v", ""),
    ("SELECT a, b FROM s.t UNION BY NAME SELECT v AS b FROM s.u", "a:s.t.a b:s.t.b,s.u.v", ""),
    ("SELECT a FROM s.t EXCEPT SELECT v FROM s.u", "a:s.t.a", "set=s.t.a set=s.u.v"),
    # Groups, windows, and clauses that use names of the list.
    ("SELECT city, sum(x) AS n FROM s.t GROUP BY ALL HAVING min(a) > 1", "city:s.t.city n:s.t.x", "having=s.t.a group=s.t.city"),
    ("SELECT upper(city) AS c2, count(*) AS n FROM s.t GROUP BY 1", "c2:s.t.city n:", "group=s.t.city"),
    ("SELECT a FROM s.t ORDER BY b", "a:s.t.a", ""),
    ("SELECT a AS q FROM s.t ORDER BY b, 1 LIMIT 3", "q:s.t.a", "order=s.t.a order=s.t.b"),
    ("SELECT DISTINCT ON (city) a FROM s.t ORDER BY x", "a:s.t.a", "distinct=s.t.city order=s.t.x"),
    ("SELECT sum(a) OVER (PARTITION BY city ORDER BY x) AS n FROM s.t", "n:s.t.a~window=s.t.city,window=s.t.x", ""),
    ("SELECT lag(a) OVER w AS n FROM s.t WINDOW w AS (ORDER BY id)", "n:s.t.a~window=s.t.id", ""),
    (
        "SELECT a, row_number() OVER (PARTITION BY city ORDER BY x) AS r FROM s.t QUALIFY r = 1",
        "a:s.t.a r:~window=s.t.city,window=s.t.x",
        "qualify=s.t.city qualify=s.t.x",
    ),
    ("SELECT a AS q, q + b AS w FROM s.t WHERE q > 1", "q:s.t.a w:s.t.a,s.t.b", "where=s.t.a"),
    # Queries inside expressions: what they select gives values, what they filter by decides.
    ("SELECT (SELECT max(v) FROM s.u WHERE u.k = t.id) AS m FROM s.t", "m:s.u.v~subquery=s.t.id,subquery=s.u.k", ""),
    ("SELECT id FROM s.t WHERE EXISTS (SELECT 1 FROM s.u WHERE u.x = t.x)", "id:s.t.id", "where=s.t.x where=s.u.x"),
    ("SELECT id FROM s.t WHERE a IN (SELECT k FROM s.u WHERE v = 1)", "id:s.t.id", "where=s.t.a where=s.u.k where=s.u.v"),
    # Nested data: structs, lists, lambdas, what is unnested.
    ("SELECT s.k, t.s.z, s['q'] AS q, {'n': a}.n AS n FROM s.t", "k:s.t.s z:s.t.s q:s.t.s n:s.t.a", ""),
    ("SELECT list_transform(l, e -> e + a) AS n, [i + 1 FOR i IN l IF i > x] AS m FROM s.t", "n:s.t.a,s.t.l m:s.t.l~condition=s.t.x", ""),
    ("SELECT w, unnest(l) AS e FROM s.t, unnest(t.l) AS q (w)", "w:s.t.l e:s.t.l", ""),
    ("SELECT a, d FROM s.t, LATERAL (SELECT t.b + u.v AS d FROM s.u WHERE u.id = t.id) AS q", "a:s.t.a d:s.t.b,s.u.v", "where=s.t.id where=s.u.id"),
    ("SELECT t FROM (SELECT a, b FROM s.t) AS t", "t:s.t.a,s.t.b", ""),
    # Rows of the statement's own.
    ("SELECT n, i FROM (VALUES (1, 'x')) AS v (n, m), range(3) AS r (i)", "n: i:", ""),
    ("VALUES (1, 2)", "col0: col1:", ""),
    ("FROM s.u SELECT v", "v:s.u.v", ""),
    # Pivots: what is aggregated gives values, what is spread out decides.
    ("SELECT * FROM s.u UNPIVOT (val FOR nam IN (v, x))", "id:s.u.id k:s.u.k nam: val:s.u.v,s.u.x", ""),
    ("UNPIVOT s.u ON v, x", "id:s.u.id k:s.u.k name: value:s.u.v,s.u.x", ""),
    ("UNPIVOT s.u ON v, x INTO NAME n VALUE w", "id:s.u.id k:s.u.k n: w:s.u.v,s.u.x", ""),
    ("((SELECT a FROM s.t))", "a:s.t.a", ""),
    ("SELECT k FROM s.u INTERSECT SELECT a FROM s.t", "k:s.u.k", "set=s.t.a set=s.u.k"),
    ("SELECT z FROM s.t AS q (z)", "z:s.t.id", ""),
    ("TABLE s.u", "id:s.u.id k:s.u.k v:s.u.v x:s.u.x", ""),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "columns", "rows"), CASES, ids=[case[0][:60] for case in CASES])
def test_values_and_decisions(sql, columns, rows):
    """Each column has exactly the origins that it has, and each decision its kind."""
    assert told(sql) == (columns, rows)


@pytest.mark.parametrize(
    "sql",
    [
        "FROM (PIVOT s.t ON city USING sum(x) GROUP BY a)",
        "SELECT * FROM s.t PIVOT (sum(x) FOR city IN ('Oslo', 'Rome') GROUP BY a)",
    ],
)
def test_columns_that_are_called_after_data(sql):
    """A pivot's columns have names from the data: seen ones are explained, unseen ones are not guessed."""
    unseen, seen = lineage(sql), lineage(sql, ("a", "Oslo", "Rome"))

    assert [column.name for column in unseen.columns] == ["a"]
    assert "values in the data" in unseen.unknown
    assert [(c.name, [*map(str, c.values)], [*map(str, c.uses)]) for c in seen.columns][1][:2] == (
        "Oslo",
        ["s.t.x"],
    )
    assert {use.how for use in seen.columns[1].uses} == {"pivot"}
    assert seen.unknown is None


def test_transforms_say_what_happened_to_a_value():
    """A copy under any name or type is a copy; the rest is computed or aggregated, over all levels."""
    found = lineage(
        "WITH q AS (SELECT a AS n, sum(b) AS m, max(c) OVER () AS w FROM s.t GROUP BY ALL) "
        "SELECT n, n::VARCHAR AS t, n + 1 AS p, m, m / 2 AS h, w, 3 AS k FROM q"
    )

    assert {column.name: column.transform for column in found.columns} == {
        "n": "copy",
        "t": "copy",
        "p": "computed",
        "m": "aggregated",
        "h": "aggregated",
        "w": "computed",
        "k": "constant",
    }


@pytest.mark.parametrize(
    ("value", "transform"),
    [
        ("sum(c)", "aggregated"),
        ("avg(c) / 2", "aggregated"),
        ("count(DISTINCT c)", "aggregated"),
        ("stddev_pop(c)::INTEGER", "aggregated"),
        ("max(c)", "picked"),
        ("first(c ORDER BY b)", "picked"),
        ("median(c)", "picked"),
        ("arg_max(c, b)", "picked"),
        ("list(c)", "picked"),
        ("string_agg(c, ',')", "picked"),
        ("sum(c) - max(c)", "picked"),
    ],
)
def test_what_picks_a_value_is_no_summary(value, transform):
    """A sum tells of all rows of a group; the greatest value is that of one of them."""
    found = lineage(f"SELECT a, {value} AS v FROM s.t GROUP BY ALL")

    assert found.columns[1].transform == transform


def test_a_picked_value_stays_one_in_a_sum():
    """Over several levels what was picked is not hidden by what is summed beside it, and ALL groups by neither."""
    found = lineage(
        "WITH q AS (SELECT a, max(c) AS m, sum(b) AS s FROM s.t GROUP BY ALL) SELECT a, s + m AS v FROM q"
    )

    assert found.columns[1].transform == "picked"
    assert found.key == ("a",)


@pytest.mark.parametrize(
    ("sql", "key"),
    [
        ("SELECT city, x, sum(a) AS n FROM s.t GROUP BY ALL", ("city", "x")),
        ("SELECT upper(city) AS c, sum(a) FROM s.t GROUP BY 1", ("c",)),
        ("SELECT id, city, sum(a) AS n FROM s.t GROUP BY ROLLUP (id, city)", ()),
        ("SELECT id, city FROM s.t GROUP BY GROUPING SETS ((id), (city))", ()),
        ("SELECT city AS place, sum(a) FROM s.t GROUP BY place", ("place",)),
        ("SELECT t.city AS city, sum(a) FROM s.t GROUP BY city", ("city",)),
        # The engine groups by the column that it reads, of which the list may give one value twice.
        ("SELECT upper(city) AS city, sum(a) FROM s.t GROUP BY city", ()),
        ("SELECT x::DATE AS x, sum(a) FROM s.t GROUP BY x", ()),
        # Behind a star the places of the list are not those of the columns.
        ("SELECT *, upper(k) AS w FROM s.u GROUP BY id, k, v, x, upper(k)", ()),
        ("SELECT *, upper(k) AS w FROM s.u GROUP BY id, k, v, x", ("id", "k", "v", "x")),
        # Not all that it groups by is there, or more than one grouping is.
        ("SELECT city, sum(a) AS n FROM s.t GROUP BY city, x", ()),
        ("SELECT city, x, sum(a) AS n FROM s.t GROUP BY CUBE (city, x)", ()),
        # A key that is kept, renamed and filtered stays one; a join or a list may repeat it.
        ("SELECT id AS order_id, a FROM s.t WHERE b = 1", ("order_id",)),
        ("SELECT a FROM s.t", ()),
        ("SELECT id + 1 AS id FROM s.t", ()),
        ("SELECT id, unnest(l) AS e FROM s.t", ()),
        ("SELECT t.id FROM s.t, s.u", ()),
        ("SELECT id FROM s.t UNION ALL SELECT id FROM s.t", ()),
    ],
)
def test_keys_that_the_sql_makes(sql, key):
    """Columns that tell rows apart by construction are known without anybody declaring them."""
    assert lineage(sql).key == key


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT x FROM s.t, s.u", "t and u both have a column x"),
        ("SELECT nothing FROM s.t", "nothing that is read has a column nothing"),
        (
            "SELECT q FROM s.open, s.open AS p",
            "q may be a column of open or p: their columns are not known yet",
        ),
    ],
)
def test_what_cannot_be_told_says_so(sql, why):
    """A column whose origin is open has no origins and a reason."""
    (column,) = lineage(sql).columns

    assert (column.values, column.unknown) == ((), why)


def test_table_that_nobody_has_seen():
    """Its readers name its columns; all of it cannot be listed."""
    named, all_of_it = lineage("SELECT q, o.w FROM s.open AS o WHERE z = 1"), lineage("SELECT * FROM s.open")

    assert [str(column.values[0]) for column in named.columns] == ["s.open.q", "s.open.w"]
    assert [str(use.origin) for use in named.rows] == ["s.open.z"]
    assert (all_of_it.columns, all_of_it.unknown) == ((), "the columns of s.open are not known yet")


def test_made_columns_name_those_without_an_alias():
    """What the engine called an expression is known once it was made."""
    found = lineage("SELECT count(*), max(a) FROM s.t", ("count_star()", "max(a)"))

    assert [(column.name, len(column.values)) for column in found.columns] == [
        ("count_star()", 0),
        ("max(a)", 1),
    ]


def test_made_columns_that_the_sql_does_not_explain():
    """They are there, and it is said that their origin is not known."""
    found = lineage("SELECT a FROM s.t", ("a", "other"))

    assert [(column.name, column.unknown) for column in found.columns] == [
        ("a", None),
        ("other", "it is not told from the SQL"),
    ]


@pytest.mark.parametrize("sql", ["", "SELECT (", "SELECT a FROM", "SELECT 'open"])
def test_sql_that_is_none(sql):
    """Its columns are those that were seen, and it is said why nothing is known of them."""
    unseen, seen = lineage(sql), lineage(sql, ("a",))

    assert (unseen.columns, unseen.unknown) == ((), "its SQL is not understood")
    assert [(column.name, column.unknown) for column in seen.columns] == [("a", "its SQL is not understood")]


def test_column_of_a_table_by_any_case():
    """And none where it has none of that name."""
    found = lineage("SELECT a AS Amount FROM s.t")

    assert found.column("AMOUNT") is found.columns[0]
    assert found.column("other") is None


def test_reads_are_tables_by_their_full_names():
    """Also one that only decides; each once."""
    assert lineage("SELECT a FROM s.t WHERE id IN (SELECT id FROM short)").reads == ("s.open", "s.t", "s.u")
