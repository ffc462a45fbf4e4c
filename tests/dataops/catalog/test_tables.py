"""The catalogue's cards and pages: from files, contracts and the lake to what a person sees."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from textwrap import dedent

import pytest

from ropewalk import plugins
from ropewalk.dataops.catalog import ColumnCard, ContractResult, UnknownTable, list_tables, table_page
from ropewalk.dataops.contracts import InvalidContract
from ropewalk.dataops.lake import open_lake
from ropewalk.dataops.transform import InvalidSQL, TableKind
from ropewalk.pipeline import Workspace, current_records, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

from .conftest import Silent

CONTRACT = """\
    apiVersion: v3.1.0
    kind: DataContract
    id: flights
    version: 1.0.0
    team: {name: Crew planning}
    schema:
      - name: flights
        description: One row per departure.
        quality: [{metric: rowCount, mustBe: 40, severity: warning}]
        properties:
          - {name: ID, primaryKey: true, description: The flight}
          - {name: tail, classification: restricted, logicalType: string}
"""
FILES = {
    "tables/staging/flights.sql": "-- All flights.\nSELECT i AS id, 'N' || i AS tail FROM range(30) AS r (i);\n",
    "tables/mart/late.sql": "-- The late ones.\nSELECT id FROM flights WHERE id > 20",
    "contracts/staging.flights.odcs.yaml": CONTRACT,
}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Iterator[Workspace]:
    """Return the project of FILES after a run, for the tests that only look."""
    root = tmp_path_factory.mktemp("built")
    for name, text in {"ropewalk.yaml": "project: test\n", **FILES}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(dedent(text))
    with Workspace(load_project(root, []), load_settings({})) as workspace:
        kinds = {"table": TableKind()}
        execute(declare_graph(workspace.project, kinds), kinds, workspace, Silent())
        yield workspace


def test_card_joins_file_contract_and_lake(built):
    """Name, path, words, owner, columns, rows, snapshot and contract result are on one card."""
    late, flights = list_tables(built)

    assert (flights.name, flights.kind, flights.node) == ("staging.flights", "table", "table:staging.flights")
    assert (flights.description, flights.owner) == ("One row per departure.", "Crew planning")
    assert flights.columns == (
        ColumnCard("id", "BIGINT", "The flight", is_required=True, is_key=True, checks=3),
        ColumnCard("tail", "VARCHAR", classification="restricted", checks=2),
    )
    assert flights.contract == ContractResult(6, 5, ("rowCount: 30 rows, must be 40",), ((),))
    assert (flights.rows, flights.path, flights.is_declared) == (30, "tables/staging/flights.sql", True)
    assert (late.description, late.rows, late.contract, late.contract_path) == (
        "The late ones.",
        9,
        None,
        None,
    )
    assert late.snapshot is not None


def test_table_that_is_not_built_shows_what_is_promised(open_project):
    """Before the first run there are no rows; the columns are those of the contract."""
    late, flights = list_tables(open_project(FILES, run=False))

    assert (flights.rows, flights.snapshot, flights.contract) == (None, None, None)
    assert flights.columns[1] == ColumnCard("tail", "string", classification="restricted", checks=2)
    assert flights.columns[0].type is None
    assert late.columns == ()


def test_sources_come_first(open_project):
    """The table of a declared source has a card, built or not, with its contract's words."""
    workspace = open_project(
        {
            "ropewalk.yaml": "project: test\nsources: {flights: {}, planes: {}}\n",
            "tables/mart/a.sql": "SELECT 1 AS id",
            "contracts/raw.flights.odcs.yaml": CONTRACT,
        }
    )
    with open_lake(workspace).transaction("load") as transaction:
        transaction.replace("raw.planes", "SELECT 'N1' AS tail")

    cards = list_tables(workspace)

    assert [(card.name, card.kind, card.rows) for card in cards] == [
        ("raw.flights", "source", None),
        ("raw.planes", "source", 1),
        ("mart.a", "table", 1),
    ]
    assert (cards[0].node, cards[0].owner) == ("source:flights", "Crew planning")


