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
