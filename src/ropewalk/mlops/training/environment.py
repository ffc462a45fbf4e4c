"""What a step's code runs on: the Python minor version and the packages it imports, by version."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterable
from functools import cache


def environment_facts(packages: Iterable[str]) -> dict[str, str]:
    """Return `python` and `package NAME` -> version for every imported name that is not the standard library's."""
    facts = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    for name in packages:
        if name not in sys.stdlib_module_names and name != "ropewalk":
            facts[f"package {name}"] = _version(name)
    return facts


@cache
def _version(name: str) -> str:
    # Most packages are imported by the name they are installed under.
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        distribution = _distribution_of(name)
        return importlib.metadata.version(distribution) if distribution else "not installed"


@cache
def _distributions() -> dict[str, str]:
    """Return the distribution behind each import name: from the short lists where wheels carry them, else from all files."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        for name in (distribution.read_text("top_level.txt") or "").split():
            found.setdefault(name, distribution.name)
    return found


def _distribution_of(name: str) -> str | None:
    # The table of every installed file costs a hundred times the short lists; it is the last resort.
    short = _distributions().get(name)
    return short or next(iter(importlib.metadata.packages_distributions().get(name, ())), None)