def test_source_of_several_tables(write_project):
    """Each of its tables is there, and none that nothing makes."""
    root = write_project(
        {"ropewalk.yaml": "project: t\nsources: {code: {kind: git, tables: [tags, authors]}}\n"}
    )

    with Workspace(load_project(root, plugins.sections()), load_settings({})) as workspace:
        assert [card.name for card in list_tables(workspace)] == ["raw.code_authors", "raw.code_tags"]


def test_table_whose_file_is_gone_is_marked(open_project):
    """What the lake still has is shown, and that nothing declares it any more."""
    workspace = open_project(FILES)
    (workspace.root / "tables/mart/late.sql").unlink()

    late, _ = list_tables(workspace)

    assert (late.name, late.rows, late.is_declared, late.path) == ("mart.late", 9, False, None)


def test_page_shows_sql_checks_and_a_sample(built):
    """A table's page has its SELECT, what it reads, its checks in words, and twenty rows."""
    page = table_page(built, "staging.flights")

    assert page.sql == "-- All flights.\nSELECT i AS id, 'N' || i AS tail FROM range(30) AS r (i)"
    assert page.checks[:2] == ("error present('ID')", "error required('ID')")
    assert len(page.sample) == 20
    assert page.sample[0] == (0, "N0")


def test_page_of_a_table_that_reads_another(built):
    """The tables of FROM are listed as the file names them."""
    page = table_page(built, "mart.late")

    assert (page.reads, page.checks) == (("flights",), ())


def test_sample_is_plain_values(open_project):
    """Times, decimals and nested values are texts, so that a page and its JSON show the same."""
    sql = "SELECT DATE '2013-01-01' AS d, 1.50 AS n, [1, 2] AS l, NULL AS z, true AS b, 0.5::DOUBLE AS f, '-inf'::DOUBLE AS i"

    page = table_page(open_project({"tables/mart/a.sql": sql}), "mart.a")

    assert page.sample == (("2013-01-01", "1.50", "[1, 2]", None, True, 0.5, "-inf"),)


def test_table_is_found_by_any_of_its_names(built):
    """Upper case, full name, node id and the last part alone all mean the table."""
    workspace = built

    found = [
        table_page(workspace, name).card.name
        for name in ("staging.flights", "Staging.FLIGHTS", "table:staging.flights", "flights")
    ]

    assert found == ["staging.flights"] * 4


def test_source_is_found_by_its_node(open_project):
    """The id of a source means the table it fills."""
    workspace = open_project({"ropewalk.yaml": "project: test\nsources: {planes: {}}\n"}, run=False)

    page = table_page(workspace, "source:planes")

    assert (page.card.name, page.sql, page.reads) == ("raw.planes", None, ())


def test_unknown_name_is_an_error_with_the_nearest(built):
    """A name that nothing has is never put into SQL; the nearest one is named."""
    workspace = built
    wrong = {
        "staging.fligths": "staging.flights",
        "source:late": "mart.late",
        "": None,
        "'; DROP TABLE x; --": None,
    }

    for name, nearest in wrong.items():
        with pytest.raises(UnknownTable) as caught:
            table_page(workspace, name)

        assert caught.value.message == f"no table is called {name!r}"
        assert caught.value.nearest == nearest
        assert caught.value.hint == "`ropewalk status` lists the tables"


def test_lost_table_shows_no_result_of_its_past(open_project):
    """When the lake has lost a table, what was once recorded of its contract is not shown as current."""
    workspace = open_project(FILES)
    lake = open_lake(workspace)
    lake.close()
    shutil.rmtree(lake.folder)

    card = table_page(workspace, "staging.flights").card

    assert (card.rows, card.snapshot, card.contract, card.is_declared) == (None, None, None, True)
    assert card.owner == "Crew planning"


def test_page_is_of_the_environment(open_project):
    """Columns, rows and sample are those of its snapshot, whatever was written since."""
    workspace = open_project(FILES)
    before = table_page(workspace, "staging.flights")
    with open_lake(workspace).transaction("another environment's") as transaction:
        transaction.replace("staging.flights", "SELECT 'other' AS word")

    after = table_page(workspace, "staging.flights")

    assert (after.card, after.sample) == (before.card, before.sample)


