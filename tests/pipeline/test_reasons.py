"""Reasons name what changed, how, and where."""

from __future__ import annotations

from ropewalk.errors import Place
from ropewalk.pipeline import Output
from ropewalk.pipeline.reasons import Reason, compare, compare_inputs


def _only(was, now, places=None):
    (reason,) = compare(was, now, places or {})
    return reason


def test_equal_maps_have_no_reason():
    """Nothing changed, nothing said."""
    assert list(compare({"a": "1"}, {"a": "1"}, {})) == []


def test_short_values_read_old_to_new():
    """A changed parameter shows both values and where it stands."""
    reason = _only({"params.depth": "6"}, {"params.depth": "8"}, {"params.depth": Place("t.py", 3, 5)})

    assert str(reason) == "params.depth: 6 -> 8 (t.py:3:5)"


def test_added_and_removed():
    """A part that appears or vanishes is said so."""
    assert _only({}, {"a": "1"}) == Reason("a", "added")
    assert _only({"a": "1"}, {}) == Reason("a", "removed")


def test_digests_are_not_shown():
    """Nobody reads digests: they are only said to have changed."""
    assert _only({"a": "0" * 32}, {"a": "1" * 32}).change == "changed"
    assert _only({"a": "x" * 49}, {"a": "y" * 49}).change == "changed"


def test_texts_show_the_changed_lines():
    """Of a long text only the lines that differ are shown."""
    reason = _only({"sql": "SELECT a\nWHERE b > 1"}, {"sql": "SELECT a\nWHERE b > 2"})

    assert reason.change == "- WHERE b > 1; + WHERE b > 2"


def test_digest_below_a_text_is_not_shown():
    """A table's SQL ends with a digest of itself, which is no change that a person made."""
    (reason,) = compare(
        {"sql": "SELECT 1\n-- 0123456789abcdef"}, {"sql": "SELECT 2\n-- fedcba9876543210"}, {}
    )

    assert str(reason) == "sql: - SELECT 1; + SELECT 2"


def test_many_changed_lines_are_cut():
    """A rewritten text does not fill the screen."""
    before, after = ("\n".join(f"{c}{i}" for i in range(20)) for c in "ab")

    change = _only({"sql": before}, {"sql": after}).change

    assert change.count(";") == 6
    assert "34 more" in change


def test_prefix_is_before_the_name():
    """Inputs and outside facts say which they are."""
    (reason,) = compare({"x": "1"}, {"x": "2"}, {}, prefix="input ")

    assert reason.what == "input x"


def test_reasons_are_in_the_order_of_their_names():
    """The same changes are told in the same order, whatever order the maps have."""
    names = [reason.what for reason in compare({"b": "1", "a": "1"}, {"c": "1", "a": "2"}, {})]

    assert names == ["a", "b", "c"]


def test_prefix_says_whose_part_it_is():
    """Inputs and outside facts are told apart from the node's own."""
    assert [reason.what for reason in compare({}, {"x": "1"}, {}, prefix="input ")] == ["input x"]


def test_one_digest_is_not_shown_either():
    """A short text that became a digest has changed, and that is all there is to say."""
    assert _only({"a": "short"}, {"a": "fedcba9876543210"}).change == "changed"


def test_lines_that_begin_with_a_sign():
    """A list item, or a line that begins with an operator, is told like any other."""
    change = _only({"text": "a\n- b\n+ c"}, {"text": "a\n- d\n+ e"}).change

    assert change == "- - b; - + c; + - d; + + e"


def test_only_comments_differ():
    """There is a difference, and nothing in it that anybody would read."""
    assert _only({"sql": "SELECT 1\n-- a"}, {"sql": "SELECT 1\n-- b"}).change == "changed"


def test_prefix_and_order():
    """Parts are told in the order of their names, those of the outside by their prefix."""
    reasons = compare({"b": "1", "a": "1"}, {"b": "2", "a": "2"}, {}, prefix="outside ")

    assert [reason.what for reason in reasons] == ["outside a", "outside b"]


def _input_changes(was, references, now):
    return [str(reason) for reason in compare_inputs(was, references, now)]


def test_inputs_that_moved_between_snapshots():
    """Two snapshots say more than two digests."""
    now = {"a": Output("2" * 32, "snapshot:9")}

    assert _input_changes({"a": "1" * 32}, {"a": "snapshot:4"}, now) == ["input a: snapshot 4 -> 9"]
    assert _input_changes({"a": "1" * 32}, {"a": "run:x"}, now) == ["input a: changed"]
    assert _input_changes({"a": "1" * 32}, {}, now) == ["input a: changed"]


def test_inputs_that_come_and_go():
    """A new input and a dropped one are reasons of their own; an equal one is none."""
    was, now = {"gone": "1", "same": "2"}, {"new": Output("3", "r:1"), "same": Output("2", "r:2")}

    assert _input_changes(was, {}, now) == ["input gone: removed", "input new: added"]
