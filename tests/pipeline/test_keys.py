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
