"""The one error tree: every class has a code of its own, a sentence, and a place in the tree."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections import Counter

import pytest

import ropewalk
from ropewalk.errors import (
    Conflict,
    Failed,
    GateFailed,
    InvalidInput,
    NotFound,
    Place,
    RopewalkError,
    Unavailable,
    error_classes,
    nearest,
)

FAMILIES = {1: InvalidInput, 2: NotFound, 3: Conflict, 4: Failed, 5: GateFailed, 6: Unavailable}


@pytest.fixture(scope="module")
def classes() -> list[type[RopewalkError]]:
    """Return every error class of the product, with all of its modules imported."""
    for module in pkgutil.walk_packages(ropewalk.__path__, "ropewalk."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return [found for found in error_classes() if found.__module__.startswith("ropewalk.")]


def test_codes_are_unique(classes: list[type[RopewalkError]]) -> None:
    """One class per code: a code leads to one page of the reference."""
    codes = Counter(found.__dict__.get("code") for found in dict.fromkeys(classes))

    assert None not in codes, "a class has no code of its own"
    assert [code for code, count in codes.items() if count > 1] == []


def test_codes_name_their_family(classes: list[type[RopewalkError]]) -> None:
    """The first digit of a code says what kind of problem it is, as the class's parents do."""
    for found in classes[1:]:
        assert re.fullmatch(r"RW[1-6]\d\d", found.code), found
        assert issubclass(found, FAMILIES[int(found.code[2])]), found


def test_every_class_says_what_it_means(classes: list[type[RopewalkError]]) -> None:
    """The docstring of a class is its text in the reference: a sentence of its own."""
    for found in classes:
        assert found.__doc__, found
        assert found.__doc__.partition("\n")[0].endswith("."), found


def test_trees_are_drawn_whole(classes: list[type[RopewalkError]]) -> None:
    """A module of errors draws every class it defines in its docstring."""
    for found in classes:
        if found.__module__.endswith(".errors"):
            assert found.__name__ in (sys.modules[found.__module__].__doc__ or ""), found


def test_as_json() -> None:
    """Every door prints an error as the same object."""
    error = NotFound("no x", place=Place("a.sql", 3), nearest="y", hint="do", detail="rows")

    assert error.as_json() == {
        "code": "RW200",
        "message": "no x",
        "place": "a.sql:3",
        "nearest": "y",
        "hint": "do",
        "detail": "rows",
    }
    assert str(error) == "no x"
    assert Failed("x").as_json()["place"] is None


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        (Place("a"), "a"),
        (Place("a", 3), "a:3"),
        (Place("a", 3, 7), "a:3:7"),
    ],
)
def test_place(place: Place, shown: str) -> None:
    """A place reads as compilers print it."""
    assert str(place) == shown


@pytest.mark.parametrize(
    ("name", "expected"),
    [("flihgts", "flights"), ("flights", "flights"), ("weather", None), ("", None)],
)
def test_nearest(name: str, expected: str | None) -> None:
    """The nearest name is one that a person may have meant, or none."""
    assert nearest(name, iter(["flights", "airports"])) == expected


def test_tree_starts_at_the_root() -> None:
    """Walking the tree yields parents before their children."""
    found = list(error_classes())

    assert found[0] is RopewalkError
    assert {InvalidInput, NotFound, Conflict, Failed, GateFailed, Unavailable} <= set(found)
    assert all(found.index(child.__mro__[1]) < found.index(child) for child in found[1:])
