"""Tokens and costs of a whole trace."""

from __future__ import annotations

import json

from ropewalk.mlops.tracking.traces import usage


def _tokens(*spans: tuple[str, str | None, int]) -> int:
    """Return the input tokens of a trace of spans (id, parent, input tokens; 0 for none said)."""
    figures = [(name, parent, {"input_tokens": float(n)} if n else {}) for name, parent, n in spans]
    found = usage.summed(figures)
    return int(json.loads(found[usage.TOKEN_USAGE])["input_tokens"]) if found else 0


def test_a_sum_is_not_added_to_its_parts() -> None:
    """A span that counts at least what those below it do contains them, over spans that count nothing."""
    assert _tokens(("agent", None, 30), ("step", "agent", 0), ("a", "step", 10), ("b", "step", 20)) == 30


def test_a_part_is_added_to_those_below_it() -> None:
    """A span that counts less than those below it together counts only what it did itself."""
    assert _tokens(("parent", None, 100), ("a", "parent", 200), ("b", "parent", 150)) == 450


def test_each_branch_by_itself() -> None:
    """One branch may be a sum and the next one not."""
    whole = [("w", "root", 10), ("x", "w", 10)]
    parts = [("p", "root", 1), ("q", "p", 5)]

    assert _tokens(("root", None, 0), *whole, *parts) == 16


def test_spans_without_a_parent_here() -> None:
    """Spans whose parent never arrived count; when it comes, all are summed anew."""
    early = [("a", "late", 10), ("b", "late", 20)]

    assert _tokens(*early) == 30
    assert _tokens(*early, ("late", None, 30)) == 30


def test_circles() -> None:
    """Spans that are each other's parents, or their own, count once each, and end."""
    assert _tokens(("a", "b", 1), ("b", "a", 2)) == 3
    assert _tokens(("a", "a", 4)) == 4
    assert _tokens(("a", "b", 1), ("b", "a", 2), ("c", "a", 8)) == 11


def test_a_very_deep_trace() -> None:
    """Ten thousand spans below each other are summed without as many calls."""
    spans = [(f"s{n}", f"s{n - 1}" if n else None, 0) for n in range(10_000)]

    assert _tokens(*spans, ("leaf", "s9999", 7), ("other", "s9999", 8)) == 15


def test_tokens_and_costs_apart() -> None:
    """What a span says of costs decides nothing of what it says of tokens."""
    found = usage.summed(
        [("a", None, {"input_tokens": 5.0, "total_cost": 1.0}), ("b", "a", {"total_cost": 3.0})]
    )

    assert json.loads(found[usage.TOKEN_USAGE])["total_tokens"] == 0
    assert json.loads(found[usage.COST]) == {"input_cost": 0.0, "output_cost": 0.0, "total_cost": 4.0}
    assert usage.summed([("a", None, {})]) == {}
