"""Singer taps: real programs that print messages, from those that follow the specification to those that die."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.sources.singer_lines import column_type, read_tap
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import declare_graph

# A tap as the specification describes one: config, catalog and state in; SCHEMA, RECORD and STATE out.
TAP = """
import argparse, json, sys, os
parser = argparse.ArgumentParser()
for name in ("--config", "--catalog", "--state"):
    parser.add_argument(name)
parser.add_argument("--discover", action="store_true")
given = parser.parse_args()
read = lambda path: json.load(open(path)) if path else {}
config, catalog, state = read(given.config), read(given.catalog), read(given.state)
ORDERS = {"properties": {"id": {"type": "integer"}, "at": {"type": ["null", "string"], "format": "date-time"},
    "price": {"type": ["null", "number"]}, "tags": {"type": "array"}}}
STREAMS = {"orders": ORDERS, "users/all": {"properties": {"name": {"type": "string"}}}}
def say(**message):
    print(json.dumps(message), flush=True)
if given.discover:
    entries = [{"stream": n, "tap_stream_id": n, "schema": s, "metadata": []} for n, s in STREAMS.items()]
    say(streams=entries)
    sys.exit()
print("token is", config.get("token"), file=sys.stderr)
chosen = {e["stream"] for e in catalog.get("streams", []) if e["schema"].get("selected")} or set(STREAMS)
if "orders" in chosen:
    say(type="SCHEMA", stream="orders", schema=ORDERS, key_properties=["id"])
    for number in range(state.get("next", 1), config["last"] + 1):
        say(type="RECORD", stream="orders", record={"id": number, "at": "2024-01-0%dT00:00:00Z" % number, "price": 1.5, "tags": ["a"]})
    say(type="STATE", value={"next": config["last"] + 1})
if "users/all" in chosen:
    say(type="SCHEMA", stream="users/all", schema=STREAMS["users/all"], key_properties=[])
    say(type="RECORD", stream="users/all", record={"name": "ann"})
"""
SCHEMA = '{"type": "SCHEMA", "stream": "s", "schema": {"properties": {"a": {"type": "integer"}}}, "key_properties": []}'
RECORD = '{"type": "RECORD", "stream": "s", "record": {"a": 1}}'


def declare(project, options: str, tap: str = TAP):
    """Declare the tap that the Python program `tap` is."""
    path = project.write("../tap.py", tap)
    return project.declare(f"{{kind: singer, command: [{sys.executable}, {path}], {options}}}")


def printing(*lines: str, end: str = "") -> str:
    """Return a tap that prints lines."""
    return "".join(f"print({line!r}, flush=True)\n" for line in lines) + end


def test_a_stream_is_loaded(project) -> None:
    """With the types of its schema."""
    declare(project, "stream: orders, config: {last: 2}").load()

    assert project.rows("SELECT id, price, tags ->> 0") == [(1, 1.5, "a"), (2, 1.5, "a")]
    assert project.types() == {
        "id": "BIGINT",
        "at": "TIMESTAMP WITH TIME ZONE",
        "price": "DOUBLE",
        "tags": "JSON",
    }


def test_the_state_is_the_watermark(project) -> None:
    """The tap goes on where it was, and its records are merged by its key."""
    declare(project, "stream: orders, config: {last: 2}").load()
    (project.root.parent / "tap.py").write_text(TAP.replace('config["last"]', "4"))

    output = project.load()

    assert (output.summary["rows"], output.summary["added"]) == (4, 2)
    assert json.loads(project.lake.read_book("watermarks", "things")[0][2]) == {"next": 5}


def test_nothing_new_makes_no_snapshot(project) -> None:
    """A tap has to be asked at every run; equal content stops there."""
    first = declare(project, "stream: orders, config: {last: 2}").load()
    project.load()
    before = project.lake.snapshot()

    assert project.load().digest == first.digest
    assert project.lake.snapshot() == before


def test_streams_are_tables(project) -> None:
    """One node each, with a name that a table can have; the catalog selects the stream."""
    declare(project, "streams: [orders, users/all], catalog: discover, config: {last: 1}")

    nodes = set(declare_graph(project.workspace.project, project.kinds).nodes)

    assert nodes == {"source:things_orders", "source:things_users_all"}
    output = declare(project, "stream: users/all, catalog: discover, config: {last: 1}").load()
    assert (project.rows("SELECT name"), "others" in output.summary) == ([("ann",)], False)


def test_a_stream_that_the_tap_does_not_have(project) -> None:
    """The nearest is named, from the catalog and from what the tap prints."""
    for option in ("catalog: discover", "config: {last: 1}"):
        error = declare(project, f"stream: order, {option}").fail()
        assert (error.code, error.nearest) == ("RW291", "orders")


@pytest.mark.parametrize(
    ("tap", "code", "said"),
    [
        (
            printing(SCHEMA, "Connecting to the shop..."),
            "RW492",
            "line 2 of what the tap printed is no message",
        ),
        (printing(SCHEMA, "[1]"), "RW492", "line 2"),
        (printing(RECORD), "RW492", "no schema was told"),
        (printing(SCHEMA, '{"type": "RECROD"}'), "RW492", "the type 'RECROD'"),
        (
            printing(SCHEMA, '{"type": "RECORD", "stream": "s"}'),
            "RW492",
            "line 2 of what the tap printed has no record",
        ),
        (printing('{"type": "STATE", "value": 1}'), "RW492", "no schema of the stream"),
        (printing(SCHEMA, RECORD, end="raise SystemExit(3)"), "RW490", "ended with exit code 3"),
        (printing(SCHEMA, RECORD, end="import os; os.kill(os.getpid(), 9)"), "RW490", "killed by signal 9"),
        (printing(SCHEMA, '{"type": "RECORD", "stream": "s", "rec'), "RW492", "line 2"),
        ("import time; time.sleep(60)", "RW491", "longer than 1 seconds"),
    ],
)
def test_taps_that_go_wrong(project, tap: str, code: str, said: str) -> None:
    """Each is told for what it is, and nothing is loaded."""
    error = declare(project, "stream: s, timeout: 1s", tap).fail()

    assert (error.code, said in error.message) == (code, True), error.message
    assert project.lake.table_names() == ()


def test_what_a_failing_tap_said_is_shown(project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its secrets, of which the configuration in the declaration shows the names only."""
    monkeypatch.setenv("SHOP_TOKEN", "hunter2-hunter2")
    options = "stream: orders, config: {last: x, token: 'secret://SHOP_TOKEN'}"

    error = declare(project, options).fail()

    assert (error.code, "token is ***" in error.detail) == ("RW490", True)
    files = [path for path in project.root.rglob("*") if path.is_file()]
    assert [path for path in files if b"hunter2-hunter2" in path.read_bytes()] == []


