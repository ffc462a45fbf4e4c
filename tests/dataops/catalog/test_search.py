"""Finding by words: in names, meanings, terms and owners, the best fitting first."""

from __future__ import annotations

import pytest

from ropewalk.dataops.catalog import ColumnCard, TableCard, search_catalog
from ropewalk.dataops.definitions import Glossary, Term
from ropewalk.errors import Place


def card(
    name: str, *columns: ColumnCard, owner: str | None = None, description: str | None = None
) -> TableCard:
    return TableCard(
        name, "table", f"table:{name}", None, description, owner, columns, 1, 1, None, None, True
    )


CARDS = [
    card("raw.flights", ColumnCard("dep_delay", "DOUBLE"), description="Departures as they land"),
    card(
        "mart.late_flights",
        ColumnCard("flight_id", "VARCHAR", "Which flight", term="flight"),
        ColumnCard("passenger", "VARCHAR", "Who flew", pii="identifier", owner="Privacy"),
        owner="Crew planning",
        description="Flights that were late",
    ),
]
GLOSSARY = Glossary(
    {
        "flight": Term(
            "flight", "One take-off and landing", Place("contracts/glossary.yaml"), synonyms=("leg",)
        )
    }
)


def names(text: str, *kinds: str) -> list[str]:
    return [hit.name for hit in search_catalog(CARDS, GLOSSARY, text, *([kinds] if kinds else []))]


def test_a_name_counts_more_than_what_is_said():
    """Whole words of a name first, then beginnings and meanings."""
    assert names("flight", "table", "column", "term")[:2] == ["mart.late_flights.flight_id", "flight"]
    assert names("late")[0] == "mart.late_flights"


def test_every_word_must_stand_somewhere():
    """In one thing, wherever and in whatever order and case."""
    assert names("LATE flights", "table") == ["mart.late_flights"]
    assert names("late nothing") == []


def test_owners_lead_to_what_they_own():
    """Of tables and of columns."""
    (crew,) = search_catalog(CARDS, GLOSSARY, "crew", ("owner",))
    (privacy,) = search_catalog(CARDS, GLOSSARY, "privacy", ("owner",))

    assert (crew.text, crew.table) == ("owns mart.late_flights", "mart.late_flights")
    assert (privacy.text, privacy.table) == ("owns mart.late_flights.passenger", "mart.late_flights")


@pytest.mark.parametrize(("text", "place"), [("leg", "name"), ("take-off", "meaning")])
def test_terms_by_their_synonyms_and_meaning(text, place):
    """And to the table that uses them."""
    (term,) = search_catalog(CARDS, GLOSSARY, text, ("term",))

    assert (term.name, term.table, term.found_in) == ("flight", "mart.late_flights", place)


def test_personal_columns_are_found_by_that():
    """Everything that is personal is one search away."""
    assert names("pii") == ["mart.late_flights.passenger"]


def test_no_words_list_everything_of_a_kind():
    """As the catalogue's first page does."""
    assert names("", "table") == ["mart.late_flights", "raw.flights"]
    assert names("   ", "term") == ["flight"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # The whole of a name, then its beginning, then a part of it.
        ("late", ["mart.late_flights"]),
        ("fli", ["mart.late_flights", "raw.flights"]),
        ("lights", ["mart.late_flights", "raw.flights"]),
        ("crew planning", ["mart.late_flights"]),
        ("departures", ["raw.flights"]),
        ("departures crew", []),
        ("MART.LATE_FLIGHTS", ["mart.late_flights"]),
    ],
)
def test_tables_by_any_of_their_words(text, found):
    """Of those that fit alike the names decide about the order."""
    assert names(text, "table") == found


@pytest.mark.parametrize(
    ("text", "place"),
    [("passenger", "name"), ("who", "meaning"), ("privacy", "owner"), ("identifier", "class")],
)
def test_where_the_words_stand(text, place):
    """It is said of each hit in what it was found."""
    (hit,) = search_catalog(CARDS, GLOSSARY, text, ("column",))

    assert (hit.name, hit.found_in) == ("mart.late_flights.passenger", place)


def test_columns_by_the_term_they_map_to():
    """A term leads to its columns, though their names say something else."""
    cards = [card("a.b", ColumnCard("ufid", "VARCHAR", term="flight"))]

    (hit,) = search_catalog(cards, GLOSSARY, "flight", ("column",))

    assert (hit.name, hit.found_in) == ("a.b.ufid", "term")


def test_columns_are_not_found_by_their_table():
    """A search for a table would find all of its columns."""
    assert names("mart", "column") == []


def test_terms_that_nothing_maps_to():
    """They are found, and belong to no table; of several tables the first one is named."""
    lonely = search_catalog([], GLOSSARY, "flight", ("term",))
    both = [card(name, ColumnCard("x", "VARCHAR", term="flight")) for name in ("a.one", "a.two")]

    assert [(hit.name, hit.table) for hit in lonely] == [("flight", None)]
    assert search_catalog(both, GLOSSARY, "flight", ("term",))[0].table == "a.one"


def test_owner_of_several_things():
    """All are named once, tables and columns, and the first leads on."""
    cards = [
        card("a.one", ColumnCard("x", "VARCHAR", owner="Desk")),
        card("a.two", ColumnCard("y", "VARCHAR", owner="Desk"), owner="Desk"),
    ]

    (desk,) = search_catalog(cards, Glossary({}), "desk", ("owner",))

    assert (desk.text, desk.table) == ("owns a.one.x, a.two, a.two.y", "a.one")


@pytest.mark.parametrize("kinds", [("nothing",), ()])
def test_kinds_that_there_are_not(kinds):
    """Nothing is of them."""
    assert search_catalog(CARDS, GLOSSARY, "flight", kinds) == []


def test_nothing_to_search():
    """An empty project has no hits, whatever is asked."""
    assert search_catalog([], Glossary({}), "x") == search_catalog([], Glossary({}), "") == []
