"""What a step's process opens and lists of the project is seen, and nothing else is."""

from __future__ import annotations

import glob
import importlib
import importlib.metadata
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from ropewalk.mlops.training.audit import (
    LIST,
    MISSING,
    NAMED,
    READ,
    SOURCE,
    WRITE,
    file_state,
    read_log,
    record_reads,
)
from ropewalk.processes import import_from_source


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a project's folder with a few files, into which the process has changed."""
    root = tmp_path / "project"
    for name in (
        "conf/plugin_a.py",
        "conf/x.json",
        "data/a.csv",
        "data/b.csv",
        ".git/config",
        "lib/site-packages/y.txt",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("a,b\n1,2\n" if name != "conf/plugin_a.py" else "VALUE = 1\n")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def seen(project, tmp_path):
    """Return a function that tells what was seen since the test began: (what, path) in order."""
    log = tmp_path / "reads.jsonl"
    (tmp_path / "elsewhere").mkdir()
    record_reads(project, log, [project / "state"])
    return lambda: [(item.what, item.path) for item in read_log(log)]


@pytest.mark.parametrize(
    "read",
    [
        lambda path: path.read_text(),
        lambda path: json.loads(json.dumps(path.read_bytes().decode())),
        lambda path: os.close(os.open(path, os.O_RDONLY)),
        lambda path: path.open("r+b").close(),
        pd.read_csv,
        lambda path: shutil.copy(path, path.parents[2] / "elsewhere/copy"),
        lambda path: open(os.fsencode(path)).close(),  # noqa: PTH123  # a path as bytes
        lambda path: open(os.path.relpath(path)).close(),  # noqa: PTH123  # and a relative one
    ],
)
def test_file_that_is_read(project, seen, read):
    """However Python opens a file of the project, it is seen with its state."""
    read(project / "conf/x.json")

    assert seen() == [(READ, "conf/x.json")]


def test_database_that_is_read(project, seen):
    """A SQLite database is seen when it is connected to; one that the step makes is its own."""
    for name in ("data/a.csv", "data/new.db"):
        sqlite3.connect(project / name).close()
    sqlite3.connect(":memory:").close()

    assert seen()[:2] == [(READ, "data/a.csv"), (WRITE, "data/new.db")]


@pytest.mark.parametrize(
    "read",
    [
        lambda path: duckdb.sql(f"FROM '{path}'").fetchall(),
        lambda path: subprocess.run(["true", path.parent], check=True),
        lambda path: path.exists(),
    ],
)
def test_what_is_not_seen(project, seen, read):
    """Native code, folders named to programs and questions about a file's existence raise no event."""
    read(project / "data/a.csv")

    assert seen() == []


@pytest.mark.parametrize(
    "start",
    [
        lambda path: subprocess.run(["true", path], check=True),
        lambda path: subprocess.run(["true", f"--input={path}"], check=True),
        lambda path: subprocess.run(["true", path.name], check=True, cwd=path.parent),
        lambda path: subprocess.run(f"true < '{path}'|true", shell=True, check=True),
        lambda path: os.system(f"true {path}; true"),
        lambda path: os.waitpid(os.posix_spawn("/bin/true", ["true", str(path)], {}), 0),
    ],
)
def test_file_that_is_named_to_a_program(project, seen, start):
    """A program that is started with the name of a file is taken to read it."""
    start(project / "data/a.csv")

    assert seen() == [(NAMED, "data/a.csv")]


def test_source_that_is_read(project, seen, monkeypatch):
    """A module is told apart by who reads its source: Python to import it, or the step to look at it."""
    monkeypatch.syspath_prepend(str(project / "conf"))
    import_from_source(project)
    importlib.import_module("plugin_" + "a")
    sys.modules.pop("plugin_a")
    first = seen()
    (project / "conf/plugin_a.py").read_text()

    assert first == [(SOURCE, "conf/plugin_a.py")]
    assert seen()[1:] == [(READ, "conf/plugin_a.py")]


def test_hidden_folders(project, seen):
    """A hidden folder is somebody's configuration, unless it is known to be a tool's."""
    for name in (".conf/x", ".venv/x", ".git/x"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).touch()
        (project / name).read_text()

    assert seen() == [(WRITE, ".conf/x")]


def test_state_tells_a_change(project):
    """Size, time and inode tell another content; a file that is not there has no state."""
    path = project / "conf/x.json"
    before = file_state(path)
    path.write_text("longer than before")

    assert file_state(path) != before
    assert file_state(project / "conf/none") is None


@pytest.mark.parametrize("mode", ["w", "a", "x", "w+", "a+"])
def test_file_that_the_step_makes(project, seen, mode):
    """What the step writes first is its own, also when it reads it back."""
    path = project / "conf/new.json"
    path.open(mode).close()
    path.read_text()

    assert seen() == [(WRITE, "conf/new.json")]


def test_file_that_is_read_before_it_is_written(project, seen):
    """What was there before the step changed it is an input."""
    path = project / "conf/x.json"
    path.read_text()
    path.write_text("changed")

    assert seen() == [(READ, "conf/x.json")]


def test_file_that_is_missing(project, seen):
    """Looking for a file in vain is seen: were it there, the step would do something else."""
    with pytest.raises(FileNotFoundError):
        (project / "conf/none.json").read_text()

    assert seen() == [(MISSING, "conf/none.json")]


@pytest.mark.parametrize(
    "look",
    [
        lambda: os.listdir("data"),  # noqa: PTH208  # one of the ways
        lambda: list(os.scandir("data")),
        lambda: list(Path("data").iterdir()),
        lambda: glob.glob("data/*.csv"),  # noqa: PTH207  # another
        lambda: sorted(Path("data").glob("*.csv")),
        lambda: list(os.walk("data")),
    ],
)
def test_folder_that_is_listed(project, seen, look):
    """However Python lists a folder of the project, it is seen."""
    look()

    assert (LIST, "data") in seen()


def test_names_of_a_folder(project, seen, tmp_path):
    """A folder's names are written down; hidden ones and what the engine puts there are no part of them."""
    (project / "outputs").mkdir()
    (project / ".hidden").mkdir()
    list(project.iterdir())

    assert read_log(tmp_path / "reads.jsonl")[0].state.splitlines() == ["conf", "data", "lib"]


@pytest.mark.parametrize("path", [".git/config", "lib/site-packages/y.txt", "../elsewhere", "state/x"])
def test_what_is_not_the_projects(project, seen, path):
    """Hidden folders, installed packages, the state folder and what lies outside are passed over."""
    place = project / path
    if place.is_dir():
        list(place.iterdir())
    else:
        place.parent.mkdir(exist_ok=True)
        place.touch()
        place.read_text()

    assert seen() == []


def test_module_by_a_computed_name(project, seen, monkeypatch):
    """A module that no import statement names is seen, also when its compiled code is what is read."""
    monkeypatch.syspath_prepend(str(project / "conf"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for _ in range(2):
        importlib.import_module("plugin_" + "a")
        sys.modules.pop("plugin_a")

    assert (SOURCE, "conf/plugin_a.py") in seen()
    assert not [path for _, path in seen() if "__pycache__" in path]


def test_python_looking_for_packages(project, seen, monkeypatch):
    """That Python itself lists the project's folder when it looks for packages says nothing about the step."""
    monkeypatch.syspath_prepend(str(project))
    importlib.invalidate_caches()
    list(importlib.metadata.distributions())
    with pytest.raises(ImportError):
        importlib.import_module("nothing_of_that_name")

    assert seen() == []


def test_forked_worker(project, seen):
    """A forked worker writes into the same log."""
    child = os.fork()
    if child == 0:
        (project / "data/a.csv").read_text()
        os._exit(0)
    os.waitpid(child, 0)

    assert seen() == [(READ, "data/a.csv")]


def test_project_behind_a_link(project, tmp_path, monkeypatch):
    """A project that is reached through a link is told by either name."""
    (tmp_path / "linked").symlink_to(project)
    log = tmp_path / "log"
    record_reads(tmp_path / "linked", log, [])
    (tmp_path / "linked/data/a.csv").read_text()
    (project / "data/b.csv").read_text()

    assert [item.path for item in read_log(log)] == ["data/a.csv", "data/b.csv"]


def test_nothing_was_written_down(tmp_path):
    """A process that ended before it could record anything has read nothing."""
    assert read_log(tmp_path / "none") == []


def test_odd_targets_do_not_disturb(project, seen):
    """What the recorder cannot make sense of is left to the one who opens it."""
    with pytest.raises((ValueError, OSError)):
        open("conf/\0x")  # noqa: PTH123, SIM115  # no path
    with pytest.raises(FileNotFoundError):
        list(Path("none").iterdir())
    os.close(os.open("conf", os.O_RDONLY))

    assert seen() == [(MISSING, "none")]
