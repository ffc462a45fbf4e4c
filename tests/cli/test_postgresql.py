"""A project whose metadata is on a PostgreSQL server, as a person runs it: killed, repeated, and from several processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

FILES = {
    "ropewalk.yaml": "project: p\nsources:\n  rows: {kind: files, path: 'drops/*.csv'}\n",
    "drops/a.csv": "i\n" + "\n".join(str(i) for i in range(40_000)),
    "tables/staging/one.sql": "SELECT i, md5(i::VARCHAR) AS h FROM raw.rows WHERE i % 3 <> 1",
    "tables/mart/two.sql": "SELECT i % 7 AS k, max(h) AS h FROM staging.one GROUP BY k",
}


@pytest.fixture
def root(write_project, database_server, monkeypatch):
    """Return a project whose database is on the server, with a password."""
    with database_server.database("template0") as name:
        monkeypatch.setenv("ROPEWALK_DATABASE_URL", database_server.network_url(name))
        yield write_project(FILES)


def _start(root, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ropewalk.cli.main", *arguments],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_run_twice(root, ropewalk):
    """The second run finds everything fresh, and no file holds the metadata."""
    first = ropewalk("run", "--json", cwd=root)
    second = ropewalk("run", "--json", cwd=root)

    assert (first.code, first.json["executed"], second.json["executed"]) == (0, 3, 0)
    assert not (root / ".ropewalk/ropewalk.db").exists()
    assert len(ropewalk("runs", "--json", cwd=root).json["runs"]) == 2


def test_killed(root, ropewalk):
    """After `kill -9` at several points the next run ends the work, and no lease is in its way."""
    for after_s in (0.7, 1.0, 1.3):
        process = _start(root, "run")
        time.sleep(after_s)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    done = ropewalk("run", "--json", cwd=root)

    assert (done.code, done.json["failed"]) == (0, 0)
    assert ropewalk("run", "--json", cwd=root).json["executed"] == 0


def test_runs_at_once(root, ropewalk):
    """Runs that start at once, on a database that nobody has migrated, do each thing once."""
    processes = [_start(root, "run", "--json") for _ in range(4)]
    answers = [process.communicate() for process in processes]

    assert [process.returncode for process in processes] == [0] * 4, answers
    runs = ropewalk("runs", "--json", cwd=root).json["runs"]
    assert sum(run["executed"] for run in runs) == 3


def test_password_stays_out(root, ropewalk):
    """Neither the settings nor an error show the password."""
    elsewhere = "postgresql://ropewalk:s3cret-word@127.0.0.1:1/x"

    said = ropewalk("settings", "--json", cwd=root)
    failed = ropewalk("status", cwd=root, ROPEWALK_DATABASE_URL=elsewhere)

    assert "ropewalk:***@127.0.0.1" in said.json["ROPEWALK_DATABASE_URL"]["value"]
    assert failed.code != 0
    assert "s3cret-word" not in said.out + failed.out + failed.err


def test_server_that_is_gone(root, ropewalk):
    """A server that does not answer is one error with its code and a hint."""
    said = ropewalk("run", cwd=root, ROPEWALK_DATABASE_URL="postgresql://ada:geheim@127.0.0.1:1/flights")

    assert said.code == 5
    assert (
        "error[RW601]: the database server of postgresql://ada:***@127.0.0.1:1/flights does not answer"
        in said.err
    )
    assert "hint: check that it runs" in said.err
