"""Where a walk starts: gaps that are filled, and values that lie before the watermark."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.dataops.sources import RESTSource
from ropewalk.dataops.sources.errors import InvalidResource, InvalidSource
from ropewalk.dataops.sources.rest_route import before, first_route, gaps
from ropewalk.errors import Place

PLACE = Place("ropewalk.yaml", 3, 3)


@pytest.mark.parametrize(
    ("watermark", "overlap", "value"),
    [
        ("2013-01-01T00:00:00Z", "1h", "2012-12-31T23:00:00Z"),
        ("2013-01-01T00:00:00.500Z", "30s", "2012-12-31T23:59:30.500Z"),
        ("2013-01-01T02:00:00+02:00", "1d", "2012-12-31T02:00:00+02:00"),
        ("2013-01-08 00:00:00", "1w", "2013-01-01 00:00:00"),
        ("2013-01-02", "1d", "2013-01-01"),
        ("1357000000", "1m", "1356999940"),
        ("100", 15, "85"),
        ("1.5", 1, "0.5"),
        ("2.0", 1, "1.0"),
    ],
)
def test_values_before(watermark: str, overlap: str | float, value: str) -> None:
    """Written as the API wrote the watermark."""
    assert before(watermark, overlap, PLACE) == value


@pytest.mark.parametrize(
    ("watermark", "overlap"), [("abc", "1h"), ("abc", 5), ("2013-01-01", 5), ("0001-01-01", "9w")]
)
def test_values_that_nothing_lies_before(watermark: str, overlap: str | float) -> None:
    """An overlap that does not fit the cursor is told of."""
    with pytest.raises(InvalidSource, match="none that it could be taken from"):
        before(watermark, overlap, PLACE)


@given(text=st.text(min_size=1, max_size=12))
def test_a_value_stays_in_its_place(text: str) -> None:
    """Whatever a parent's field holds, it is one part of the path."""
    source = RESTSource(kind="rest", url="https://h/a/{parent.id}/b", parent="raw.p")

    url = first_route(source, None, PLACE, {"id": text}).url

    assert url.startswith("https://h/a/")
    assert url.endswith("/b")
    assert not {*url.removeprefix("https://h/a/").removesuffix("/b")} & {*"/?#& "}


def test_gaps_everywhere() -> None:
    """In the address, the parameters and the body; each field is named once."""
    source = RESTSource(
        kind="rest", url="https://h/{parent.a}", parent="raw.p", method="POST",
        params={"x": "{parent.b}", "n": 1}, json={"deep": [{"y": "{parent.a}-{parent.c.d}"}]},
    )  # fmt: skip

    route = first_route(source, None, PLACE, {"a": 1, "b": True, "c.d": "z"})

    assert gaps(source) == ["a", "b", "c.d"]
    assert (route.url, dict(route.params)) == ("https://h/1", {"x": "true", "n": "1"})
    assert route.body == {"deep": [{"y": "1-z"}]}


def test_a_parent_without_a_value() -> None:
    """It cannot be asked for, and the field is named."""
    source = RESTSource(kind="rest", url="https://h/{parent.idd}", parent="raw.p")

    with pytest.raises(InvalidResource, match=r"no value for \{parent.idd\}") as caught:
        first_route(source, None, PLACE, {"id": 1})

    assert caught.value.nearest == "id"


def test_what_waits_for_a_first_value() -> None:
    """Parameters that take the cursor's value are left out while there is none, unless one is declared."""
    cursor = {"field": "at", "param": "since"}
    source = RESTSource(
        kind="rest", url="https://h", params={"q": "at>{incremental.start_value}"}, cursor=cursor
    )

    assert first_route(source, None, PLACE).params == {}
    assert first_route(source, "5", PLACE).params == {"q": "at>5", "since": "5"}
    first = source.model_copy(update={"cursor": source.cursor.model_copy(update={"initial": 1})})
    assert first_route(first, None, PLACE).params == {"q": "at>1", "since": "1"}


@pytest.mark.parametrize(
    ("watermark", "overlap", "value"),
    [
        ("9007199254740995", 1, "9007199254740994"),
        ("1234567890123456789", 10, "1234567890123456779"),
        ("100", 0.5, "99.5"),
        ("100", 15.0, "85"),
        ("0.3", 0.1, "0.2"),
        ("-5", 5, "-10"),
        ("20130101", "1d", "20121231"),
        ("2013-01-01T10", "1h", "2013-01-01T09:00:00"),
        ("1357000000.5", "1s", "1356999999"),
    ],
)
def test_values_before_keep_all_their_digits(watermark: str, overlap: str | float, value: str) -> None:
    """Long numbers are not rounded, which could leave records out."""
    assert before(watermark, overlap, PLACE) == value


@pytest.mark.parametrize(
    ("watermark", "overlap"),
    [
        ("1411010112300", "1h"),
        ("20130101T000000", "1h"),
        ("2013-W01-1", "1d"),
        ("nan", 1),
        ("Infinity", 1),
        ("", 1),
        ("", "1d"),
        ("2013-01-01T00:00:00Z", "99999999999999999999d"),
    ],
)
def test_values_that_only_look_like_times_or_numbers(watermark: str, overlap: str | float) -> None:
    """Milliseconds are not taken for a date of the Middle Ages; the value is named, with what would fit."""
    with pytest.raises(InvalidSource, match="none that it could be taken from") as caught:
        before(watermark, overlap, PLACE)

    assert repr(watermark) in caught.value.message
    assert (caught.value.place, "ISO 8601" in str(caught.value.hint)) == (PLACE, True)


def test_nothing_is_asked_for_without_a_cursor() -> None:
    """Neither a first value nor a later one."""
    source = RESTSource(kind="rest", url="https://me:pw@h/x?key=hunter2", params={"on": True, "n": 1.5})

    route = first_route(source, "5", PLACE)

    assert route.params == {"on": "true", "n": "1.5"}
    assert route.shown == "https://h/x?key=***"


@pytest.mark.parametrize("value", [None, [], {}])
def test_gaps_take_plain_values_only_where_there_are_some(value: object) -> None:
    """A row of the parent without the field is refused; a list is written as it is, in its place."""
    source = RESTSource(kind="rest", url="https://h/{parent.id}", parent="raw.p")

    if value is None:
        with pytest.raises(InvalidResource, match="no value"):
            first_route(source, None, PLACE, {"id": value})
    else:
        assert first_route(source, None, PLACE, {"id": value}).url in {"https://h/%5B%5D", "https://h/%7B%7D"}
