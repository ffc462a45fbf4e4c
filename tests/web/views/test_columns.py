"""One column both ways: links that lead on, and what is said when nothing does."""

from __future__ import annotations

from ropewalk.pipeline import Workspace
from ropewalk.web.page import Visit
from ropewalk.web.render import column_page
from ropewalk.web.views.columns import column_address
from ropewalk.web.views.data import table_view


def test_addresses_are_quoted() -> None:
    """Whatever a column is called."""
    assert column_address("mart.t", "a b&c") == "/data/mart.t?column=a+b%26c#trace"
    assert column_page("mart.t.x") == "/data/mart.t?column=x#trace"


def test_every_link_leads_to_a_page(flights: Workspace) -> None:
    """Columns to their table, nodes to their own page."""
    trace = table_view(Visit(flights, {"name": "raw.flights"}, {"column": "distance"})).trace

    assert trace is not None
    for item in trace.reached:
        prefix = "/data/" if item.kind == "column" else "/"
        assert item.address.startswith(prefix)
    assert trace.fields == ()


def test_made_columns_lead_back_to_fields(flights: Workspace) -> None:
    """To what no SQL makes."""
    trace = table_view(Visit(flights, {"name": "mart.features"}, {"column": "distance"})).trace

    assert trace is not None
    assert [item.name for item in trace.fields] == ["raw.flights.distance"]
    assert trace.unknown is None
