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
        # The import name is not the distribution's: only now is the slow table of all of them read.
        distributions = _distributions().get(name)
        return importlib.metadata.version(distributions[0]) if distributions else "not installed"


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())
