"""Writing short names out, and finding the way back to the file for the engine's complaints."""

from __future__ import annotations

import pytest

from ropewalk.dataops.transform import TableFailed, TableSpec
from ropewalk.dataops.transform.parse import parse_sql
from ropewalk.dataops.transform.qualify import qualify
from ropewalk.errors import Place

PATH = "tables/mart/a.sql"
IDS = {"flights": "table:staging.flights", "b": "table:mart.b", "raw.c": "source:c", "late": "step:late"}


def spec(sql):
    return TableSpec("mart.a", PATH, parse_sql(sql, PATH))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM flights", "SELECT * FROM staging.flights"),
        ("FROM raw.c, b, Flights f", "FROM raw.c, mart.b, staging.Flights f"),
        (
            'FROM "flights" JOIN b ON "flights".x = b.x',
            'FROM staging."flights" JOIN mart.b ON "flights".x = b.x',
        ),
        ("WITH b AS (FROM b) SELECT 'flights' FROM b", "WITH b AS (FROM mart.b) SELECT 'flights' FROM b"),
        ("FROM b -- flights\n, flights", "FROM mart.b -- flights\n, staging.flights"),
    ],
)
def test_short_names_of_tables_are_written_out(sql, expected):
    """Only the names of tables change; aliases, texts, comments and lines stay."""
    assert qualify(spec(sql), IDS).text == expected


@pytest.mark.parametrize(
    ("column", "written"),
    [(1, 1), (6, 6), (7, 6), (10, 6), (11, 6), (12, 7), (14, 9), (19, 9), (22, 9), (23, 10)],
)
def test_places_are_those_of_the_file(column, written):
    """A column of the text as executed is the column of what the person wrote there."""
    # As executed: FROM mart.b, staging.flights
    qualified = qualify(spec("FROM b, flights"), IDS)

    assert qualified.as_written(Place(PATH, 1, column)) == Place(PATH, 1, written)


def test_other_lines_keep_their_places():
    """What is put into one line moves nothing in another, and a place without a column stays."""
    qualified = qualify(spec("FROM b,\n  flights"), IDS)

    assert qualified.as_written(Place(PATH, 3, 9)) == Place(PATH, 3, 9)
    assert qualified.as_written(Place(PATH, 1)) == Place(PATH, 1)


def test_step_is_selected_from_by_its_table():
    """The table that a step makes stands in the schema `steps`."""
    ids = {"features": "step:Features", "steps.other": "step:other"}

    assert qualify(spec("FROM features, steps.other"), ids).text == "FROM steps.features, steps.other"


def test_selecting_from_a_model_is_refused():
    """A model has no rows; the error names the place and what has."""
    with pytest.raises(TableFailed, match=r"mart\.a selects from 'late', which is a model") as caught:
        qualify(spec("SELECT *\nFROM late"), {"late": "model:late"})

    assert str(caught.value.place) == f"{PATH}:2:6"
