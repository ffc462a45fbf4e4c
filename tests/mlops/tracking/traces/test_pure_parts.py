"""Parts of traces that need no store: how two filters correlate, previews of lists, and the order of a tree."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.mlops.tracking.traces.correlation import Correlation
from ropewalk.mlops.tracking.traces.previews import LENGTH, preview
from ropewalk.mlops.tracking.traces.spans import Span, plain
from ropewalk.mlops.tracking.traces.waterfall import _drawn, _in_tree_order

CHAT = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]


def _span(identifier: str, parent: str | None, start: int = 0, length: int = 1) -> Span:
    content = {
        "trace_id": "AA==",
        "span_id": base64.b64encode(bytes.fromhex(identifier)).decode(),
        "parent_span_id": base64.b64encode(bytes.fromhex(parent or "")).decode(),
        "name": identifier,
        "start_time_unix_nano": start,
        "end_time_unix_nano": start + length,
    }
    return Span({name: value for name, value in content.items() if value != ""}, {})


@pytest.mark.parametrize(
    ("counts", "npmi"),
    [
        ((5, 5, 5, 10), 1.0),
        ((10, 10, 10, 10), 1.0),
        ((5, 5, 0, 10), -1.0),
        ((5, 4, 2, 10), 0.0),
        ((0, 5, 0, 10), math.nan),
        ((5, 0, 0, 10), math.nan),
        ((0, 0, 0, 0), math.nan),
    ],
)
def test_correlation(counts: tuple[int, int, int, int], npmi: float) -> None:
    """One when they always meet, minus one when never, zero when one tells nothing of the other."""
    assert Correlation(*counts).npmi == pytest.approx(npmi, nan_ok=True)


@settings(max_examples=60)
@given(counts=st.tuples(*[st.integers(0, 9)] * 4))
def test_correlation_of_any_counts(counts: tuple[int, int, int, int]) -> None:
    """It lies between its bounds, is the same both ways round, and a prior pulls it to the middle."""
    both, only_first, only_second, _neither = counts
    found = Correlation(both + only_first, both + only_second, both, sum(counts))
    turned = replace(found, first=found.second, second=found.first)

    for value, other in ((found.npmi, turned.npmi), (found.npmi_smoothed, turned.npmi_smoothed)):
        assert math.isnan(value) or -1 <= value <= 1
        assert value == pytest.approx(other, nan_ok=True)
    assert math.isnan(found.npmi) == math.isnan(found.npmi_smoothed)


@pytest.mark.parametrize(
    ("value", "role", "text"),
    [
        (None, "user", None),
        ({"a": 1}, "user", '{"a": 1}'),
        ([1, 2], "user", "[1, 2]"),
        ({"messages": CHAT}, "user", "one"),
        ({"messages": CHAT}, "assistant", "two"),
        ({"messages": CHAT}, "tool", "two"),
        ({"input": CHAT}, "user", "one"),
        ({"request": {"input": CHAT}}, "user", "one"),
        ({"choices": [{"message": {"role": "assistant", "content": "yes"}}]}, "assistant", "yes"),
        ({"messages": [{"role": "user", "content": ["a", "b"]}]}, "user", "a"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]}, "user", "a"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}, {"text": "b"}]}]}, "user", "b"),
        (json.dumps({"messages": CHAT}), "user", "one"),
        ({"messages": [{"role": "user"}]}, "user", '{"messages": [{"role": "user"}]}'),
        ({"messages": ["a"]}, "user", '{"messages": ["a"]}'),
        ({"choices": []}, "user", '{"choices": []}'),
        ({"choices": [{"message": None}]}, "user", '{"choices": [{"message": null}]}'),
        (
            {"messages": [{"role": "user", "content": 5}]},
            "user",
            '{"messages": [{"role": "user", "content": 5}]}',
        ),
        ("{broken", "user", "{broken"),
        ("[" * 5000, "user", "[" * (LENGTH - 3) + "..."),
    ],
)
def test_previews(value: object, role: str, text: str | None) -> None:
    """Of a conversation the last message of the role; of anything else its beginning."""
    assert preview(value, role) == text


@pytest.mark.parametrize(("length", "cut"), [(LENGTH, False), (LENGTH + 1, True)])
def test_long_previews(length: int, cut: bool) -> None:
    """No list shows more than the length."""
    found = preview({"messages": [{"role": "user", "content": "x" * length}]}, "user")

    assert found is not None
    assert len(found) == LENGTH
    assert found.endswith("...") is cut


@pytest.mark.parametrize(
    ("value", "held"),
    [
        ({}, None),
        ({"string_value": "a"}, "a"),
        ({"bool_value": False}, False),
        ({"int_value": 0}, 0),
        ({"double_value": "-Infinity"}, -math.inf),
        ({"double_value": 0.5}, 0.5),
        ({"array_value": {}}, []),
        ({"array_value": {"values": [{"int_value": 1}, {}]}}, [1, None]),
        (
            {"kvlist_value": {"values": [{"key": "a", "value": {"int_value": 1}}, {"key": "b"}]}},
            {"a": 1, "b": None},
        ),
    ],
)
def test_values(value: dict[str, Any], held: object) -> None:
    """What OpenTelemetry writes becomes what it stands for."""
    assert plain(value) == held


def _order(*spans: Span) -> list[tuple[str, int]]:
    return [(span.id, depth) for span, depth in _in_tree_order(spans)]


def test_a_tree() -> None:
    """Those below a span stand behind it, by their starts and not by when they arrived."""
    order = _order(
        _span("cc", "aa", 30),
        _span("bb", "aa", 10),
        _span("dd", "bb", 20),
        _span("aa", None),
        _span("ee", None, 5),
    )

    assert order == [("aa", 0), ("bb", 1), ("dd", 2), ("cc", 1), ("ee", 0)]


def test_a_span_whose_parent_never_arrived() -> None:
    """It stands by itself, with those below it."""
    assert _order(_span("bb", "ff", 1), _span("aa", None), _span("cc", "bb", 2)) == [
        ("aa", 0),
        ("bb", 0),
        ("cc", 1),
    ]


def test_spans_that_are_each_others_parents() -> None:
    """Each is shown once, and nothing goes round for ever."""
    found = _order(_span("aa", "bb"), _span("bb", "aa"), _span("cc", "cc"))

    assert sorted(name for name, _ in found) == ["aa", "bb", "cc"]


def test_deep_trees() -> None:
    """What clients nest may be deeper than Python's stack."""
    spans = [_span(f"{number:04x}", f"{number - 1:04x}" if number else None) for number in range(3000)]

    assert _in_tree_order(spans)[-1][1] == 2999


@pytest.mark.parametrize(
    ("start", "length", "extent", "begins", "share"),
    [
        (0, 10, (0, 10), 0.0, 1.0),
        (5, 5, (0, 10), 0.5, 0.5),
        (0, 0, (0, 0), 0.0, 1.0),
        (8, -4, (0, 10), 0.8, 0.0),
    ],
)
def test_places_in_time(
    start: int, length: int, extent: tuple[int, int], begins: float, share: float
) -> None:
    """Shares of the whole trace; a clock that went backwards draws nothing, and nothing to the left."""
    drawn = _drawn(_span("aa", None, start, length), 0, extent)

    assert (drawn.begins, drawn.share) == (begins, share)
