"""Masks along lineage in its corners: cycles of names, case, several masks at once, and nothing at all."""

from __future__ import annotations

import itertools

import pytest

from ropewalk.dataops.columns import ColumnLineage, Origin, TableLineage
from ropewalk.dataops.lake import Masks
from ropewalk.dataops.privacy import spread_masks
from ropewalk.dataops.privacy.spread import STRICTEST


def made(table, column, transform, *sources):
    origins = tuple(Origin(*source.rsplit(".", 1)) for source in sources)
    return {table: TableLineage(table, (ColumnLineage(column, origins, transform=transform),))}


def spread(lineage, tables, opened=()):
    return spread_masks(Masks(tables), lineage, {Origin(*name.rsplit(".", 1)) for name in opened}).tables


def test_nothing_is_personal():
    """Without anything personal nothing becomes so, and without lineage nothing is followed."""
    lineage = made("mart.a", "x", "copy", "raw.a.x")

    assert spread(lineage, {}) == {}
    assert spread({}, {"raw.a": {"x": "hash"}}) == {"raw.a": {"x": "hash"}}


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(STRICTEST, 2)))
def test_of_two_masks_the_stricter(one, other):
    """What is made of two masked columns shows no more than the stricter one lets through, whatever their order."""
    forth = made("mart.a", "x", "computed", "raw.a.p", "raw.a.q")

    for kinds in ({"p": one, "q": other}, {"p": other, "q": one}):
        assert spread(forth, {"raw.a": kinds})["mart.a"] == {"x": other}


@pytest.mark.parametrize(
    ("transform", "kind"),
    [("copy", "hash"), ("computed", "hash"), ("aggregated", "total"), ("picked", "hash")],
)
def test_what_is_made_of_a_person(transform, kind):
    """A copy and a computation are as personal as what they are made of, and so is what picks a value; a sum is told as a total."""
    lineage = made("mart.a", "X", transform, "raw.a.p")

    assert spread(lineage, {"raw.a": {"p": "hash"}})["mart.a"] == {"x": kind}


def test_a_long_way():
    """Over many tables the mask stays the one that the first of them has, and in each of them."""
    names = [f"mart.t{number}" for number in range(12)]
    lineage = {}
    for before, after in itertools.pairwise(names):
        lineage |= made(after, "x", "copy", f"{before}.x")

    assert spread(lineage, {names[0]: {"x": "null"}}) == {name: {"x": "null"} for name in names}


def test_open_columns_end_the_way():
    """Somebody has judged an open column: what is made of it follows from it, and not from what it was made of."""
    lineage = {
        **made("staging.a", "x", "computed", "raw.a.p"),
        **made("mart.a", "x", "copy", "staging.a.x"),
    }

    assert set(spread(lineage, {"raw.a": {"p": "hash"}}, opened=["staging.a.x"])) == {"raw.a"}


def test_what_is_given_stays_as_it_was():
    """The masks that were handed in are not written into."""
    given = {"raw.a": {"p": "hash"}}
    spread(made("raw.a", "q", "copy", "raw.a.p"), given)

    assert given == {"raw.a": {"p": "hash"}}
