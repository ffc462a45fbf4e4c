"""SQL: an answer or what is wrong with the query, as a page, JSON and CSV; and that it only reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from ropewalk.dataops.lake import open_lake
from ropewalk.pipeline import Workspace
from ropewalk.web.page import Visit
from ropewalk.web.views.sql import SQLPage, sql_page, sql_result

Get = Callable[..., httpx.Response]


def ask(workspace: Workspace, query: str, **more: str) -> SQLPage:
    """Return the page for a query."""
    return sql_page(Visit(workspace, {}, {"q": query, **more}))


def test_query_is_answered(flights: Workspace) -> None:
    """Rows and typed columns come back."""
    result = ask(flights, "SELECT flight_id, distance FROM mart.features ORDER BY 1").result

    assert result is not None
    assert [(column.name, column.type) for column in result.columns] == [
        ("flight_id", "VARCHAR"),
        ("distance", "DECIMAL(5,1)"),
    ]
    assert result.rows == (("UA0", "1400.5"), ("UA1", "1400.5"))


def test_without_a_query_the_tables_are_listed(flights: Workspace) -> None:
    """The page says what can be asked."""
    page = ask(flights, "  ")

    assert (page.result, page.problem) == (None, None)
    assert {table.name: table.rows for table in page.tables} == {"mart.features": 2, "raw.flights": 2}


def test_result_is_cut(flights: Workspace) -> None:
    """More rows than the limit are cut, and the page says so."""
    page = ask(flights, "SELECT * FROM range(10)", limit="3")

    assert page.is_cut
    assert page.result is not None
    assert len(page.result.rows) == 3


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("SELEC 1", 400, "syntax error"),
        ("SELECT nothing FROM mart.features", 400, "nothing"),
        ("SELECT * FROM mart.featurs", 404, "featurs"),
        ("DROP TABLE mart.features", 400, "only"),
        ("SELECT 1; SELECT 2", 400, "only one SELECT"),
        ("SELECT * FROM read_csv('/etc/passwd')", 400, "read_csv"),
        ("COPY mart.features TO '/tmp/x.csv'", 400, "only"),
        ("INSTALL httpfs", 400, "only"),
        ("ATTACH '/tmp/x.db'", 400, "only"),
    ],
)
def test_wrong_query_is_explained(flights: Workspace, query: str, status: int, words: str) -> None:
    """What does not parse, exist or only read is refused in words, with the status that says the same."""
    page = ask(flights, query)

    assert page.result is None
    assert page.problem is not None
    assert page.status == status
    assert words in page.problem.message + (page.problem.detail or "")


@pytest.mark.parametrize("path", ["/sql?q=SELEC", "/sql.json?q=SELEC", "/sql.csv?q=SELEC"])
def test_status_is_the_same_everywhere(get: Get, path: str) -> None:
    """Page, JSON and CSV agree that a query is wrong."""
    assert get(path).status_code == 400


def test_misspelt_table_has_the_nearest(get: Get) -> None:
    """The page offers the table that was probably meant."""
    assert "mart.features" in get("/sql?q=SELECT+*+FROM+mart.featurs").text


def test_csv(get: Get) -> None:
    """The rows come as a file that a spreadsheet opens."""
    response = get("/sql.csv?q=SELECT+flight_id,+late+FROM+mart.features+ORDER+BY+1")

    assert response.headers["content-type"].startswith("text/csv")
    assert "attachment" in response.headers["content-disposition"]
    assert list(csv.reader(io.StringIO(response.text))) == [["flight_id", "late"], ["UA0", ""], ["UA1", ""]]


def test_query_stays_in_the_field(get: Get) -> None:
    """What was asked stands in its field, as text."""
    html = get("/sql?q=SELECT+'</textarea><b>'+AS+x").text

    assert "&lt;/textarea&gt;" in html
    assert "<b>" not in html


@pytest.fixture
def people(write_project, open_workspace):
    """Return a workspace whose lake has a table of people, with a contract that says so."""
    workspace = open_workspace(
        write_project(
            {
                "tables/mart/people.sql": "SELECT 1",
                "contracts/mart.people.odcs.yaml": (
                    "apiVersion: v3.1.0\nkind: DataContract\nid: p\nversion: 1.0.0\n"
                    "schema: [{name: people, properties: [{name: mail, tags: ['pii:contact']}]}]\n"
                ),
            }
        )
    )
    with open_lake(workspace).transaction("people") as transaction:
        transaction.replace("mart.people", "SELECT 'ann@example.org' AS mail")
    return workspace


def test_answers_are_masked(people) -> None:
    """The page, its JSON and its downloads show no personal value, also in what is wrong with a query."""
    query = {"q": "SELECT mail FROM mart.people"}

    assert sql_page(Visit(people, query=query)).result.rows == (("a***",),)
    assert sql_result(Visit(people, query=query)).rows == (("a***",),)
    wrong = sql_page(Visit(people, query={"q": "SELECT CAST(mail AS INT) FROM mart.people"}))
    assert "ann@" not in str(wrong.problem)


def test_server_with_the_right_shows_all(people) -> None:
    """Who starts the server decides."""
    people.settings = replace(people.settings, personal_data="clear")

    assert sql_result(Visit(people, query={"q": "FROM mart.people"})).rows == (("ann@example.org",),)


def test_rest_of_the_engine_is_out_of_reach(people) -> None:
    """What would tell of the values behind the masks is refused with its reason."""
    page = sql_page(Visit(people, query={"q": "FROM duckdb_views"}))

    assert page.status == 400
    assert "personal columns are masked" in (page.problem.hint or "")
