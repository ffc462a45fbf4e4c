"""Digests of tables: equal content, equal digest; other content, other digest."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.lake import TableDigest, literal
from ropewalk.dataops.lake.digest import digest_relation

Row = tuple[int | None, str | None]
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-5, 5),
        st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3),
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def digest(connection: duckdb.DuckDBPyConnection, sql: str) -> TableDigest:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE t AS {sql}")
    return digest_relation(connection, "t")


def digest_rows(connection: duckdb.DuckDBPyConnection, rows: list[Row]) -> TableDigest:
    values = ", ".join(f"({literal(number)}, {literal(text)})" for number, text in rows)
    source = f"(VALUES {values}) v(n, s)" if rows else "(SELECT 1 AS n, 's' AS s WHERE false)"
    return digest(connection, f"SELECT CAST(n AS BIGINT) AS n, CAST(s AS VARCHAR) AS s FROM {source}")


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, random=st.randoms())
def test_the_order_of_rows_counts_for_nothing(connection, rows, random) -> None:
    """A shuffled table has the same digest and row count."""
    shuffled = list(rows)
    random.shuffle(shuffled)

    assert digest_rows(connection, rows) == digest_rows(connection, shuffled)
    assert digest_rows(connection, rows).rows == len(rows)


@settings(max_examples=60, deadline=None)
@given(first=ROWS, second=ROWS)
def test_digests_are_equal_exactly_when_the_rows_are(connection, first, second) -> None:
    """Two tables have one digest when they are equal as bags of rows, and only then."""

    def bag(rows: list[Row]) -> list[Row]:
        return sorted(rows, key=repr)

    is_equal = digest_rows(connection, first) == digest_rows(connection, second)

    assert is_equal == (bag(first) == bag(second))


def test_a_row_twice_is_not_a_row_once(connection) -> None:
    """Repeated rows do not cancel each other out."""
    once = digest(connection, "SELECT 1 AS n")
    three = digest(connection, "SELECT unnest([1, 1, 1]) AS n")

    assert once.digest != three.digest


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("SELECT 1 AS a", "SELECT 1 AS b"),
        ("SELECT 1 AS a", "SELECT 1::BIGINT AS a"),
        ("SELECT 1 AS a, 2 AS b", "SELECT 2 AS a, 1 AS b"),
        ("SELECT NULL::INTEGER AS a", "SELECT 0 AS a"),
        ("SELECT '' AS a", "SELECT NULL::VARCHAR AS a"),
        ("SELECT 1 AS a WHERE false", "SELECT 1 AS b WHERE false"),
        ("SELECT [1, 2] AS a", "SELECT [2, 1] AS a"),
    ],
)
def test_other_content_has_another_digest(connection, first: str, second: str) -> None:
    """Names, types, NULLs and which value stands in which column all count."""
    assert digest(connection, first).digest != digest(connection, second).digest


def test_the_order_of_columns_counts_for_nothing(connection) -> None:
    """A column added later is the same content as one that was always there."""
    assert digest(connection, "SELECT 1 AS a, 'x' AS b") == digest(connection, "SELECT 'x' AS b, 1 AS a")


def test_the_digest_does_not_depend_on_history(connection) -> None:
    """Rows inserted, deleted and added in pieces hash as those inserted at once."""
    connection.execute("CREATE OR REPLACE TEMP TABLE h (n INTEGER)")
    connection.execute("INSERT INTO h SELECT unnest(range(5000))")
    connection.execute("DELETE FROM h WHERE n % 2 = 0")
    connection.execute("INSERT INTO h SELECT n FROM range(5000) r(n) WHERE n % 2 = 0")

    assert digest_relation(connection, "h") == digest(
        connection, "SELECT CAST(n AS INTEGER) AS n FROM range(5000) r(n)"
    )
