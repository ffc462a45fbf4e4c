"""Lines of a draft: round bounds, patterns of codes, keys, quoting, and nothing of a person's values."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.contracts.draft import Subject, _outward, _text, write_draft
from ropewalk.dataops.contracts.errors import NotInferred
from ropewalk.dataops.contracts.seen import SeenColumn
from ropewalk.dataops.definitions import Glossary, Term
from ropewalk.errors import Place


def column(name="x", kind="string", rows=10, values=10, distinct=5, **more):
    types = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "date": "DATE"}
    return SeenColumn(name, types.get(kind, "BLOB"), kind, rows, values, distinct, **more)


def draft(*columns, glossary=None, personal=None):
    text = write_draft(
        Subject("mart.flights", columns, "the lake", None, glossary or Glossary(), personal or {})
    )
    return yaml.safe_load(text)["schema"][0]["properties"]


@pytest.mark.parametrize(
    ("value", "is_up", "bound"),
    [
        (0, True, "0"),
        (7, False, "0"),
        (-7, True, "0"),
        (7, True, "10"),
        (10, True, "10"),
        (11, True, "20"),
        (201, True, "500"),
        (-3, False, "-5"),
        (0.03, True, "0.05"),
        (1e-9, True, "1e-09"),
        (6e20, True, "1000000000000000000000"),
    ],
)
def test_round_bounds(value, is_up, bound):
    """A bound is the next round number beyond what was seen, or 0 where that lies beyond."""
    assert _outward(value, is_up=is_up) == bound


@settings(max_examples=60, deadline=None)
@given(st.floats(-1e15, 1e15, allow_subnormal=False), st.booleans())
def test_bounds_hold_what_was_seen(value, is_up):
    """Whatever was seen lies within its bound, and the bound is no more than ten times as far."""
    bound = float(_outward(value, is_up=is_up))

    assert (
        bound >= value * (1 - 1e-9 * math.copysign(1, value)) if is_up else bound <= value + abs(value) * 1e-9
    )
    assert abs(bound) <= abs(value) * 10.1


@pytest.mark.parametrize(
    "word", ["true", "No", "null", "y", "1.5", "", "- a", "a: b", "#x", "ü", "'", "2026-01-01"]
)
def test_texts_that_yaml_could_take_for_something_else(word):
    """Whatever a text says, YAML reads exactly that text."""
    assert yaml.safe_load(f"x: {_text(word)}") == {"x": word}
    assert _text(word).startswith('"')


@pytest.mark.parametrize("word", ["flight_date", "a-b", "mart.flights", "B6"])
def test_plain_words_stay_plain(word):
    """A draft is for people: what needs no quotes has none."""
    assert _text(word) == word


@pytest.mark.parametrize(
    ("shapes", "lengths", "pattern"),
    [
        ({"capitals", "code"}, (3, 3), "^[A-Z]{3}$"),
        ({"digits", "code"}, (5, 5), "^[0-9]{5}$"),
        ({"code"}, (2, 2), "^[A-Z0-9]{2}$"),
        ({"capitals"}, (2, 3), None),
        ({"capitals"}, (13, 13), None),
        ({"capitals"}, (0, 0), None),
        (set(), (3, 3), None),
    ],
)
def test_patterns_of_codes(shapes, lengths, pattern):
    """Short texts of one length and one kind of letters are codes; the rest is chance."""
    (made,) = draft(column(shapes=frozenset(shapes), lengths=lengths))

    assert made.get("logicalTypeOptions") == (pattern and {"pattern": pattern})


@pytest.mark.parametrize(
    ("least", "greatest", "more", "options"),
    [
        ("3", "80", {}, {"minimum": 0, "maximum": 100}),
        ("-4", "-2", {}, {"minimum": -5, "maximum": 0}),
        ("1", "10", {"distinct": 10, "is_exact": True}, {"minimum": 0}),
        ("nan", "5", {}, None),
        ("-inf", "inf", {}, None),
        (None, None, {}, None),
        ("many", "5", {}, None),
    ],
)
def test_ranges(least, greatest, more, options):
    """Numbers have bounds with room; what counts on has no top, and what is not finite no range."""
    (made,) = draft(column("n", "integer", least=least, greatest=greatest, **more))

    assert made.get("logicalTypeOptions") == options


@pytest.mark.parametrize(
    ("names", "key"),
    [
        (("flight_id", "id"), "flight_id"),
        (("airline_id", "id"), "id"),
        (("row_key", "note"), "row_key"),
        (("note", "remark"), None),
    ],
)
def test_key_of_a_table(names, key):
    """Of the columns that could be the key the likeliest name is; one that is unique by chance is none."""
    made = draft(*(column(name, distinct=10, is_exact=True) for name in names))

    assert [item["name"] for item in made if item.get("primaryKey")] == ([key] if key else [])


def test_moments_are_not_called_unique():
    """Two things may happen on one day though so far they did not, and two persons may share a name."""
    made = draft(
        column("day", "date", distinct=10, is_exact=True),
        column("surname", distinct=10, is_exact=True),
        column("tail", distinct=10, is_exact=True),
    )

    assert [item.get("unique") for item in made] == [None, None, True]


def test_persons_stay_out_of_the_draft():
    """No value of a person stands in the file, whether the name or where it comes from says that it is one."""
    listed = {"listed": ("ann", "bob"), "shapes": frozenset({"capitals"}), "lengths": (3, 3)}
    made = draft(column("surname", **listed), column("who", **listed), personal={"who": "hash"})

    assert not any("enum" in item or "logicalTypeOptions" in item for item in made)
    assert [item["classification"] for item in made] == ["pii", "pii"]


def test_terms_say_the_rest():
    """A column that is called like a term maps to it; one of a type that the term cannot have does not."""
    glossary = Glossary({"delay": Term("delay", "Minutes: late", Place("g.yaml"), type="number")})
    whole, text = draft(
        column("Delay", "integer", least="1", greatest="5"), column("delay_", "string"), glossary=glossary
    )

    assert whole["authoritativeDefinitions"] == [{"type": "glossary", "url": "glossary:delay"}]
    assert "logicalTypeOptions" not in whole
    assert "authoritativeDefinitions" not in text


def test_draft_of_nothing():
    """A table without columns has nothing to promise anything of."""
    with pytest.raises(NotInferred, match="has no columns"):
        draft()
