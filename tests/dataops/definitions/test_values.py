"""Terms by name, classes of personal data, and YAML's values as the texts that the engine casts."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest

from ropewalk.dataops.definitions import MASKS, PII_CLASSES, Glossary, Term, as_text, split_words
from ropewalk.errors import Place

PLACE = Place("contracts/glossary.yaml", 2, 3)
AIRPORT = Term("Airport", "Where it starts", PLACE, synonyms=("origin", "DEP"))
GLOSSARY = Glossary({"Airport": AIRPORT, "delay": Term("delay", "Minutes", PLACE)})


@pytest.fixture(scope="module")
def engine():
    """Yield one engine that holds nothing."""
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize("name", ["Airport", "airport", "ORIGIN", "dep"])
def test_terms_are_called(name):
    """A term is found by its name and by what else it is called, in any case."""
    assert GLOSSARY.called(name) is AIRPORT


@pytest.mark.parametrize("name", ["", "air", "airports", "origin ", "glossary:Airport"])
def test_terms_that_nobody_means(name):
    """A part of a name is another name."""
    assert GLOSSARY.called(name) is None
    assert Glossary().called(name) is None


def test_names_of_a_term():
    """Its own name comes first, as reasons speak of that one."""
    assert AIRPORT.names == ("Airport", "origin", "DEP")


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (True, "BOOLEAN", "true"),
        (False, "BOOLEAN", "false"),
        (5, "INTEGER", "5"),
        (-0.25, "DOUBLE", "-0.25"),
        (1e300, "DOUBLE", "1e+300"),
        (dt.date(2026, 1, 31), "DATE", "2026-01-31"),
        (dt.datetime(2026, 1, 31, 6, 30), "TIMESTAMP", "2026-01-31 06:30:00"),  # noqa: DTZ001  # as YAML reads one
        ("plain", "VARCHAR", "plain"),
    ],
)
def test_values_as_texts(engine, value, kind, text):
    """The engine reads each text back as the value it was."""
    assert as_text(value) == text
    assert engine.execute(f"SELECT CAST('{text}' AS {kind})").fetchone() == (value,)


def test_every_class_has_a_mask():
    """What is personal is masked in a way that there is, and the worst of it is gone."""
    assert set(PII_CLASSES.values()) <= set(MASKS)
    assert PII_CLASSES["sensitive"] == "null"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("destAirportCode", ["dest", "airport", "code"]),
        ("dest_airport_code", ["dest", "airport", "code"]),
        ("Dest Airport-Code", ["dest", "airport", "code"]),
        ("HTTPStatus", ["http", "status"]),
        ("customerID", ["customer", "id"]),
        ("top10Flights", ["top", "10", "flights"]),
        ("__x__", ["x"]),
        ("", []),
    ],
)
def test_words_of_names(name, words):
    """However a name is joined, it has the same words; runs of capitals and of digits are words too."""
    assert split_words(name) == words
