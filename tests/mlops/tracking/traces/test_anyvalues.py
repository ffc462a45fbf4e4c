"""Plain values as OpenTelemetry's, and texts of JSON as plain values, whatever they are."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.mlops.tracking.traces.anyvalues import DEPTH, MOST_TEXT, Allowance, any_value, unfolded
from ropewalk.mlops.tracking.traces.spans import plain

# Texts with halves of characters and null characters too, which JSON can name.
TEXTS = st.text(st.characters(), max_size=20) | st.sampled_from(["\0", "\ud800", "a\udfffb", ""])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda held: st.lists(held, max_size=4) | st.dictionaries(TEXTS, held, max_size=4),
    max_leaves=20,
)
QUICKLY = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)


@QUICKLY
@given(value=VALUES)
def test_every_value_can_be_written(value: Any) -> None:
    """Whatever JSON holds can be kept and read back, and reading it back is final."""
    written = msgspec.json.encode(any_value(value))

    once = plain(msgspec.json.decode(written))

    # Equal as texts, since no not-a-number equals another.
    assert json.dumps(plain(any_value(once))) == json.dumps(once)
    json.dumps(once, ensure_ascii=False).encode()


@QUICKLY
@given(value=VALUES)
def test_plain_values_stay_what_they_are(value: Any) -> None:
    """Values that the wire has come back as they were."""
    text = json.dumps(value)
    # The wire has no larger whole numbers, and neither text may hold what no encoding has.
    if "\\u" in text or any(len(part) > 18 for part in text.replace("-", " ").split()):
        return

    assert json.dumps(plain(any_value(value))) == text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, {}),
        (True, {"bool_value": True}),
        (0, {"int_value": 0}),
        (-(2**63), {"int_value": -(2**63)}),
        (2**63, {"string_value": "9223372036854775808"}),
        (0.5, {"double_value": 0.5}),
        (-math.inf, {"double_value": "-Infinity"}),
        ("", {"string_value": ""}),
        ([], {"array_value": {"values": []}}),
        ({"a": None}, {"kvlist_value": {"values": [{"key": "a", "value": {}}]}}),
    ],
)
def test_forms(value: object, written: dict[str, Any]) -> None:
    """Each kind of value has its own form."""
    assert any_value(value) == written


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"a": [1]}', {"a": [1]}),
        ("  [1]", [1]),
        ('"text"', "text"),
        # A text is not a number because it looks like one.
        ("5", "5"),
        ("true", "true"),
        ("null", "null"),
        ("[1", "[1"),
        ("[Infinity]", "[Infinity]"),
        ("", ""),
        (5, 5),
        (None, None),
        ({"a": "[1]"}, {"a": "[1]"}),
    ],
)
def test_unfolding(text: object, read: object) -> None:
    """Texts of JSON that are objects, lists or texts are read; all else stays."""
    assert unfolded(text) == read


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_unfolding_what_never_ends(opening: str) -> None:
    """A text that opens very often and never closes stays a text."""
    text = opening * 50_000

    assert unfolded(text) == text


def test_unfolding_long_texts() -> None:
    """The longest text that is read, and the first that is not."""
    longest = json.dumps("x" * (MOST_TEXT - 2))

    assert unfolded(longest) == "x" * (MOST_TEXT - 2)
    assert unfolded(f"{longest} ") == f"{longest} "


def _nested(levels: int) -> object:
    value: object = "leaf"
    for _ in range(levels):
        value = [value]
    return value


def test_depth() -> None:
    """Values are admitted as deep as readers of protobuf go, and no deeper."""
    assert Allowance().admits(_nested(DEPTH))
    assert not Allowance().admits(_nested(DEPTH + 1))


def test_an_allowance_is_used_up() -> None:
    """What is admitted is counted, with all that is in it; what is refused is not."""
    allowance = Allowance(10)

    assert allowance.admits({"a": [1, 2]})
    assert allowance.left == 6
    assert not allowance.admits([0] * 6)
    assert allowance.left == 6
    assert allowance.admits([0] * 5)
    assert not allowance.admits("one more")


def test_an_allowance_looks_no_further_than_it_has_to() -> None:
    """Values that share their parts, and so are many more than they take room for, are given up early."""
    value: object = "leaf"
    for _ in range(DEPTH - 1):
        value = [value] * 10

    assert not Allowance(1000).admits(value)
