"""Running the command line: in this process where that tells as much, as a process where it must be one."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ropewalk.cli.main import run


@dataclass(frozen=True)
class Said:
    """What a command printed and how it exited."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)


Ropewalk = Callable[..., Said]


@pytest.fixture
def ropewalk(tmp_path: Path, capsys, monkeypatch) -> Ropewalk:
    """Return a function that runs `ropewalk ARGUMENTS` in a folder, in this process."""

    def call(*arguments: str, cwd: Path | None = None, **environment: str) -> Said:
        capsys.readouterr()
        with monkeypatch.context() as patch, contextlib.chdir(cwd or tmp_path):
            for name, value in environment.items():
                patch.setenv(name, value)
            code = run(list(arguments))
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture
def run_alone(tmp_path: Path, ropewalk: Ropewalk, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Said]:
    """Return a function that runs a project in a state of its own, whose database is a file in it."""
    numbers = itertools.count()

    def call(root: Path) -> Said:
        with monkeypatch.context() as patch:
            patch.delenv("ROPEWALK_DATABASE_URL", raising=False)
            state = str(tmp_path / f"alone-{next(numbers)}")
            return ropewalk("run", "--json", cwd=root, ROPEWALK_STATE_DIR=state)

    return call


@pytest.fixture
def ropewalk_process(tmp_path: Path) -> Ropewalk:
    """Return a function that runs `ropewalk ARGUMENTS` in a folder, as a process of its own."""

    def call(*arguments: str, cwd: Path | None = None, **environment: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "ropewalk.cli.main", *arguments],
            cwd=cwd or tmp_path,
            env={**os.environ, "NO_COLOR": "1", **environment},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return call
