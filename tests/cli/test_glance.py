"""`ropewalk run` where nothing changed: answered at a glance, and never when anything did."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ropewalk
from ropewalk.store import Database

VARIABLES: dict[str, str] = {}
SQL = "SELECT 1 AS a"
STEP = "from ropewalk import Metrics\n\ndef count(*, least: int = 1) -> Metrics:\n    return Metrics(rows=least)\n"


@pytest.fixture(scope="session", autouse=True)
def _installed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Run what an installation runs: a checkout that somebody edits meanwhile is looked at file by file."""
    folder = tmp_path_factory.mktemp("installed") / "site-packages"
    shutil.copytree(Path(ropewalk.__file__).parent, folder / "ropewalk")
    VARIABLES["PYTHONPATH"] = str(folder)


def _run(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ropewalk", *arguments],
        cwd=root,
        env=_variables(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


@pytest.fixture
def root(write_project) -> Path:
    """Return a project of one table and one step that is fresh and noted as such."""
    root = write_project({"ropewalk.yaml": "project: shop\n", "tables/a/b.sql": SQL, "steps/count.py": STEP})
    _run(root, "run")
    # What changed in the last two seconds is not trusted.
    time.sleep(2.1)
    assert "fresh  (run " in _run(root, "run")
    return root


def test_at_a_glance(root):
    """The second run names the one that looked, loads nothing else, and is not recorded."""
    said = _run(root, "run")
    loaded = _modules(root)

    assert said.startswith("0 executed, 2 fresh  (unchanged since run ")
    assert "ropewalk.glance" in loaded
    assert not {"click", "typing", "json", "sqlite3"} & loaded
    assert len(json.loads(_run(root, "runs", "--json"))["runs"]) == 2


def _variables() -> dict[str, str]:
    # What pytest says in it differs from one moment to the next.
    return {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"} | VARIABLES


def _modules(root: Path) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ropewalk", "run"],
        cwd=root,
        env=_variables(),
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


def test_an_edit_is_seen(root):
    """An edit of a table, then of a step, is executed by the very next run."""
    (root / "tables/a/b.sql").write_text("SELECT 2 AS a")
    assert _run(root, "run").startswith("1 executed, 1 fresh")
    (root / "steps/count.py").write_text(STEP.replace("= 1", "= 3"))
    assert _run(root, "run").startswith("1 executed, 1 fresh")


def test_json(root):
    """As JSON it is the document of the run that looked, which it names."""
    first = json.loads(_run(root, "run", "--json"))
    second = json.loads(_run(root, "run", "--json"))

    assert first["unchanged_since"] is None
    assert second == {**first, "unchanged_since": first["run_id"]}


def test_somebody_else_wrote(root):
    """When the database was written to, the run looks for itself."""
    with contextlib.closing(Database.open(root / ".ropewalk/ropewalk.db")) as database, database.write():
        pass

    assert "(run " in _run(root, "run")


def test_what_asks_the_world(write_project, tmp_path):
    """A source outside of the project is asked at every run."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.csv").write_text("a\n1\n")
    declared = f"project: shop\nsources:\n  a: {{kind: files, path: {tmp_path}/elsewhere/a.csv}}\n"
    root = write_project({"ropewalk.yaml": declared})
    _run(root, "run")
    time.sleep(2.1)
    assert _run(root, "run").startswith("0 executed, 1 fresh  (run ")
    (tmp_path / "elsewhere/a.csv").write_text("a\n2\n")

    assert _run(root, "run").startswith("1 executed")


def test_files_of_the_project(write_project):
    """Files in the project's folder are seen at a glance, a changed one by the very next run."""
    declared = "project: shop\nsources:\n  a: {kind: files, path: 'landing/*.csv'}\n"
    root = write_project({"ropewalk.yaml": declared, "landing/a.csv": "a\n1\n"})
    _run(root, "run")
    time.sleep(2.1)
    _run(root, "run")
    assert "unchanged since" in _run(root, "run")
    (root / "landing/b.csv").write_text("a\n2\n")

    assert _run(root, "run").startswith("1 executed")
