"""The lines of a tap, one by one: what is taken, and what is no message."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from ropewalk.dataops.sources.errors import ProgramGarbled, StreamMissing
from ropewalk.dataops.sources.singer_lines import TapOutput, read_tap, select_stream

SCHEMA = {"type": "SCHEMA", "stream": "users", "key_properties": ["id"],
          "schema": {"properties": {"id": {"type": "integer"}}}}  # fmt: skip


def record(stream: str = "users", **values: object) -> dict[str, object]:
    return {"type": "RECORD", "stream": stream, "record": values}


def tap(tmp_path: Path, *messages: object) -> tuple[TapOutput, list[object]]:
    """Return what is read of a tap that prints `messages`, and the records that are written."""
    lines = b"".join((m if isinstance(m, bytes) else json.dumps(m).encode()) + b"\n" for m in messages)
    output = read_tap(io.BytesIO(lines), "users", tmp_path / "rows")
    return output, [json.loads(line) for line in (tmp_path / "rows").read_text().splitlines()]


def test_records_schema_and_state(tmp_path: Path) -> None:
    """The last state counts; empty lines and versions are passed over."""
    version = {"type": "ACTIVATE_VERSION", "stream": "users", "version": 1}

    output, rows = tap(
        tmp_path,
        SCHEMA,
        b"",
        version,
        {"type": "STATE", "value": {"b": 1, "a": 2}},
        record(id=1),
        record(id=2),
    )

    assert rows == [{"id": 1}, {"id": 2}]
    assert (output.columns, output.key, output.records) == ({"id": "BIGINT"}, ("id",), 2)
    assert output.state == '{"a": 2, "b": 1}'


def test_records_of_other_streams_are_counted(tmp_path: Path) -> None:
    """They are not written."""
    output, rows = tap(tmp_path, SCHEMA, {**SCHEMA, "stream": "teams"}, record("teams", id=9), record(id=1))

    assert (rows, output.others, output.records) == ([{"id": 1}], 1, 1)


def test_a_column_that_the_schema_forgot(tmp_path: Path) -> None:
    """It is kept as JSON."""
    output, rows = tap(tmp_path, SCHEMA, record(id=1, extra={"x": "ü\n"}))

    assert output.columns == {"id": "BIGINT", "extra": "JSON"}
    assert rows == [{"id": 1, "extra": {"x": "ü\n"}}]


def test_a_silent_tap(tmp_path: Path) -> None:
    """No message at all is no stream missing: there is just nothing."""
    assert tap(tmp_path) == (TapOutput(), [])


def test_half_a_character_is_replaced(tmp_path: Path) -> None:
    """A lone surrogate, which JSON allows, would stop the file from being UTF-8."""
    _, rows = tap(tmp_path, SCHEMA, b'{"type": "RECORD", "stream": "users", "record": {"id": "\\ud800"}}')

    assert rows == [{"id": "?"}]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"INFO starting", "is no message"),
        (b"[1]", "is no message"),
        (b"null", "is no message"),
        (b"[" * 100_000, "is no message"),
        (b'{"a": "\xff"}', "is no message"),
        ({"type": "RECROD"}, "has the type 'RECROD'"),
        ({}, "has the type None"),
        ({"type": "STATE"}, "has no value"),
        ({"type": "SCHEMA"}, "has no stream"),
        ({"type": "SCHEMA", "stream": "users"}, "has no schema"),
        ({**SCHEMA, "schema": {"properties": ["id"]}}, "cannot be read"),
        ({**SCHEMA, "key_properties": "id"}, "cannot be read"),
        ({**SCHEMA, "key_properties": 1}, "cannot be read"),
        ({"type": "RECORD", "stream": "users", "record": [1]}, "has no record"),
        ({"type": "RECORD", "stream": 1, "record": {}}, "has no stream"),
        (record("teams", id=1), "has a record of 'teams', of which no schema was told"),
    ],
)
def test_lines_that_are_not_of_the_protocol(tmp_path: Path, message: object, said: str) -> None:
    """The error has the number of the line and what it lacks."""
    with pytest.raises(ProgramGarbled, match=r"^line 3 of what the tap printed ") as caught:
        tap(tmp_path, SCHEMA, b"", message)

    assert said in caught.value.message
    assert caught.value.hint == "a tap prints its messages on stdout and everything else on stderr"
    assert len(caught.value.detail or "") <= 120


def test_only_other_streams(tmp_path: Path) -> None:
    """The error names them and the nearest."""
    with pytest.raises(StreamMissing, match="no stream 'users'") as caught:
        tap(tmp_path, {**SCHEMA, "stream": "user"}, {**SCHEMA, "stream": "accounts"})

    assert (caught.value.nearest, caught.value.hint) == ("user", "streams: accounts, user")


@pytest.mark.parametrize("catalog", [None, [], {}, {"streams": None}, {"streams": "users"}, {"streams": [1]}])
def test_what_is_no_catalog(catalog: object) -> None:
    """A tap that prints something else is told of."""
    with pytest.raises(ProgramGarbled, match="no list of streams"):
        select_stream(catalog, "users")


def test_one_stream_is_selected() -> None:
    """In metadata and schema; what they say otherwise stays, and the catalog given is not changed."""
    field = {"breadcrumb": ["properties", "id"], "metadata": {"inclusion": "available"}}
    top = {"breadcrumb": [], "metadata": {"replication-key": "at", "selected": True}}
    catalog = {
        "version": 1,
        "streams": [{"tap_stream_id": "users"}, {"stream": "teams", "metadata": [field, top]}],
    }

    made = select_stream(catalog, "users")

    users, teams = made["streams"]
    assert users["metadata"] == [{"breadcrumb": [], "metadata": {"selected": True}}]
    assert teams["metadata"][0]["metadata"] == {"replication-key": "at", "selected": False}
    assert (teams["metadata"][1], teams["schema"], made["version"]) == (field, {"selected": False}, 1)
    assert top["metadata"]["selected"] is True


def test_a_catalog_without_the_stream() -> None:
    """The nearest is named."""
    with pytest.raises(StreamMissing) as caught:
        select_stream({"streams": [{"stream": "user"}, {"tap_stream_id": "teams"}]}, "users")

    assert (caught.value.nearest, caught.value.hint) == ("user", "streams: teams, user")
