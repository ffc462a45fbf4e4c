"""Types by themselves: which are types, which hold which, and which values fit them."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from ropewalk.dataops.lake import Column
from ropewalk.dataops.sources.columns import (
    cast_column,
    declared_types,
    describe,
    is_rounding,
    is_wider,
    misfit_condition,
    require_columns,
    target_types,
    with_article,
)
from ropewalk.dataops.sources.errors import ColumnMissing, InvalidSource
from ropewalk.errors import Place

PLACE = Place("ropewalk.yaml", 3, 3)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize(
    ("kind", "than", "wider"),
    [
        ("BIGINT", "INTEGER", True),
        ("INTEGER", "BIGINT", False),
        ("BIGINT", "BIGINT", False),
        ("DOUBLE", "FLOAT", True),
        ("DOUBLE", "BIGINT", False),
        ("DECIMAL(12,2)", "DECIMAL(10,2)", True),
        ("DECIMAL(12,4)", "DECIMAL(10,2)", True),
        ("DECIMAL(11,4)", "DECIMAL(10,2)", False),
        ("DECIMAL(12,1)", "DECIMAL(10,2)", False),
        ("DECIMAL(10,2)", "DECIMAL(10,2)", False),
        ("TIMESTAMP", "DATE", True),
        ("DATE", "TIMESTAMP", False),
        ("VARCHAR", "BIGINT", False),
    ],
)
def test_types_that_hold_all_values_of_others(kind: str, than: str, wider: bool) -> None:
    """A wider decimal loses neither digits before the point nor after it."""
    assert is_wider(kind, than) is wider


@pytest.mark.parametrize(
    ("kind", "wanted", "rounding"),
    [
        ("DOUBLE", "BIGINT", True),
        ("DECIMAL(4,1)", "INTEGER", True),
        ("VARCHAR", "BIGINT", False),
        ("TIMESTAMP WITH TIME ZONE", "DATE", True),
        ("TIME", "DATE", False),
        ("DOUBLE", "FLOAT", False),
    ],
)
def test_casts_that_lose_something(kind: str, wanted: str, rounding: bool) -> None:
    """Fractions of numbers and times of day are what a cast drops without a word."""
    assert is_rounding(kind, wanted) is rounding


@pytest.mark.parametrize(
    ("value", "kind", "fits"),
    [
        ("'1'", "BIGINT", True),
        ("'1.0'", "BIGINT", True),
        ("'1.5'", "BIGINT", False),
        ("'x'", "BIGINT", False),
        ("''", "BIGINT", False),
        ("'300'", "TINYINT", False),
        ("'-1'", "UBIGINT", False),
        ("'9223372036854775808'", "BIGINT", False),
        ("2.5::DOUBLE", "INTEGER", False),
        ("2.0::DOUBLE", "INTEGER", True),
        ("'2013-02-30'", "DATE", False),
        ("'2013-02-28'", "DATE", True),
        ("'2013-02-28 00:00:00'", "DATE", True),
        ("'2013-02-28 01:00:00'", "DATE", False),
        ("TIMESTAMP '2013-02-28 01:00:00'", "DATE", False),
        ("'yes please'", "BOOLEAN", False),
        ("'true'", "BOOLEAN", True),
        ("'1,5'", "DOUBLE", False),
        ("NULL::VARCHAR", "BIGINT", True),
    ],
)
def test_values_that_fit_a_type(connection, value: str, kind: str, fits: bool) -> None:
    """NULL fits all; nothing is rounded, cut or guessed."""
    relation = describe(connection, f'SELECT {value} AS "odd ""name"')

    condition = misfit_condition(relation.columns[0], kind)

    assert condition is not None
    row = connection.execute(f"SELECT coalesce({condition}, false) FROM ({relation.sql})").fetchone()
    assert row == (not fits,)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [("BIGINT", "BIGINT"), ("BIGINT", "VARCHAR"), ("JSON", "DECIMAL(10,2)"), ("JSON", "VARCHAR")],
)
def test_columns_that_always_fit(found: str, wanted: str) -> None:
    """Nothing has to be looked at where the types are equal, or text is wanted."""
    assert misfit_condition(Column("a", found), wanted) is None


@pytest.mark.parametrize(
    ("column", "kind", "name", "value"),
    [
        (Column("a", "BIGINT"), "BIGINT", None, 7),
        (Column("a", "BIGINT"), "VARCHAR", "b", "7"),
        (Column("a", "BIGINT"), "DOUBLE", 'q"q', 7.0),
        (Column("j", "JSON"), "VARCHAR", None, "text"),
        (Column("j", "JSON"), "JSON", "k", '"text"'),
    ],
)
def test_casts(connection, column: Column, kind: str, name: str | None, value: object) -> None:
    """The name is the wanted one, and a JSON text comes without its quotes."""
    found = connection.execute(
        f"SELECT {cast_column(column, kind, name)} FROM (SELECT 7::BIGINT AS a, '\"text\"'::JSON AS j)"
    )

    assert (found.description[0][0], found.fetchone()) == (name or column.name, (value,))


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("int", "INTEGER"),
        (" decimal(10, 2) ", "DECIMAL(10,2)"),
        ("text[]", "VARCHAR[]"),
        ('STRUCT("a b" INTEGER, c TEXT)', 'STRUCT("a b" INTEGER, c VARCHAR)'),
        ("timestamptz", "TIMESTAMP WITH TIME ZONE"),
        ("MAP(TEXT, INT)", "MAP(VARCHAR, INTEGER)"),
    ],
)
def test_spellings_of_types(connection, written: str, kind: str) -> None:
    """Types come as the engine writes them, under names in lower case."""
    assert declared_types(connection, {"Price": written}, PLACE) == {"price": kind}


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("BIGNT", "BIGINT"),
        ("varchr", "VARCHAR"),
        ("INT) , (SELECT 1", None),
        ("DECIMAL(99,2)", None),
        ("INTEGER AS x", None),
        ("'x'", None),
        ("", None),
    ],
)
def test_types_that_are_none(connection, written: str, near: str | None) -> None:
    """The key, the place and the nearest type are named, and the text is never run."""
    with pytest.raises(InvalidSource, match=r"^types\.a: .* is not an SQL type$") as caught:
        declared_types(connection, {"a": written}, PLACE)

    assert caught.value.place == PLACE
    assert near is None or caught.value.nearest == near


def test_types_that_a_row_is_to_have() -> None:
    """The table decides, then the declaration, then the data."""
    arriving = [Column("A", "DOUBLE"), Column("b", "DOUBLE"), Column("c", "DOUBLE")]

    types = target_types([Column("a", "BIGINT")], arriving, {"a": "VARCHAR", "b": "DATE"})

    assert types == {"A": "BIGINT", "b": "DATE", "c": "DOUBLE"}
    assert target_types(None, arriving[:1], {}) == {"A": "DOUBLE"}


def test_a_wanted_column_that_does_not_come() -> None:
    """The error names the key, the nearest column, and all that there are."""
    columns = [Column("Flight", "VARCHAR"), Column("delay", "BIGINT")]
    require_columns(["FLIGHT", "delay"], columns, "key", PLACE)

    with pytest.raises(ColumnMissing, match="key: the data have no column 'fligt'") as caught:
        require_columns(["delay", "fligt"], columns, "key", PLACE)

    assert (caught.value.nearest, caught.value.hint) == ("Flight", "columns: Flight, delay")
    assert caught.value.place == PLACE


@pytest.mark.parametrize(
    ("kind", "said"),
    [("INTEGER", "an INTEGER"), ("BIGINT", "a BIGINT"), ("UUID", "a UUID"), ("UINTEGER", "a UINTEGER")],
)
def test_types_in_sentences(kind: str, said: str) -> None:
    """By how the first letter sounds: nobody says an UUID."""
    assert with_article(kind) == said
