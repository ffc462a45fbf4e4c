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

@source({options})
def things():
    yield from json.loads(Path("things.json").read_text())
"""


class PythonFunction(Adapter):
    """A function that yields the rows of a file, which planning does not see."""

    increments = "cursor: {column: at}, key: [id], refresh: 1h"

    def declare(self, *options: str):
        entry = self.project.declare("{" + ", ".join(options) + "}")
        self.project.write("ropewalk.yaml", "project: test\n")
        self.project.write("sources/things.py", FUNCTION.format(options=as_python(", ".join(options))))
        return entry

    def put(self, rows: Sequence[Row]) -> None:
        self.project.write("things.json", json.dumps(rows))

    def add(self, rows: Sequence[Row]) -> None:
        super().add(rows)
        # What was loaded within the last hour is young enough; a change of the code is not waited for.
        path = self.project.root / "sources/things.py"
        path.write_text(path.read_text().replace("yield from", f"{len(self.held)}; yield from"))


def as_python(options: str) -> str:
    """Return options in YAML as keyword arguments."""
    import yaml

    return ", ".join(f"{name}={value!r}" for name, value in yaml.safe_load("{" + options + "}").items())


class TestPython(SourceContract):
    @pytest.fixture
    def adapter(self, project):
        return PythonFunction(project)
