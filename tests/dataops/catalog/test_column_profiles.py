"""Profiles of single columns where no lake is: every type of value, and what cannot be shown of it."""

from __future__ import annotations

import duckdb
import msgspec
import pytest

from ropewalk.dataops.catalog.profiles import _SAMPLE, BINS, _column, _short
from ropewalk.dataops.catalog.values import ColumnProfile, TableProfile
from ropewalk.dataops.lake import Column


@pytest.fixture(scope="module")
def connection():
    """Return an engine that the tests share: each makes the sample anew."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.fixture
def profile(connection):
    """Return a function that profiles a column of values, as the lake would tell its type."""

    def look(values: str, name: str = "v") -> ColumnProfile:
        quoted = name.replace('"', '""')
        connection.execute(
            f'CREATE OR REPLACE TEMP TABLE {_SAMPLE} AS FROM (VALUES {values}) AS t ("{quoted}")'
        )
        kind = connection.execute(
            f"SELECT data_type FROM duckdb_columns() WHERE table_name = '{_SAMPLE}'"
        ).fetchone()
        return _column(connection, Column(name, kind[0]))

    return look


@pytest.mark.parametrize(
    ("values", "least", "most"),
    [
        ("('b'::ENUM('b', 'a')), ('a'::ENUM('b', 'a'))", "b", "a"),
        ("(1::UHUGEINT), (2)", "1", "2"),
        ("(TIME '10:00'), (TIME '09:00')", "09:00:00", "10:00:00"),
        ("(true), (false)", "false", "true"),
        ("(TIMESTAMPTZ '2026-01-01 00:00:00+00')", "2026-01-01 00:00:00+00", "2026-01-01 00:00:00+00"),
        ("(9007199254740993), (9007199254740994)", "9007199254740993", "9007199254740994"),
        ("(NULL::VARCHAR)", None, None),
        ("('x' || chr(10) || '  y')", "x y", "x y"),
    ],
)
def test_least_and_greatest_values(profile, values, least, most):
    """In the order of their type, exact, and on one line."""
    found = profile(values)

    assert (found.least, found.most) == (least, most)


@pytest.mark.parametrize(
    "values",
    [
        "(['a'::ENUM('a', 'b')])",
        "([1, 2])",
        "(INTERVAL 1 DAY)",
        "('101'::BIT)",
        "({'a': 1})",
        "([DATE '2026-01-01'])",
    ],
)
def test_values_that_fit_no_line(profile, values):
    """Nested and other ones have neither a least nor a common value."""
    found = profile(values)

    assert (found.least, found.most, found.mean, found.top, found.bins) == (None, None, None, (), ())
    assert (found.null_share, found.distinct) == (0.0, 1)


@pytest.mark.parametrize("values", ["(1.7e308), (1.7e308)", "('nan'::DOUBLE)", "('inf'::DOUBLE), ('-inf')"])
def test_means_that_are_no_numbers(profile, values):
    """They are left out, so that what is kept and what was worked out are the same."""
    column = profile(values)
    whole = TableProfile("a.b", 1, 2, 2, (column,))

    assert column.mean is None
    assert msgspec.json.decode(msgspec.json.encode(whole), type=TableProfile) == whole


@pytest.mark.parametrize(
    ("values", "start", "end"),
    [
        ("(DATE '0001-01-01 (BC)')", "", ""),
        ("(DATE '2000-01-01'), (DATE '290000-01-01')", "2000-01-01", ""),
        ("('infinity'::TIMESTAMP), (TIMESTAMP '2020-01-01')", "2020-01-01 00:00:00", "2020-01-01 00:00:00"),
        (
            "(TIMESTAMP_S '2020-01-01'), (TIMESTAMP_S '2020-01-13')",
            "2020-01-01 00:00:00",
            "2020-01-13 00:00:00",
        ),
    ],
)
def test_edges_of_moments(profile, values, start, end):
    """What is outside of the calendar of people has no text, and breaks nothing."""
    bins = profile(values).bins

    assert (bins[0].start, bins[-1].end) == (start, end)


def test_every_value_is_in_one_range(profile):
    """The greatest in the last one, also where ranges are narrower than numbers can tell."""
    for values in ("(0.1), (0.2), (0.3)", "(0.0), (1e-320::DOUBLE), (2e-320)", "(-5), (5), (6)"):
        bins = profile(values).bins

        assert (len(bins), sum(item.count for item in bins)) == (BINS, 3)
        assert bins[-1].count >= 1


def test_common_values_of_what_has_many(profile):
    """Of texts the first five by how often they are there, then by name; of many numbers none."""
    texts = profile("('e'), ('b'), ('a'), ('c'), ('d'), ('f'), ('f')")
    numbers = profile(", ".join(f"({number})" for number in range(40)))

    assert texts.top == (("f", 2), ("a", 1), ("b", 1), ("c", 1), ("d", 1))
    assert numbers.top == ()


@pytest.mark.parametrize("name", ['a "b"', "select", "x; DROP TABLE y", "é"])
def test_odd_names(profile, name):
    """A column's name is never taken for SQL."""
    found = profile("(1), (NULL)", name)

    assert (found.name, found.null_share, found.median) == (name, 0.5, 1.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, None), ("", ""), (7, "7"), ("a\t\n b", "a b"), ("x" * 60, "x" * 60), ("x" * 61, "x" * 59 + "…")],
)
def test_texts_of_values(value, text):
    """One line of sixty characters at most."""
    assert _short(value) == text
