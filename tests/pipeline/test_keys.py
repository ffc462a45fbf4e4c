"""A key changes with everything that decides the content, and with nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ropewalk.errors import Place
from ropewalk.pipeline import Node
from ropewalk.pipeline.keys import action_key

facts = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4)


def _node(node_facts, line=1):
    return Node("table:a.b", Place("a.sql", line), facts=node_facts)


@given(facts, facts, facts)
def test_same_content_same_key(node_facts, outside, inputs):
    """Order of parts and place of the declaration do not count."""
    turned = dict(reversed(node_facts.items()))

    assert action_key(_node(node_facts), outside, inputs) == action_key(_node(turned, 9), outside, inputs)


@given(facts, facts, st.text(max_size=8), st.text(min_size=1, max_size=8))
def test_each_part_counts(node_facts, other, name, value):
    """A fact, an outside fact and an input of the same name and value are three different things."""
    keys = {
        action_key(_node({**node_facts, name: value}), other, {}),
        action_key(_node({**node_facts, name: value + "x"}), other, {}),
        action_key(_node({}), {name: value}, {}),
        action_key(_node({}), {}, {name: value}),
    }

    assert len(keys) == 4


def test_node_id_counts():
    """Two nodes with the same facts have different keys."""
    one = Node("table:a.b", Place("x"))
    two = Node("table:a.c", Place("x"))

    assert action_key(one, {}, {}) != action_key(two, {}, {})


def test_key_is_short_and_stable(declare):
    """A key is 32 hex digits, the same in every process and version of Python."""
    key = action_key(declare("a", x="1"), {"o": "2"}, {"b": "3"})

    assert len(key) == 32
    assert set(key) <= set("0123456789abcdef")
    assert key == action_key(declare("a", x="1"), {"o": "2"}, {"b": "3"})


def test_parts_are_not_confused(declare):
    """The same text as a fact, as an outside fact and as an input makes three keys."""
    node = declare("a")
    keys = {
        action_key(declare("a", x="1"), {}, {}),
        action_key(node, {"x": "1"}, {}),
        action_key(node, {}, {"x": "1"}),
        action_key(node, {}, {}),
    }

    assert len(keys) == 4
