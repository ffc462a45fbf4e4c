"""What a name means among several relations."""

from __future__ import annotations

import pytest

from ropewalk.dataops.columns.relation import Field, Relation, Scope
from ropewalk.dataops.columns.values import Origin, Use, greatest


def base(table: str, *names: str) -> Relation:
    fields = tuple(Field(name, frozenset({Origin(table, name)}), transform="copy") for name in names)
    return Relation(fields, table.partition(".")[2], table)


SCOPE = Scope({}, sources=[base("s.one", "a", "b", "s"), base("s.two", "b", "c")])


@pytest.mark.parametrize(
    ("parts", "origin"),
    [
        (["a"], "s.one.a"),
        (["C"], "s.two.c"),
        (["two", "b"], "s.two.b"),
        (["s", "one", "b"], "s.one.b"),
        (["s", "field"], "s.one.s"),
        (["one", "s", "field"], "s.one.s"),
    ],
)
def test_names_mean_one_column(parts, origin):
    """By themselves where one relation has them, by relation, by schema, or into a struct."""
    assert [str(item) for item in SCOPE.resolve(parts).values] == [origin]


@pytest.mark.parametrize("parts", [["b"], ["nothing"], ["two", "a"], ["three", "a"]])
def test_names_that_mean_none_or_two_say_so(parts):
    """And have no origin."""
    found = SCOPE.resolve(parts)

    assert found.unknown
    assert not found.values


def test_inner_names_come_before_outer_ones():
    """A subquery sees what is around it where it has nothing of that name itself."""
    inner = Scope({}, SCOPE, [base("s.three", "a")])

    assert [str(item) for item in inner.resolve(["a"]).values] == ["s.three.a"]
    assert [str(item) for item in inner.resolve(["c"]).values] == ["s.two.c"]


def test_renaming_moves_keys_along():
    """`AS t (x, y)` renames the first columns, and the key with them."""
    relation = Relation(base("s.one", "a", "b", "c").fields, "one", "s.one", key=("a",))

    found = relation.called("t", ["x", "y"])

    assert ([item.name for item in found.fields], found.key, found.alias) == (["x", "y", "c"], ("x",), "t")


def test_merging_keeps_everything():
    """Values, decisions, the greater transform, and what is unknown of either."""
    one = Field("x", frozenset({Origin("a.b", "c")}), transform="copy")
    other = Field("y", frozenset(), frozenset({Use(Origin("a.b", "d"), "window")}), "aggregated", "why")

    found = one.merged(other)

    assert (found.name, found.transform, found.unknown) == ("x", "aggregated", "why")
    assert (len(found.values), len(found.uses)) == (1, 1)
    assert greatest([]) == "constant"
