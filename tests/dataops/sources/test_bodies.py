"""Bodies: records and links are found in JSON without decoding the records."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.dataops.sources.bodies import Body
from ropewalk.dataops.sources.errors import SourceBroken
from ropewalk.errors import Place

PLACE = Place("ropewalk.yaml", 3, 3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), max_size=5)


def body(content: object) -> Body:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Body.parse(raw, "page 1 of http://host/x", PLACE)


@given(records=RECORDS, indent=st.sampled_from([None, 0, 2]))
def test_records_come_out_as_they_went_in(records: list[dict[str, object]], indent: int | None) -> None:
    """Each on one line, however the body is laid out."""
    raw = json.dumps({"data": {"items": records}}, indent=indent).encode()

    found = body(raw).records("data.items")

    assert [json.loads(record) for record in found] == records
    assert not any(b"\n" in record for record in found)


@pytest.mark.parametrize(
    ("content", "path"),
    [([{"a": 1}], None), ({"items": [{"a": 1}]}, "items"), ({"a": {"b": {"c": [{"a": 1}]}}}, "a.b.c")],
)
def test_where_records_may_be(content: object, path: str | None) -> None:
    """The body itself, or any depth below it."""
    assert list(body(content).records(path)) in ([b'{"a":1}'], [b'{"a": 1}'])


@pytest.mark.parametrize(
    ("content", "path", "message", "nearest", "hint"),
    [
        ({"items": []}, "itmes", "no records at 'itmes'", "items", "keys there: items"),
        ({"data": {"rows": []}}, "data.row", "no records at 'data.row'", "rows", "keys there: rows"),
        ({"items": []}, None, "no list of records", None, "records: items"),
        ({"data": {"items": []}}, "data", "no list of records at 'data'", None, "records: data.items"),
        (
            {"items": None},
            "items",
            "no list of records at 'items'",
            None,
            "records: the dotted path to the list",
        ),
        ([1, 2], "items", "no records at 'items'", None, "records: the dotted path to the list"),
        ({"items": [{"a": 1}, 7]}, "items", "a record is 7, not an object", None, None),
        ({"items": ["x"]}, "items", "a record is", None, None),
        ("text", None, "no list of records", None, "records: the dotted path to the list"),
    ],
)
def test_records_that_are_not_there(
    content: object, path: str | None, message: str, nearest: str | None, hint: str | None
) -> None:
    """The error names the page, the nearest key, and where lists are."""
    with pytest.raises(SourceBroken, match=message) as caught:
        body(content).records(path)

    assert "page 1 of http://host/x" in caught.value.message
    assert (caught.value.nearest, caught.value.hint, caught.value.place) == (nearest, hint, PLACE)


@pytest.mark.parametrize(
    "content", [b"", b"<html>no</html>", b"{", b'{"a": 1} trailing', b"\xff\xfe", b"nul"]
)
def test_a_body_that_is_not_json(content: bytes) -> None:
    """The error shows how it starts."""
    with pytest.raises(SourceBroken, match="is not JSON") as caught:
        body(content)

    assert caught.value.detail == content.decode(errors="replace")


@pytest.mark.parametrize(
    ("content", "path", "text"),
    [
        ({"next": "http://x"}, "next", "http://x"),
        ({"meta": {"next": 7}}, "meta.next", "7"),
        ({"next": None}, "next", None),
        ({"next": ""}, "next", None),
        ({"next": False}, "next", None),
        ({}, "next", None),
        ({"meta": 1}, "meta.next", None),
        ({"next": ["x"]}, "next", None),
        ([], "next", None),
    ],
)
def test_the_link_to_the_next_page(content: object, path: str, text: str | None) -> None:
    """A text or a number; everything else is the end."""
    assert body(content).text_at(path) == text
