"""The door of each room: its names are sorted and real."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import ropewalk

PACKAGE = Path(ropewalk.__file__).parent
DOORS = sorted(
    ".".join(("ropewalk", *path.parent.relative_to(PACKAGE).parts))
    for path in PACKAGE.rglob("__init__.py")
    if path.parent != PACKAGE
)


@pytest.mark.parametrize("name", DOORS)
def test_door(name: str) -> None:
    """`__all__` is sorted, without doubles, and every name in it can be imported."""
    module = importlib.import_module(name)
    exported = list(getattr(module, "__all__", []))

    assert module.__doc__
    assert len(exported) == len(set(exported))
    assert exported == sorted(exported, key=_as_ruff_sorts)
    assert [item for item in exported if not hasattr(module, item)] == []


def _as_ruff_sorts(name: str) -> tuple[int, str]:
    """Constants first, then classes, then functions, as the linter orders `__all__`."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_the_sdk() -> None:
    """What a step's file imports: `from ropewalk import Metrics, Model, Table, step`."""
    assert {"Metrics", "Model", "Table", "step"} <= set(ropewalk.__all__)
    assert all(hasattr(ropewalk, name) for name in ropewalk.__all__)


def test_unknown_name() -> None:
    """A name that the SDK does not have is missing as from any module."""
    with pytest.raises(AttributeError, match="nonsense"):
        ropewalk.nonsense  # noqa: B018  # the access is the test
