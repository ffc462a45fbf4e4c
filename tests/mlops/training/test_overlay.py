"""Packages of another time: what facts say of them, and a step's facts with others."""

from __future__ import annotations

import pytest

from ropewalk.errors import Place
from ropewalk.mlops.training.overlay import packages_in, with_packages
from ropewalk.pipeline import Node

FACTS = {
    "code steps.score": "abc",
    "python": "3.11",
    "package sklearn": "1.5.0",
    "packages needed": "numpy==1.26.0\nscipy==1.11.0",
}
NODE = Node("step:score", Place("steps/score.py", 3), facts=FACTS)


def test_packages_in_facts() -> None:
    """What is imported, what that needs, and Python itself; the code of the step is no package."""
    assert packages_in(FACTS) == {"python": "3.11", "sklearn": "1.5.0", "numpy": "1.26.0", "scipy": "1.11.0"}


def test_nothing_in_other_facts() -> None:
    """A node that runs on no packages has none."""
    assert packages_in({"sql": "SELECT 1"}) == {}


@pytest.mark.parametrize(
    ("package", "fact", "expected"),
    [
        ("sklearn", "package sklearn", "2"),
        ("numpy", "packages needed", "numpy==2\nscipy==1.11.0"),
        ("python", "python", "2"),
    ],
)
def test_other_version(package: str, fact: str, expected: str) -> None:
    """One version changes, and nothing else: so the key is that of a run which really had it."""
    changed = with_packages(NODE, {package: "2"})

    assert {name for name in FACTS if changed.facts[name] != FACTS[name]} == {fact}
    assert changed.facts[fact] == expected


def test_unknown_package() -> None:
    """A package that the step does not run on changes nothing."""
    assert with_packages(NODE, {"pandas": "2"}) == NODE


def test_same_packages() -> None:
    """With its own packages a step is what it was."""
    assert with_packages(NODE, packages_in(FACTS)) == NODE
