"""Traces in the store: what belongs to one goes with it, and what is derived gives way."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ropewalk.store import Database
from ropewalk.store.database import migrations
from ropewalk.store.search import Condition, Page
from ropewalk.store.tracking import traces
from ropewalk.store.tracking.traces import TABLES, Trace, TraceExtent
from ropewalk.store.tracking.traces_assessments import Assessment, as_number, put_assessment
from ropewalk.store.tracking.traces_search import TraceSearch, count_traces, joint_count, search_numbers
from ropewalk.store.tracking.traces_spans import SpanRow, add_spans, read_spans, trace_figures

SATELLITE = re.compile(r"CREATE TABLE (\w+) \([^;]*?REFERENCES trace \(")


def span(name: str, parent: str | None = None, **fields: Any) -> SpanRow:
    """Return a span that has ended."""
    content = json.dumps({"name": name, **{key: str(value) for key, value in fields.items()}}).encode()
    given = {"type": "LLM", "status": "OK", "started_ns": 1, "ended_ns": 2, "content": content, **fields}
    return SpanRow(name, parent, name, **given)


@pytest.fixture
def number(database: Database) -> int:
    """Return the number of a trace with something in each of its tables."""
    with database.write() as connection:
        made = traces.put_trace(
            connection, Trace(0, "tr-1", "0", 10, 5, "OK", tags={"a": "b"}, metadata={"c": "d"})
        )
        add_spans(connection, made, [span("root", attributes={"k": "v"}, figures={"input_tokens": 2.0})])
        put_assessment(
            connection, made, Assessment("a-1", "tr-1", "feedback", "good", "CODE", "x", 1, 1, True)
        )
        traces.link_run(connection, [made], "r")
        traces.link_prompts(connection, made, ["greet/1"])
    return made


def test_nothing_is_left(database: Database, number: int) -> None:
    """A trace that is deleted leaves no row behind in any table."""
    with database.write() as connection:
        assert all(connection.execute(f"SELECT 1 FROM {table}").fetchone() for table in TABLES)

        assert traces.delete_traces(connection, [number]) == 1

        assert not any(
            connection.execute(f"SELECT 1 FROM {table}").fetchone() for table in (*TABLES, "trace")
        )
        assert traces.delete_traces(connection, [number]) == 0


def test_every_satellite_is_listed() -> None:
    """A table that refers to a trace is emptied with it."""
    made = (step for step in migrations() if "REFERENCES trace (" in step.sql)
    tables = {name for step in made for name in SATELLITE.findall(step.sql)}

    assert tables == {*TABLES}


def test_what_is_derived_gives_way(database: Database, number: int) -> None:
    """A derived tag never replaces one that a client set, and is replaced by it."""
    with database.write() as connection:
        traces.set_trace_texts(connection, "trace_tag", number, {"a": "derived", "n": "1"}, is_derived=True)
        traces.set_trace_texts(connection, "trace_tag", number, {"n": "2"}, is_derived=True)
        [first] = traces.read_traces(connection, [number])
        traces.set_trace_texts(connection, "trace_tag", number, {"n": "said"})
        traces.set_trace_texts(connection, "trace_tag", number, {"n": "3"}, is_derived=True)
        [second] = traces.read_traces(connection, [number])

    assert first.tags == {"a": "b", "n": "2"}
    assert second.tags == {"a": "b", "n": "said"}


@pytest.mark.parametrize(
    ("extent", "wanted"),
    [
        (TraceExtent(5, 12), (5, 10)),
        (TraceExtent(12, 30), (10, 20)),
        (TraceExtent(12), (10, 5)),
        (TraceExtent(2, 40), (2, 38)),
    ],
)
def test_extents_only_grow(
    database: Database, number: int, extent: TraceExtent, wanted: tuple[int, int]
) -> None:
    """A trace from 10 to 15 reaches over what more of it arrives."""
    with database.write() as connection:
        traces.extend_trace(connection, number, extent)
        [found] = traces.read_traces(connection, [number])

    assert (found.started_at, found.duration_ms, found.state) == (*wanted, "OK")


def test_the_last_version_of_a_span(database: Database, number: int) -> None:
    """A span that ended replaces one that goes on, never the reverse, and old segments go."""
    running = span("child", "root", ended_ns=None)
    with database.write() as connection:
        assert add_spans(connection, number, [running, span("child", "root", type="TOOL")])
        assert not add_spans(connection, number, [running])
        assert not add_spans(connection, number, [])
        kept = read_spans(connection, [number])[number]
        figures = trace_figures(connection, number)

    assert [json.loads(one)["name"] for one in kept] == ["root", "child"]
    assert json.loads(kept[1])["type"] == "TOOL"
    assert figures == [("child", "root", {}), ("root", None, {"input_tokens": 2.0})]


def test_conditions_on_one_span(database: Database, number: int) -> None:
    """Conditions of one search hold of one span; two searches may each find their own."""
    with database.write() as connection:
        add_spans(connection, number, [span("tool", "root", type="TOOL")])
    is_root, is_tool = (Condition("span", "name", "=", "root"), Condition("span", "type", "=", "TOOL"))

    with database.read() as connection:
        assert count_traces(connection, TraceSearch([], [is_root, is_tool])) == 0
        assert joint_count(connection, [TraceSearch([], [is_root]), TraceSearch([], [is_tool])]) == 1
        assert search_numbers(connection, TraceSearch([], [is_tool]), [], Page(5)) == [number]


@pytest.mark.parametrize(
    ("value", "counted"), [(True, 1), ("yes", 1), ("no", 0), (2, 2), ("2", None), ([], None)]
)
def test_values_as_numbers(value: object, counted: float | None) -> None:
    """Yes and no are counted; other words are not."""
    assert as_number(value) == counted


def test_order_of_ids_is_kept(database: Database, number: int) -> None:
    """Traces come in the order in which they are asked for, each once, without those that there are not."""
    with database.write() as connection:
        traces.begin_trace(connection, "tr-0", "0", 99)

    with database.read() as connection:
        found = traces.find_traces(connection, ["tr-1", "tr-none", "tr-0", "tr-1"])

    assert [one.id for one in found] == ["tr-1", "tr-0"]
