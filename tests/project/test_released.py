"""Keys in release files: found as they stand and as committed, whatever else is in the files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ropewalk.project import released_keys

A, B = "a" * 32, "b" * 32


def git(root: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(root), *words],
        check=True,
        capture_output=True,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "project/releases").mkdir(parents=True)
    return tmp_path / "project"


def test_as_they_stand(root: Path) -> None:
    """Every environment's file counts, and text that is no key does not."""
    (root / "releases/production.yaml").write_text(
        f'nodes:\n  table:a: {{made: x, key: "{A}", digest: "1{B}"}}\n'
    )
    (root / "releases/staging.yaml").write_text(f"{{ broken {B}")
    (root / "releases/notes.txt").write_text("c" * 32)

    assert released_keys(root) == {A, B}


def test_as_committed(root: Path) -> None:
    """A key that the checked-out commit has counts, also when the file was changed or removed since."""
    (root / "releases/production.yaml").write_text(f"key: {A}\n")
    git(root.parent, "init", "-q")
    git(root.parent, "add", ".")
    git(root.parent, "commit", "-qm", "Release")
    (root / "releases/production.yaml").write_text(f"key: {B}\n")

    assert released_keys(root) == {A, B}
    (root / "releases/production.yaml").unlink()
    assert released_keys(root) == {A}


def test_without_releases(tmp_path: Path) -> None:
    """No folder, no repository and no commit are no error."""
    assert released_keys(tmp_path) == set()
    git(tmp_path, "init", "-q")
    assert released_keys(tmp_path) == set()
