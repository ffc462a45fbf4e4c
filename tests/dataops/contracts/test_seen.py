"""What rows look like, column by column, and what of it seems to be about persons."""

from __future__ import annotations

import duckdb
import pytest

from ropewalk.dataops.contracts.guess import guess_name, guess_personal
from ropewalk.dataops.contracts.seen import SeenColumn, look


@pytest.fixture(scope="module")
def engine():
    """Yield one engine that holds nothing."""
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def see(engine):
    """Return a function that looks at the column `x` of the rows of a SELECT."""

    def see_rows(select):
        engine.execute(f"CREATE OR REPLACE TEMP TABLE rows_seen AS {select}")
        return look(engine, "rows_seen")[0]

    return see_rows


@pytest.mark.parametrize(
    ("select", "shapes"),
    [
        ("SELECT 'a@b.example' AS x", {"email"}),
        ("SELECT 'AB' AS x", {"capitals", "code"}),
        ("SELECT '007' AS x", {"digits", "code"}),
        ("SELECT '2026-01-31' AS x", {"date"}),
        ("SELECT '2026-01-31T06:00:00Z' AS x", {"timestamp"}),
        ("SELECT '10.0.0.255' AS x", {"ipv4"}),
        ("SELECT '10.0.0.256' AS x", set()),
        ("SELECT unnest(['AB', 'a@b.example']) AS x", set()),
        ("SELECT unnest(['AB', NULL]) AS x", {"capitals", "code"}),
        ("SELECT NULL::VARCHAR AS x", set()),
    ],
)
def test_shapes(see, select, shapes):
    """A shape is what all values have; a missing value has none and takes none away."""
    assert see(select).shapes == shapes


@pytest.mark.parametrize(
    ("select", "full", "unique"),
    [
        ("SELECT range AS x FROM range(5)", True, True),
        ("SELECT unnest([1, 1, 2]) AS x", True, False),
        ("SELECT unnest([1, 2, NULL]) AS x", False, True),
        ("SELECT 1 AS x", True, False),
        ("SELECT 1 AS x WHERE false", False, False),
    ],
)
def test_full_and_unique(see, select, full, unique):
    """One row repeats nothing by chance, and no rows are not full of values."""
    seen = see(select)

    assert (seen.is_full, seen.is_unique) == (full, unique)


@pytest.mark.parametrize(
    ("select", "least", "greatest"),
    [
        ("SELECT unnest([-5, 7, NULL]) AS x", "-5", "7"),
        ("SELECT unnest([DATE '2026-01-02', DATE '2026-01-01']) AS x", "2026-01-01", "2026-01-02"),
        ("SELECT 0.5::DOUBLE AS x", "0.5", "0.5"),
        ("SELECT NULL::INTEGER AS x", None, None),
        ("SELECT 'text' AS x", None, None),
    ],
)
def test_limits(see, select, least, greatest):
    """What has an order has a smallest and a greatest value, if it has any."""
    seen = see(select)

    assert (seen.least, seen.greatest) == (least, greatest)


def test_few_values_that_come_again(see):
    """Values that come again and again are a list to choose from; as many that come twice are not."""
    often = see("SELECT ['red', 'green'][1 + range % 2] AS x FROM range(40)")
    seldom = see("SELECT ['red', 'green'][1 + range % 2] AS x FROM range(4)")

    assert often.listed == ("green", "red")
    assert (often.distinct, often.is_exact) == (2, True)
    assert seldom.listed == ()


@pytest.mark.parametrize(
    ("kind", "whole"), [("UBIGINT", True), ("HUGEINT", True), ("DOUBLE", False), ("VARCHAR", False)]
)
def test_whole_numbers(kind, whole):
    """Numbers without a sign are whole ones too."""
    assert SeenColumn("x", kind, None, 1, 1, 1).is_whole is whole


@pytest.mark.parametrize(
    ("name", "class_"),
    [
        ("email", "contact"),
        ("customerEmail", "contact"),
        ("last_name", "identifier"),
        ("nameLast", "identifier"),
        ("date_of_birth", "quasi"),
        ("SALARY", "sensitive"),
        ("name", None),
        ("shipment", None),
        ("airmail", None),
        ("", None),
    ],
)
def test_personal_names(name, class_):
    """Whole words of a name tell, in any order and case; a part of a word does not."""
    assert guess_name(name) == class_


def test_reasons_of_a_guess():
    """The name tells first, then the look of the values, and the reason says which."""
    plain = SeenColumn("note", "VARCHAR", "string", 1, 1, 1, shapes=frozenset({"email"}))
    named = SeenColumn("salary", "VARCHAR", "string", 1, 1, 1, shapes=frozenset({"email"}))

    assert guess_personal(plain) == ("contact", "its values look like email")
    assert guess_personal(named) == ("sensitive", "it is called salary")
    assert guess_personal(SeenColumn("note", "VARCHAR", "string", 1, 1, 1)) is None
