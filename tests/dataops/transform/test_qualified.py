"""Statements with tables named in full: what is put in, and the way back to the file."""

from __future__ import annotations

import pytest

from ropewalk.dataops.transform import TableFailed
from ropewalk.dataops.transform.parse import parse_sql
from ropewalk.dataops.transform.qualify import narrow, pin, qualify
from ropewalk.dataops.transform.values import TableSpec
from ropewalk.errors import Place

PATH = "tables/mart/a.sql"
IDS = {
    "flights": "table:staging.flights",
    "raw.weather": "source:raw.weather",
    "scored": "step:scored",
    "steps.scored": "step:steps.scored",
}


def spec(sql):
    return TableSpec("mart.a", PATH, parse_sql(sql, PATH))


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("FROM flights", "FROM staging.flights"),
        ("FROM raw.weather", "FROM raw.weather"),
        (
            "FROM flights AS f JOIN flights AS g ON true",
            "FROM staging.flights AS f JOIN staging.flights AS g ON true",
        ),
        ("SELECT 'flights' AS flights FROM flights", "SELECT 'flights' AS flights FROM staging.flights"),
        ("WITH flights AS (SELECT 1) FROM flights", "WITH flights AS (SELECT 1) FROM flights"),
        ('FROM "Flights"', 'FROM staging."Flights"'),
        ("-- flights\nSELECT 1", "-- flights\nSELECT 1"),
    ],
)
def test_names_are_written_out(sql, text):
    """Only what names a table gets its schema: no text, no column, no comment, no name of WITH."""
    assert qualify(spec(sql), IDS).text == text


@pytest.mark.parametrize(
    ("column", "written"), [(1, 1), (6, 6), (14, 6), (15, 7), (23, 15), (27, 15), (32, 16), (None, None)]
)
def test_places_find_their_way_back(column, written):
    """A complaint about the full text is shown where the person wrote it; what was put in is the name itself."""
    found = qualify(spec("FROM flights, flights AS g"), IDS).as_written(Place(PATH, 1, column))

    assert found == Place(PATH, 1, written)


def test_other_lines_stay_where_they_are():
    """What is put into one line moves nothing in another."""
    select = qualify(spec("FROM flights\nWHERE flights.x"), IDS)

    assert select.as_written(Place(PATH, 2, 9)) == Place(PATH, 2, 9)
    assert select.as_written(Place(PATH)) == Place(PATH)


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("FROM flights", 'FROM (FROM {}) AS "flights"'),
        ("FROM flights AS f", "FROM (FROM {}) AS f"),
    ],
)
def test_pinned_tables_keep_their_name(sql, text):
    """Columns are asked for by the name that the table had before it was pinned to a snapshot."""
    pinned = pin(spec(sql), IDS, {"staging.flights": 7})
    inner = pinned.partition("(FROM ")[2].partition(") AS")[0]

    assert pinned == text.format(inner)
    assert "7" in inner


@pytest.mark.parametrize(
    ("driver", "text"),
    [
        (
            "flights",
            'FROM (SELECT * FROM staging.flights WHERE id = 1) AS "flights" JOIN raw.weather AS w USING (id)',
        ),
        (
            "raw.weather",
            "FROM staging.flights JOIN (SELECT * FROM raw.weather WHERE id = 1) AS w USING (id)",
        ),
        (
            None,
            "SELECT * FROM (\nFROM staging.flights JOIN raw.weather AS w USING (id)\n) WHERE false",
        ),
    ],
)
def test_rows_of_one_input(driver, text):
    """Only the input that changed is narrowed; with none there are the columns and no row."""
    found = narrow(spec("FROM flights JOIN raw.weather AS w USING (id)"), IDS, driver, "id = 1")

    assert found.replace(" AS flights ", ' AS "flights" ') == text


def test_names_without_rows():
    """What makes no table cannot be selected from; the error stands at the name."""
    with pytest.raises(TableFailed, match="selects from 'scored', which is a metric") as caught:
        qualify(spec("SELECT 1\nFROM scored"), {"scored": "metric:scored"})

    assert str(caught.value.place) == f"{PATH}:2:6"
    assert "FROM takes tables" in caught.value.hint
