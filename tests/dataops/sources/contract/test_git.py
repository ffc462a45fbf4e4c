"""Histories of Git repositories keep the contract of all sources, as far as a history leaves a choice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence

import pytest

from .suite import Adapter, Row, SourceContract

# Each load starts git several times.
pytestmark = pytest.mark.slow
CLEAN = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
OPTIONS = ("", "types: {id: BIGINT, name: VARCHAR}")


class History(Adapter):
    """A repository elsewhere with a commit for each row, which is the commit's message as JSON."""

    increments = ""

    def entry(self) -> str:
        return f"kind: git, url: '{(self.project.root.parent / 'history').as_uri()}', table: commits"

    def declare(self, *options: str):
        if any(option not in OPTIONS for option in options):
            pytest.skip("a history has its own columns and key, and commits are only ever added")
        return self.project.declare("{" + self.entry() + "}")

    def put(self, rows: Sequence[Row]) -> None:
        folder = self.project.root.parent / "history"
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True, env=CLEAN)
        self.write(rows)

    def add(self, rows: Sequence[Row]) -> None:
        self.held = [*self.held, *rows]
        self.write(rows)

    def write(self, rows: Sequence[Row]) -> None:
        """Add the commits by one process, on top of those that are there."""
        folder = self.project.root.parent / "history"
        is_first = not (folder / ".git/refs/heads/main").exists()
        lines = []
        for number, row in enumerate(rows):
            message = json.dumps(row)
            lines += ["commit refs/heads/main", "committer Ann <ann@example.com> 1700000000 +0000"]
            lines += [f"data {len(message)}", message]
            lines += ["from refs/heads/main^0"] * (number == 0 and not is_first)
        text = "\n".join([*lines, ""]).encode()
        subprocess.run(["git", "-C", folder, "fast-import", "--quiet"], input=text, check=True, env=CLEAN)

    def loaded(self, columns: str = "id, name") -> list[tuple[object, ...]]:
        fields = ", ".join(
            f"CAST(CAST(subject AS JSON) ->> '{name.strip()}' AS {'VARCHAR' if name.strip() == 'name' else 'BIGINT'}) AS v{n}"
            for n, name in enumerate(columns.split(","))
        )
        return self.project.rows(f"SELECT {fields}")


class TestGit(SourceContract):
    @pytest.fixture
    def adapter(self, project):
        return History(project)

    def test_append(self, adapter: Adapter) -> None:
        pytest.skip("a history is never written otherwise")

    def test_the_schema_evolves(self, adapter: Adapter) -> None:
        pytest.skip("the columns of a history are always the same")

    def test_names_that_look_like_sql(self, adapter: Adapter) -> None:
        pytest.skip("the columns of a history are always the same")

    def test_an_unreachable_source(self, adapter: Adapter) -> None:
        pytest.skip("test_git_remote.py has a server that can go away")
