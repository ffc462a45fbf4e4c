"""The normal form: what may change in a file without its table being built again, and what may not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.transform.parse import parse_sql

KEYWORDS = {
    "select",
    "as",
    "from",
    "join",
    "using",
    "where",
    "and",
    "between",
    "case",
    "when",
    "then",
    "else",
}
KEYWORDS |= {
    "end",
    "group",
    "by",
    "all",
    "having",
    "order",
    "desc",
    "limit",
    "with",
    "cast",
    "over",
    "partition",
}
# Words of one statement that use much of the language; the marks in braces are literals.
WORDS = [
    "with",
    "x",
    "as",
    "(",
    "select",
    "a",
    ".",
    "id",
    ",",
    "cast",
    "(",
    "a",
    ".",
    "delay",
    "as",
    "integer",
    ")",
    "as",
    "Delay",
    ",",
    "case",
    "when",
    "a",
    ".",
    "n",
    ">",
    "{0}",
    "then",
    "{1}",
    "else",
    "{2}",
    "end",
    "as",
    "verdict",
    ",",
    "row_number",
    "(",
    ")",
    "over",
    "(",
    "partition",
    "by",
    "a",
    ".",
    "id",
    "order",
    "by",
    "a",
    ".",
    "n",
    "desc",
    ")",
    "as",
    "r",
    "from",
    "raw",
    ".",
    "a",
    "join",
    "raw",
    ".",
    "b",
    "using",
    "(",
    "id",
    ")",
    "where",
    "a",
    ".",
    "n",
    "between",
    "{3}",
    "and",
    "{4}",
    ")",
    "select",
    "id",
    ",",
    "count",
    "(",
    "*",
    ")",
    "as",
    "total",
    "from",
    "x",
    "where",
    "verdict",
    "=",
    "{5}",
    "group",
    "by",
    "all",
    "having",
    "count",
    "(",
    "*",
    ")",
    ">",
    "{6}",
    "limit",
    "{7}",
]
LITERALS = ["30", "'late'", "'Fine'", "1.50", "1e3", "'it''s'", "5", "100"]
GAPS = [" ", "\n", "\t  ", " \r\n ", " -- why\n", " /* what */ ", "\n-- SELECT 1; 'x\n", " /* it's\n -- */ "]


def normal(sql):
    return parse_sql(sql, "tables/a/b.sql").normal


def fill(literals, gap=lambda: " ", keyword=str):
    words = [word.format(*literals) if "{" in word else word for word in WORDS]
    return "".join((keyword(word) if word in KEYWORDS else word) + gap() for word in words)


PLAIN = normal(fill(LITERALS))


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_comments_layout_and_keyword_case_never_change_it(seed):
    """However a statement is laid out, commented and capitalised, it is the same statement."""
    chance = random.Random(seed)

    sql = fill(
        LITERALS,
        lambda: "".join(chance.choices(GAPS, k=chance.randint(1, 3))),
        lambda word: "".join(chance.choice([c.lower(), c.upper()]) for c in word),
    )

    assert normal(sql) == PLAIN


@settings(deadline=None, max_examples=60)
@given(
    index=st.integers(0, len(LITERALS) - 1),
    number=st.integers(0, 10**9),
    word=st.text("abcäXY' -/;", max_size=5),
)
def test_changed_literal_always_changes_it(index, number, word):
    """A different number or text anywhere is a different statement."""
    quoted = "'" + word.replace("'", "''") + "'"
    literal = quoted if LITERALS[index].startswith("'") else f"{number}"
    literals = [literal if i == index else old for i, old in enumerate(LITERALS)]

    changed = normal(fill(literals)) != PLAIN

    assert changed == (literal != LITERALS[index])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t", "SELECT b FROM t"),
        ("SELECT a AS Foo FROM t", "SELECT a AS foo FROM t"),
        ("SELECT a FROM t", "SELECT DISTINCT a FROM t"),
        ("SELECT a FROM t UNION SELECT 1", "SELECT a FROM t UNION ALL SELECT 1"),
        ("SELECT * FROM t JOIN u USING (x)", "SELECT * FROM t LEFT JOIN u USING (x)"),
        ("SELECT a FROM t WHERE x > 1", "SELECT a FROM t WHERE x >= 1"),
        ("SELECT CAST(a AS VARCHAR(10)) FROM t", "SELECT CAST(a AS VARCHAR(20)) FROM t"),
        ("SELECT CAST(a AS DECIMAL(9, 2)) FROM t", "SELECT CAST(a AS DECIMAL(9, 3)) FROM t"),
        ("SELECT 1.5 AS a", "SELECT 1.50 AS a"),
        ("SELECT 'a' AS a", "SELECT 'A' AS a"),
        ("SELECT INTERVAL 2 DAY", "SELECT INTERVAL 3 DAY"),
        ("SELECT $$a$$", "SELECT $$b$$"),
        ("SELECT e'\\n'", "SELECT e'\\t'"),
        ("SELECT list(a ORDER BY b) FROM t", "SELECT list(a ORDER BY b DESC) FROM t"),
        ("SELECT a FROM t ORDER BY a NULLS FIRST", "SELECT a FROM t ORDER BY a NULLS LAST"),
        ("SELECT [x + 1 FOR x IN l] FROM t", "SELECT [x + 2 FOR x IN l] FROM t"),
        ("SELECT lag(a IGNORE NULLS) OVER (ORDER BY b) FROM t", "SELECT lag(a) OVER (ORDER BY b) FROM t"),
        ("SELECT * EXCLUDE (a) FROM t", "SELECT * EXCLUDE (b) FROM t"),
        ("SELECT * FROM t TABLESAMPLE 10%", "SELECT * FROM t TABLESAMPLE 20%"),
        ("SELECT * FROM t, u", "SELECT * FROM u, t"),
    ],
)
def test_what_means_something_else_has_another_normal_form(one, other):
    """No change of meaning is taken for a change of layout."""
    assert normal(one) != normal(other)


def test_normal_form_reads_well():
    """A person is shown the changed lines of the normal form, so it stands as one would write it."""
    sql = "select  A, count(*) n from raw.flights where x>1 -- only\ngroup by all;"

    assert normal(sql) == ("SELECT\n  A,\n  COUNT(*) AS n\nFROM raw.flights\nWHERE\n  x > 1\nGROUP BY ALL")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT CAST(a AS VARCHAR ( 10 )) FROM t",
        "select cast( a as varchar(10) )\nfrom t -- ten",
        "SELECT CAST(a AS VARCHAR /* up to */ (10)) FROM t;",
    ],
)
def test_layout_does_not_count_where_the_words_do(sql):
    """Also where the pretty form says less than the statement, only its words count."""
    assert normal(sql) == normal("SELECT CAST(a AS VARCHAR(10)) FROM t")
