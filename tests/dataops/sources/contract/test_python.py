"""Python functions keep the contract of all sources."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from .suite import Adapter, Row, SourceContract

FUNCTION = """
import json
from pathlib import Path
from ropewalk import source

STAMP = {stamp}

@source({options})
def things():
    yield from json.loads(Path("things.json").read_text())[:STAMP + 1000]
"""


class PythonFunction(Adapter):
    """A function that yields the rows of a file, which planning does not see."""

    increments = f"{Adapter.increments}, refresh: 1h"

    options = ""
    stamp = 0

    def declare(self, *options: str):
        self.project.close()
        self.options = as_python(", ".join(filter(None, options)))
        self.write()
        return self.project

    def put(self, rows: Sequence[Row]) -> None:
        self.project.write("things.json", json.dumps(rows))
        self.stamp += 1
        self.write()

    def write(self) -> None:
        """Write the function; with each new content as other code, as what is young enough is not looked at."""
        self.project.write("ropewalk.yaml", "project: test\n")
        self.project.write("sources/things.py", FUNCTION.format(options=self.options, stamp=self.stamp))


def as_python(options: str) -> str:
    """Return options in YAML as keyword arguments."""
    import yaml

    return ", ".join(f"{name}={value!r}" for name, value in yaml.safe_load("{" + options + "}").items())


class TestPython(SourceContract):
    @pytest.fixture
    def adapter(self, project):
        return PythonFunction(project)
