"""The rooms' doors: what they show is sorted, there, and all that others import."""

from __future__ import annotations

import importlib

import pytest

from ropewalk.errors import RopewalkError, error_classes

ROOMS = ("ropewalk.dataops.contracts", "ropewalk.dataops.transform", "ropewalk.dataops.catalog")


@pytest.mark.parametrize("room", ROOMS)
def test_door_is_sorted_and_whole(room):
    """Every name of `__all__` is there, in order, and comes from the room itself."""
    door = importlib.import_module(room)
    homes = {name: getattr(getattr(door, name), "__module__", room) for name in door.__all__}

    # Constants first, then classes, then functions.
    assert door.__all__ == sorted(door.__all__, key=lambda name: (not name.isupper(), name))
    # A name for several constants says of itself that it comes from `typing`.
    assert {name: home for name, home in homes.items() if not home.startswith((room, "typing"))} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_each_error_has_a_code_of_its_own(room):
    """No two classes of errors share a code, and each of ours is documented."""
    door = importlib.import_module(room)
    assert all(hasattr(door, name) for name in door.__all__)
    ours = [found for found in error_classes(RopewalkError) if found.__module__.startswith(room)]
    codes = [found.code for found in error_classes(RopewalkError)]

    assert ours
    assert all(codes.count(found.code) == 1 and found.__doc__ for found in ours)