def test_a_failed_load_leaves_the_state(project) -> None:
    """The next load begins where the last good one ended."""
    declare(project, "stream: orders, config: {last: 1}").load()
    path = project.root.parent / "tap.py"
    path.write_text(TAP.replace('config["last"]', "3") + "\nsys.exit(1)\n")

    assert project.fail().code == "RW490"
    assert project.rows("SELECT id") == [(1,)]

    path.write_text(TAP.replace('config["last"]', "3"))
    assert project.load().summary["added"] == 2


def test_values_that_are_not_of_the_schema(project) -> None:
    """They go to quarantine; what the schema forgot is kept."""
    tap = printing(SCHEMA, RECORD, RECORD.replace("1}", '2, "b": {"c": 1}}'), RECORD.replace("1}", '"x"}'))

    output = declare(project, "stream: s", tap).load()

    assert output.summary["quarantined"] == 1
    assert project.rows("SELECT a, b ->> 'c'") == [(1, None), (2, "1")]


@pytest.mark.parametrize(
    ("options", "code"),
    [("stream: s, command: [no-such-tap]", "RW691"), ("stream: s, catalog: nowhere.json", "RW125")],
)
def test_what_is_not_there(project, options: str, code: str) -> None:
    """A tap that is not installed, a catalog that is none."""
    entry = options if "command" in options else f"command: [{sys.executable}, -c, pass], {options}"

    assert project.declare(f"{{kind: singer, {entry}}}").fail().code == code


@pytest.mark.parametrize(
    "options", ["command: [tap]", "command: [tap], stream: a, streams: [b]", "command: [], stream: a"]
)
def test_declarations_that_say_too_little_or_too_much(project, options: str) -> None:
    """They are refused before anything runs."""
    project.declare(f"{{kind: singer, {options}}}")

    with pytest.raises(RopewalkError):
        project.workspace  # noqa: B018  # reading the declaration is what fails


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "integer"}, "BIGINT"),
        ({"type": ["null", "number"]}, "DOUBLE"),
        ({"type": ["string", "null"], "format": "date-time"}, "TIMESTAMP WITH TIME ZONE"),
        ({"type": "string", "format": "date"}, "DATE"),
        ({"type": "string", "format": "singer.decimal"}, "VARCHAR"),
        ({"type": ["string", "integer"]}, "JSON"),
        ({"anyOf": [{"type": "string"}]}, "JSON"),
        ({"type": "object"}, "JSON"),
        ({}, "JSON"),
        (True, "JSON"),
    ],
)
def test_types_of_schemas(schema: object, kind: str) -> None:
    """What has no plain type stays JSON."""
    assert column_type(schema) == kind


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda v: st.lists(v, max_size=2)
)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=3), max_size=5))
def test_whatever_records_hold(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, object]]
) -> None:
    """Each is one line of the file, with all it had."""
    from io import BytesIO

    said = [json.loads(SCHEMA), *({"type": "RECORD", "stream": "s", "record": record} for record in records)]
    path = tmp_path_factory.mktemp("tap") / "rows"

    output = read_tap(BytesIO("\n".join(map(json.dumps, said)).encode()), "s", path)

    assert output.records == len(records)
    assert {"a", *(name for record in records for name in record)} == set(output.columns)
    written = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    assert written == [json.loads(json.dumps(record).encode("utf-8", "replace")) for record in records]
