"""Data: tables with their contract and state, and one table with everything known of it."""

from __future__ import annotations

import pytest

from ropewalk.dataops.catalog import UnknownTable
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
