"""Doors that load what they offer at its first use.

A room's `__init__.py` names what it offers once, as imports below `if TYPE_CHECKING:`, where type checkers and readers
look. At run time nothing of it is loaded until somebody takes it, so that reading a project's declarations does not
wait for servers, engines and models.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path

_IMPORT = re.compile(
    r"^    from (?P<module>[\w.]+) import (?:\((?P<many>[^)]*)\)|(?P<one>[\w ,]+))", re.MULTILINE
)


def lazy_names(package: str, file: str) -> Callable[[str], object]:
    """Return the `__getattr__` of a door.

    Args:
        package: the door's `__name__`.
        file: the door's `__file__`, whose indented imports are what it offers.
    """
    modules: dict[str, str] = {}

    def load(name: str) -> object:
        # Read at the first question only: importing a door must cost nothing.
        if not modules:
            modules.update(_read_names(Path(file).read_text(encoding="utf-8")))
        if name not in modules:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        value: object = getattr(importlib.import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return load


def _read_names(text: str) -> dict[str, str]:
    found = dict[str, str]()
    for match in _IMPORT.finditer(text):
        names = (match["many"] or match["one"]).replace("\n", " ").split(",")
        found |= {name.strip(): match["module"] for name in names if name.strip()}
    return found
