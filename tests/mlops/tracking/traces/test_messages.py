"""Conversations out of pieces."""

from __future__ import annotations

from typing import Any

import pytest

from ropewalk.mlops.tracking.traces import messages

FIELDS = ("role", "content")


@pytest.mark.parametrize(
    ("value", "is_said"),
    [
        (None, False),
        ("", False),
        ([], False),
        ({}, False),
        ("[]", False),
        # Zero and no are answers.
        (0, True),
        (False, True),
        ("0", True),
        (" ", True),
        ([None], True),
    ],
)
def test_what_is_nothing(value: object, is_said: bool) -> None:
    """Nothing is what is empty, also as JSON."""
    assert messages.is_said(value) is is_said


@pytest.mark.parametrize(
    "key",
    [
        "p",
        "p.",
        "p.0",
        "p.0.",
        "p.-1.role",
        "p.1e3.role",
        "p.1234567.role",
        "p.².role",
        "pp.0.role",
        "p..role",
    ],
)
def test_what_is_no_part_of_a_message(key: str) -> None:
    """Attributes that only look like a part of a message are left alone."""
    assert messages.numbered({key: "x"}, "p", FIELDS) is None


def test_places_need_not_be_whole() -> None:
    """Messages stand in the order of their numbers, however these jump."""
    values = {"p.900.content": "c", "p.7.content": "b", "p.07.role": "user", "p.0.content": "a"}

    assert messages.numbered(values, "p", FIELDS) == [
        {"content": "a"},
        {"content": "b", "role": "user"},
        {"content": "c"},
    ]


def test_names_with_lines_in_them() -> None:
    """A field may be called anything."""
    assert messages.numbered({"p.0.a\nb": "x"}, "p", FIELDS) == [{"a\nb": "x"}]


def test_below() -> None:
    """All that begins alike is one object, without the beginning."""
    assert messages.below({"a.b": 1, "a.c.d": 2, "ab": 3}, "a.") == {"b": 1, "c.d": 2}
    assert messages.below({"b": 1}, "a.") is None


@pytest.mark.parametrize(
    ("events", "given", "back"),
    [
        ([], None, None),
        ([("exception", {"content": "x"})], None, None),
        ([("gen_ai.user.message", {"content": ""})], None, None),
        (
            [("gen_ai.tool.message", {"content": "21 degrees"})],
            [{"role": "tool", "content": "21 degrees"}],
            None,
        ),
        (
            [("gen_ai.user.message", {"content": {"text": "hi"}, "role": "human"})],
            [{"role": "human", "content": {"text": "hi"}}],
            None,
        ),
        (
            [("gen_ai.choice", {"content": "one"}), ("gen_ai.choice", {"content": "two", "role": "bot"})],
            None,
            [{"role": "assistant", "content": "one"}, {"role": "bot", "content": "two"}],
        ),
        # The event of newer versions of OpenTelemetry's words, which has both.
        (
            [("details", {"gen_ai.input.messages": "[1]", "gen_ai.output.messages": "[2]"})],
            "[1]",
            "[2]",
        ),
        # A whole conversation says more than its messages one by one.
        (
            [("gen_ai.user.message", {"content": "hi"}), ("gen_ai.content.prompt", {"gen_ai.prompt": "all"})],
            "all",
            None,
        ),
    ],
)
def test_events(events: list[messages.Event], given: Any, back: Any) -> None:
    """Messages of events become what a span was given, and what it gave back."""
    assert messages.from_events(events, is_input=True) == given
    assert messages.from_events(events, is_input=False) == back
