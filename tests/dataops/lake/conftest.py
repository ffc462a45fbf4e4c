"""An empty lake in each place where one can be, and processes of their own that work on it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from ropewalk.dataops.lake import Lake
from ropewalk.dataops.lake.home import LakeHome, find_home
from ropewalk.settings import Settings

if TYPE_CHECKING:
    from database_server import DatabaseServer
    from object_server import ObjectServer

StartScript = Callable[[str], subprocess.Popen[str]]
# Where the catalogue is, and where the data are. Tests of `lake` are on a file and a disk; the others of what matters
# everywhere name the places between.
FARTHEST = "postgres-s3"


@dataclass(frozen=True)
class Place:
    """A place for a lake, as the settings name it.

    Attributes:
        name: what keeps the catalogue, and what the data.
        settings: what says so.
        folder: the folder for the states of machines.
    """

    name: str
    settings: Settings
    folder: Path

    def home(self, machine: str = "one") -> LakeHome:
        """Return the home of the lake as a machine of that name sees it."""
        return find_home(self.settings, self.folder / machine, self.folder)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """Return an empty lake, closed after the test."""
    with Lake(tmp_path / "lake", wait_s=0.2) as opened:
        yield opened


@pytest.fixture(params=[FARTHEST])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Return a place where a lake can be: every kind of catalogue with every kind of storage."""
    catalog, storage = request.param.split("-")
    settings: dict[str, str] = {}
    with ExitStack() as stack:
        if storage == "s3":
            objects: ObjectServer = request.getfixturevalue("object_server")
            objects.use(monkeypatch)
            objects.make_bucket("bucket")
            settings["storage"] = f"s3://bucket/{tmp_path.name}"
        elif catalog == "postgres":
            settings["storage"] = str(tmp_path / "data")
        if catalog == "postgres":
            server: DatabaseServer = request.getfixturevalue("database_server")
            settings["database_url"] = server.network_url(stack.enter_context(server.database()))
        yield Place(request.param, Settings(**settings), tmp_path)


@pytest.fixture
def placed(place: Place) -> Iterator[Lake]:
    """Return an empty lake in each place, closed after the test."""
    with Lake(place.home(), wait_s=0.5) as opened:
        yield opened


@pytest.fixture
def start_script(tmp_path: Path) -> Iterator[StartScript]:
    """Return a function that starts Python code in a process that ends, at the latest, with the test.

    The code finds `folder`, the lake's folder, and says with `print` how far it is.
    """
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        prelude = f"from pathlib import Path\nfolder = Path({str(tmp_path / 'lake')!r})\n"
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", prelude + dedent(code)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
