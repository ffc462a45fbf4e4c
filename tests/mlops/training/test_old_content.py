"""Training's part in collecting garbage: which objects steps' files are, and which environments are old."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ropewalk.mlops.training import files_objects, sweep_environments
from ropewalk.mlops.training.files_product import keep_files
from ropewalk.mlops.training.step_environment import is_built
from ropewalk.pipeline import Kept, ObjectStore, Swept, Workspace
from ropewalk.project import Project
from ropewalk.settings import load_settings
from ropewalk.store import now_ms

OLD, YOUNG = "a" * 32, "b" * 32


def kept(*, is_dry: bool = False) -> Kept:
    hour_ago = now_ms() - 3_600_000
    return Kept({}, frozenset(), frozenset(), frozenset({"dev"}), hour_ago, 0, is_dry=is_dry)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(Project(tmp_path, "test", {}), load_settings({})) as opened:
        for name in (OLD, YOUNG, "package-0123456789abcdef"):
            folder = opened.state / "environments" / name
            (folder / "bin").mkdir(parents=True)
            (folder / "bin/python").write_bytes(b"12345")
        for name in (OLD, "package-0123456789abcdef"):
            os.utime(opened.state / "environments" / name, (1, 1))
        yield opened


def environments(workspace: Workspace) -> list[str]:
    return sorted(path.name for path in (workspace.state / "environments").iterdir())


def test_objects_of_files(tmp_path: Path) -> None:
    """A list of files stands for itself and for every file that it names; other references for nothing."""
    store = ObjectStore(tmp_path / "objects")
    (tmp_path / "made").mkdir()
    (tmp_path / "made/x").write_text("x")
    (tmp_path / "made/y").write_text("y")
    manifest, stored = keep_files(tmp_path / "made", store, tmp_path / "staging")

    found = set(files_objects([f"files:{stored.digest}", "snapshot:4", "run:1"], store))

    assert found == {stored.digest, *(file.digest for file in manifest.files)}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"files": [["../x", "d", 1, false]], "is_file": false}']
)
def test_lists_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    """A list that is gone or damaged stands for itself alone, and stops nothing."""
    store = ObjectStore(tmp_path / "objects")
    damaged = store.put_bytes(content).digest

    assert set(files_objects([f"files:{damaged}", f"files:{'0' * 64}"], store)) == {damaged, "0" * 64}


def test_old_environments_go(workspace: Workspace) -> None:
    """What no step has used for long goes, whole; what is in use, and what all of them share, stays."""
    swept = sweep_environments(workspace, kept())

    assert (swept.what, swept.count) == ("environments of steps", 1)
    assert swept.size is not None
    assert swept.size >= 5
    assert environments(workspace) == [YOUNG, "package-0123456789abcdef"]


def test_dry_run_of_environments(workspace: Workspace) -> None:
    """A dry run counts the same and removes nothing."""
    said = sweep_environments(workspace, kept(is_dry=True))

    assert OLD in environments(workspace)
    assert sweep_environments(workspace, kept()) == said


def test_a_used_environment_is_young(workspace: Workspace) -> None:
    """Each use of an environment keeps it for another while; one that is not there is not built."""
    folder = workspace.state / "environments" / OLD

    assert is_built(folder)
    assert not is_built(folder.with_name("c" * 32))
    assert sweep_environments(workspace, kept()) == Swept("environments of steps", 0, 0)


def test_what_a_killed_sweep_left(workspace: Workspace) -> None:
    """An environment that was on its way out when the sweep was killed is no environment, and does not stop the next."""
    gone = workspace.state / "environments" / f"gone-{OLD}"
    (workspace.state / "environments" / OLD).rename(gone)
    (workspace.state / "environments" / OLD).mkdir()
    os.utime(workspace.state / "environments" / OLD, (1, 1))

    assert sweep_environments(workspace, kept()).count == 1
    assert not gone.exists()
