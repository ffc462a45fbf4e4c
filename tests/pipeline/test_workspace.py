"""An open project: what it holds, and that all of it is closed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import InvalidSetting, load_settings

WriteProject = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def root(write_project: WriteProject) -> Path:
    return write_project({})


def open_it(root: Path, **settings: object) -> Workspace:
    return Workspace(load_project(root, []), load_settings({}, **settings))


def test_open_project(root: Path) -> None:
    """A workspace has the project's declarations, a state folder, a database and an object store."""
    with open_it(root) as workspace:
        stored = workspace.objects.put_bytes(b"x")

        assert workspace.root == root
        assert workspace.project.name == "test"
        assert workspace.state == root / ".ropewalk"
        assert (workspace.state / "ropewalk.db").is_file()
        assert workspace.objects.path(stored.digest).is_relative_to(workspace.state)


def test_state_elsewhere(root: Path, tmp_path: Path) -> None:
    """The state folder may stand anywhere that can be written to; the project is left as it is."""
    with open_it(root, state_dir=str(tmp_path / "elsewhere")) as workspace:
        assert workspace.state == tmp_path / "elsewhere"

    assert not (root / ".ropewalk").exists()


def test_state_that_is_a_file(root: Path) -> None:
    """A state folder that cannot be made names the setting that moves it."""
    (root / ".ropewalk").touch()

    with pytest.raises(InvalidSetting, match="cannot be made: File exists") as caught:
        open_it(root)

    assert caught.value.hint is not None
    assert "ROPEWALK_STATE_DIR" in caught.value.hint


@contextmanager
def recorded(name: str, events: list[str]) -> Iterator[str]:
    events.append(f"open {name}")
    yield name
    events.append(f"close {name}")


def test_rooms_keep_what_they_open(root: Path) -> None:
    """What a room opens under a name is opened once, and closed with the workspace, last first."""
    events: list[str] = []
    with open_it(root) as workspace:
        for name in ("lake", "endpoint", "lake"):
            assert workspace.once(name, lambda name=name: recorded(name, events)) == name  # type: ignore[misc]

    assert events == ["open lake", "open endpoint", "close endpoint", "close lake"]


def test_threads_share_what_was_opened(root: Path) -> None:
    """Threads that ask at the same moment get one and the same thing."""
    events: list[str] = []
    with open_it(root) as workspace:

        def ask() -> None:
            workspace.once("lake", lambda: recorded("lake", events))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert events == ["open lake", "close lake"]


def test_failure_to_open(root: Path) -> None:
    """What could not be opened is tried again when it is asked for again."""
    events: list[str] = []
    with open_it(root) as workspace:
        with pytest.raises(ZeroDivisionError):
            workspace.once("lake", lambda: recorded(str(1 // 0), events))

        assert workspace.once("lake", lambda: recorded("lake", events)) == "lake"


def test_closing_after_an_error(root: Path) -> None:
    """An error inside the workspace closes everything and comes through."""
    events: list[str] = []

    def fail(workspace: Workspace) -> None:
        with workspace:
            workspace.once("lake", lambda: recorded("lake", events))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail(open_it(root))

    assert events == ["open lake", "close lake"]


def test_closed_workspace_opens_anew(root: Path) -> None:
    """After closing, nothing that was closed is handed out again."""
    events: list[str] = []
    workspace = open_it(root)
    workspace.once("lake", lambda: recorded("lake", events))
    workspace.close()

    workspace.once("lake", lambda: recorded("lake", events))
    workspace.close()

    assert events == ["open lake", "close lake"] * 2


def test_two_workspaces_of_one_project(root: Path) -> None:
    """A page and a command have the project open at once, and see the same objects."""
    with open_it(root) as one, open_it(root) as other:
        stored = one.objects.put_bytes(b"shared")

        assert other.objects.path(stored.digest).read_bytes() == b"shared"


def test_nothing_stops_a_new_workspace(root: Path) -> None:
    """A run that was stopped does not stop the next one."""
    with open_it(root) as workspace:
        workspace.stopping.set()

    with open_it(root) as workspace:
        assert not workspace.stopping.is_set()


def test_folder_of_state_is_made_with_its_parents(root: Path) -> None:
    """A state folder may be named before anything of its path exists."""
    with open_it(root, state_dir="a/b/c") as workspace:
        assert workspace.state == root / "a/b/c"
        assert (workspace.state / "ropewalk.db").is_file()


def test_settings_are_those_it_was_opened_with(root: Path) -> None:
    """What a command overrides is in force for everything the workspace does."""
    with open_it(root, parallel=7, environment="production") as workspace:
        assert workspace.settings.parallel == 7
        assert workspace.settings.environment == "production"
