"""A node's id is its kind and its name."""

from __future__ import annotations

import pytest

from ropewalk.errors import Place
from ropewalk.pipeline import Limits, Node, Output, Probe


@pytest.mark.parametrize(
    ("node_id", "kind", "name"),
    [
        ("table:mart.flights", "table", "mart.flights"),
        ("file:a:b", "file", "a:b"),
        ("gate:", "gate", ""),
    ],
)
def test_kind_and_name(node_id, kind, name):
    """The first colon parts them; names may have others."""
    node = Node(node_id, Place("a.sql"))

    assert (node.kind, node.name) == (kind, name)


def test_what_is_not_said():
    """A plain node takes one core and nothing else, and knows nothing of the outside."""
    assert Node("a:b", Place("a.sql")).limits == Limits() == Limits(1, 0, None, 0, 1.0)
    assert Probe() == Probe({}, None, False, False)
    assert Output("d", "r").observed is None


def test_values_are_not_shared():
    """Two nodes never write into one mapping."""
    one, other = Node("a:1", Place("a")), Node("a:2", Place("a"))

    assert one.facts is not other.facts
