"""Which columns should map to a term: each rule, its reason, and what no rule takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.dataops.definitions import Glossary, Suggestion, Term, UsedColumn, find_unmapped, split_words
from ropewalk.errors import Place

PLACE = Place("contracts/glossary.yaml", 2, 3)
GLOSSARY = Glossary(
    {
        "airport_code": Term("airport_code", "An airport", PLACE, type="string", synonyms=("origin",)),
        "delay": Term("delay", "Minutes late", PLACE, type="number"),
        "id": Term("id", "A number", PLACE),
    }
)


def found(*columns):
    return find_unmapped(GLOSSARY, columns)


@pytest.mark.parametrize(
    ("name", "term", "reason"),
    [
        ("airport_code", "airport_code", "has its name"),
        ("AirportCode", "airport_code", "has its name"),
        ("ORIGIN", "airport_code", "has its synonym 'origin' as name"),
        ("dest_airport_code", "airport_code", "its name ends in 'airport_code'"),
        ("departure_delay", "delay", "its name ends in 'delay'"),
        ("id", "id", "has its name"),
    ],
)
def test_name_suggests_a_term(name, term, reason):
    """A column that is called like a term, or whose name ends in it, should map to it."""
    (suggestion,) = found(UsedColumn("mart.flights", name))

    assert (suggestion.term, suggestion.reason, suggestion.fits) == (term, reason, True)


@pytest.mark.parametrize("name", ["code", "delayed", "delay_reason", "customer_id", "", "___", "naïve"])
def test_other_names_suggest_nothing(name):
    """A name that only begins like a term, or ends in a word that says little, is left alone."""
    assert found(UsedColumn("mart.flights", name)) == []


def test_mapped_columns_are_not_told():
    """A column that maps to a term, be it another, is what its author meant."""
    assert found(UsedColumn("mart.flights", "origin", term="delay")) == []


def test_type_that_does_not_fit_is_said():
    """A column of another type may be called so by chance, or be wrong: the reason says so."""
    (number,) = found(UsedColumn("mart.flights", "origin", "number"))
    (whole,) = found(UsedColumn("mart.flights", "delay", "integer"))

    assert "but it is of type number, and the term of type string" in number.reason
    assert (number.fits, whole.fits) == (False, True)


def test_values_suggest_what_their_source_means():
    """A column whose values come from one that maps to a term means the same, whatever it is called."""
    source = UsedColumn("staging.flights", "o", term="airport_code")
    target = UsedColumn("mart.flights", "departure", comes_from=("staging.flights.o",))

    assert found(source, target) == [
        Suggestion(
            "mart.flights",
            "departure",
            "airport_code",
            "its values come from staging.flights.o, which maps to it",
        )
    ]


def test_order_is_that_of_tables_and_columns():
    """The same project gives the same list."""
    columns = [UsedColumn(table, name) for table in ("mart.b", "mart.a") for name in ("origin", "delay")]

    listed = [(item.table, item.column) for item in found(*columns)]

    assert listed == sorted(listed)
    assert found(*columns) == found(*reversed(columns))


@given(st.text())
def test_any_name_has_words_in_small_letters(name):
    """Whatever a column is called, it can be compared."""
    assert all(word == word.lower() and word for word in split_words(name))
