"""Data: tables with their contract and state, and one table with everything known of it."""

from __future__ import annotations

import pytest

from ropewalk.dataops.catalog import UnknownTable
from ropewalk.dataops.lake import open_lake
from ropewalk.pipeline import Workspace
from ropewalk.web.page import Visit
from ropewalk.web.views.data import TableLine, table_list, table_view


def lines(workspace: Workspace) -> dict[str, TableLine]:
    """Return the listed tables by name."""
    return {line.name: line for schema in table_list(Visit(workspace)).schemas for line in schema.tables}


def test_list_has_declared_and_made(flights: Workspace) -> None:
    """Sources and tables are listed, those that were never made too."""
    found = lines(flights)

    assert set(found) == {"raw.flights", "mart.features", "mart.daily"}
    assert (found["raw.flights"].kind, found["raw.flights"].rows, found["raw.flights"].state) == (
        "source",
        2,
        "current",
    )
    assert (found["mart.daily"].rows, found["mart.daily"].state) == (None, "never")


def test_list_tells_how_contracts_are_kept(flights: Workspace, empty: Workspace) -> None:
    """A contract holds, holds with warnings, is not checked yet, or is not there."""
    assert lines(flights)["mart.features"].contract == "warned"
    assert lines(flights)["raw.flights"].contract is None
    assert lines(empty)["mart.features"].contract == "unchecked"


def test_schemas_stand_as_data_flows(flights: Workspace) -> None:
    """What comes in stands before what is made of it, and a table has its short name there."""
    found = table_list(Visit(flights))

    assert [schema.name for schema in found.schemas] == ["raw", "mart"]
    assert [table.table for table in found.schemas[1].tables] == ["features", "daily"]
    assert found.count == 3


def test_table_has_it_all(flights: Workspace) -> None:
    """A table's page has columns, SQL, contract, rows and neighbours."""
    view = table_view(Visit(flights, {"name": "mart.features"}))

    assert view.line.description == "What was known of each flight two hours before its departure"
    assert [column.name for column in view.columns] == ["flight_id", "distance", "late"]
    assert view.columns[0].is_key
    assert "FROM raw.flights" in (view.sql or "")
    assert view.file == "tables/mart/features.sql"
    assert view.sample is not None
    assert len(view.sample.rows) == 2
    assert "source:flights" in {node.id for node in view.nodes}


def test_contract_is_shown_with_its_warnings(flights: Workspace) -> None:
    """The checks stand in words, with how many held and what was warned of."""
    contract = table_view(Visit(flights, {"name": "mart.features"})).contract

    assert contract is not None
    assert contract.path == "contracts/mart.features.odcs.yaml"
    assert contract.passed == 1
    assert contract.warnings == ("unique: 1 row",)
    assert any("flight_id" in check for check in contract.checks)


def test_table_before_its_first_run(empty: Workspace) -> None:
    """A table that was never made shows what is declared of it."""
    view = table_view(Visit(empty, {"name": "mart.features"}))

    assert view.sample is None
    assert view.line.rows is None
    assert [column.name for column in view.columns] == ["flight_id"]


@pytest.mark.parametrize("name", ["mart.feature", "nothing", 'a"b', "mart.features; DROP"])
def test_unknown_table(flights: Workspace, name: str) -> None:
    """A table that does not exist is told."""
    with pytest.raises(UnknownTable):
        table_view(Visit(flights, {"name": name}))


def test_warning_shows_some_rows(flights: Workspace) -> None:
    """Beside what did not hold stand some of the rows, as the check recorded them: masked."""
    contract = table_view(Visit(flights, {"name": "mart.features"})).contract

    assert contract is not None
    assert contract.warnings == ("unique: 1 row",)
    assert contract.samples == (("flight_id = '7', who = '***'",),)


def test_search_finds_tables_and_columns(flights: Workspace) -> None:
    """The address holds the words; each hit leads to its page."""
    found = table_list(Visit(flights, query={"q": "distance"}))
    none = table_list(Visit(flights, query={"q": "distance zebra"}))

    hits = {item.hit.name: item.address for item in found.found}
    assert hits["mart.features.distance"] == "/data/mart.features?column=distance#trace"
    assert (none.found, none.query) == ((), "distance zebra")


def test_search_for_one_kind(flights: Workspace) -> None:
    """Also without words; a kind that is none searches all."""
    tables = table_list(Visit(flights, query={"kind": "table"}))
    other = table_list(Visit(flights, query={"kind": "nothing", "q": "features"}))

    assert {item.hit.kind for item in tables.found} == {"table"}
    assert (other.kind, other.found[0].hit.name) == ("", "mart.features")


def test_profile_is_made_when_asked_for(flights: Workspace) -> None:
    """A page does not look at values by itself; what was looked at stays."""
    before = table_view(Visit(flights, {"name": "raw.flights"}))
    asked = table_view(Visit(flights, {"name": "raw.flights"}, {"profile": "1"}))
    after = table_view(Visit(flights, {"name": "raw.flights"}))

    assert before.profile is None
    assert asked.profile is not None
    assert after.profile == asked.profile
    assert after.profile_of(after.columns[0].name) is not None
    assert after.profile_of("nothing") is None


def test_column_is_followed_both_ways(flights: Workspace) -> None:
    """Where it comes from, and what a change of it reaches."""
    view = table_view(Visit(flights, {"name": "mart.features"}, {"column": "DISTANCE"}))

    assert view.trace is not None
    assert view.trace.column == "distance"
    assert [item.name for item in view.trace.values] == ["raw.flights.distance"]
    assert all(item.address.startswith("/") for item in view.trace.reached)


def test_loaded_and_unknown_columns(flights: Workspace) -> None:
    """A source's column has nothing behind it; a name that is no column's is no question."""
    loaded = table_view(Visit(flights, {"name": "raw.flights"}, {"column": "distance"}))
    unknown = table_view(Visit(flights, {"name": "raw.flights"}, {"column": "zebra"}))

    assert loaded.trace is not None
    assert (loaded.trace.transform, loaded.trace.values) == ("loaded", ())
    assert "mart.features.distance" in {item.name for item in loaded.trace.reached}
    assert unknown.trace is None


def test_versions_are_those_that_the_lake_keeps(flights: Workspace) -> None:
    """Newest first, with the one that the environment has."""
    history = table_view(Visit(flights, {"name": "mart.features"})).history

    assert history
    assert [item.number for item in history] == sorted((item.number for item in history), reverse=True)


def test_rows_in_quarantine_are_counted(write_project, open_workspace) -> None:
    """A source's page says how many rows did not fit."""
    workspace = open_workspace(
        write_project({"ropewalk.yaml": "project: p\nsources: {o: {kind: files, path: x.csv}}\n"})
    )
    with open_lake(workspace).transaction("load") as transaction:
        transaction.replace("raw.o", "SELECT 1 AS id")
        transaction.replace("quarantine.o", "SELECT 'no number' AS _reason FROM range(3)")

    assert table_view(Visit(workspace, {"name": "raw.o"})).quarantined == 3
    assert table_view(Visit(workspace, {"name": "quarantine.o"})).quarantined is None
