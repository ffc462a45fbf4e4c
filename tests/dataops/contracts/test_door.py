"""The rooms' doors: what they show is sorted, there, and all that others import."""

from __future__ import annotations

import importlib

import pytest

from ropewalk.errors import RopewalkError, error_classes

ROOMS = ("ropewalk.dataops.contracts", "ropewalk.dataops.transform", "ropewalk.dataops.catalog")


@pytest.mark.parametrize("room", ROOMS)
def test_door_is_sorted_and_whole(room):
    """Every name of `__all__` exists, in order, and no public name is missing from it."""
    door = importlib.import_module(room)
    public = {
        name
        for name, value in vars(door).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith(room)
    }

    assert door.__all__ == sorted(door.__all__)
    assert public == set(door.__all__)


@pytest.mark.parametrize("room", ROOMS)
def test_each_error_has_a_code_of_its_own(room):
    """No two classes of errors share a code, and each of ours is documented."""
    importlib.import_module(room)
    ours = [found for found in error_classes(RopewalkError) if found.__module__.startswith(room)]
    codes = [found.code for found in error_classes(RopewalkError)]

    assert ours
    assert all(codes.count(found.code) == 1 and found.__doc__ for found in ours)