def test_failed_contract_shows_the_content_that_stays(open_project):
    """After a refused build the card tells of the rows that are there, not of those that were refused."""
    open_project(FILES)
    worse = FILES["tables/staging/flights.sql"].replace("i AS id", "1 AS id")

    workspace = open_project({**FILES, "tables/staging/flights.sql": worse})

    card = table_page(workspace, "staging.flights").card
    assert (card.rows, card.contract.passed) == (30, 5)
    assert table_page(workspace, "staging.flights").sample[1] == (1, "N1")


def test_ambiguous_short_name_lists_what_it_can_mean(open_project):
    """Two tables that end alike need their full names."""
    workspace = open_project({**FILES, "tables/mart/flights.sql": "SELECT 1 AS id"}, run=False)

    with pytest.raises(UnknownTable, match=r"'flights' can mean mart\.flights or staging\.flights"):
        table_page(workspace, "flights")


def test_broken_file_is_reported(open_project):
    """The catalogue of a project that does not parse says where it does not."""
    workspace = open_project({"tables/mart/a.sql": "SELECT ("}, run=False)

    with pytest.raises(InvalidSQL) as caught:
        list_tables(workspace)

    assert caught.value.place.path == "tables/mart/a.sql"


def test_empty_project_has_no_tables(open_project):
    """Nothing declared and nothing built is an empty list."""
    assert list_tables(open_project({}, run=False)) == []


def test_table_with_odd_column_names_has_a_page(open_project):
    """Blanks, quotes and upper case in column names are shown as the lake has them."""
    sql = 'SELECT 1 AS "my column", 2 AS "say ""hi""", 3 AS "Größe"'

    page = table_page(open_project({"tables/mart/a.sql": sql}), "mart.a")

    assert [column.name for column in page.card.columns] == ["my column", 'say "hi"', "Größe"]
    assert page.sample == ((1, 2, 3),)


def test_lists_are_in_one_order(open_project):
    """Sources by name, then tables by name, whatever the order of files."""
    files = {f"tables/{name}.sql": "SELECT 1 AS a" for name in ("z/b", "a/z", "m/m", "a/a")}
    yaml = "project: test\nsources: {weather: {}, airports: {}}\n"

    cards = list_tables(open_project({"ropewalk.yaml": yaml, **files}, run=False))

    assert [card.name for card in cards] == ["raw.airports", "raw.weather", "a.a", "a.z", "m.m", "z.b"]


def test_contract_that_breaks_is_reported(open_project):
    """A contract that cannot be read stops the list, as it would stop a plan."""
    files = {**FILES, "contracts/staging.flights.odcs.yaml": "just words"}

    with pytest.raises(InvalidContract) as caught:
        list_tables(open_project(files, run=False))

    assert caught.value.place.path == "contracts/staging.flights.odcs.yaml"


def test_record_of_an_earlier_version_is_read_with_care(open_project):
    """A summary whose contract is not what this version writes shows no result, or what can be read of it."""
    workspace = open_project(FILES)
    for summary, expected in (
        ({"contract": "fine"}, None),
        ({"contract": {"checks": 2, "passed": "1", "warnings": "none"}}, ContractResult(2, 1, ())),
        ({}, None),
    ):
        _rewrite_summary(workspace, "table:staging.flights", summary)

        assert table_page(workspace, "staging.flights").card.contract == expected


def _rewrite_summary(workspace, node, summary):
    output = current_records(workspace)[node].output
    text = json.dumps(dataclasses.asdict(dataclasses.replace(output, summary=summary)))
    with workspace.database.write() as connection:
        connection.execute("UPDATE action SET output = ? WHERE node = ?", (text, node))


def test_table_that_lost_its_contract_keeps_its_last_result(open_project):
    """Until it is built again a table shows how its content kept the contract it was made under."""
    workspace = open_project(FILES)
    (workspace.root / "contracts/staging.flights.odcs.yaml").unlink()

    card = table_page(workspace, "staging.flights").card

    assert (card.contract_path, card.owner) == (None, None)
    assert card.contract.checks == 6
