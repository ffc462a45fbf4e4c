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


def test_columns_of_what_nobody_has_seen():
    """A table has those that its readers name; anything else gives what all of its columns are made of."""
    table = Relation(full="s.open", rest=Field("", unknown="not known yet"))
    made = Relation(rest=Field("", frozenset({Origin("s.one", "a")}), transform="aggregated"))

    assert table.find("Q") == Field("Q", frozenset({Origin("s.open", "q")}), transform="copy")
    assert (made.find("Oslo").name, made.find("Oslo").transform) == ("Oslo", "aggregated")
    assert base("s.one", "a").find("b") is None


def test_names_for_more_columns_than_are_known():
    """`AS t (a, b, c)` names those of the rest too; without a rest what is too much names nothing."""
    rest = Field("", frozenset({Origin("s.one", "l")}))
    one = base("s.one", "a")

    open_ones = Relation(one.fields, rest=rest).called("t", ["x", "y"])
    closed = one.called("t", ["x", "y"])

    assert [item.name for item in open_ones.fields] == ["x", "y"]
    assert open_ones.fields[1].values == rest.values
    assert [item.name for item in closed.fields] == ["x"]


def test_two_columns_of_one_name():
    """The first one is meant, as it is in the engine."""
    fields = (*base("s.one", "a").fields, *base("s.two", "A").fields)

    assert Relation(fields).by_name["a"].values == {Origin("s.one", "a")}


def test_joined_columns_come_before_those_of_the_sides():
    """What USING made one of two is not ambiguous."""
    scope = Scope({}, sources=SCOPE.sources, merged={"b": SCOPE.sources[1].fields[0]})

    assert scope.resolve(["B"]).values == {Origin("s.two", "b")}
    assert (scope.reads("C"), scope.reads("nothing")) == (True, False)


def test_whole_rows():
    """A table's name is a column of all that it has, unless somebody knows not all of it."""
    whole = SCOPE.resolve(["two"])
    open_table = Relation(alias="o", full="s.o", rest=Field(""))

    assert (whole.values, whole.transform) == ({Origin("s.two", "b"), Origin("s.two", "c")}, "computed")
    assert Scope({}, sources=[open_table]).resolve(["o"]).values == {Origin("s.o", "o")}


def test_same_name_is_the_same_field():
    """And another name changes nothing else."""
    item = SCOPE.sources[0].fields[0]

    assert item.named("a") is item
    assert item.named("z") == Field("z", item.values, transform="copy")
