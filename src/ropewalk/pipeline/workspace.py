"""An open project: its settings, its declarations, its state on disk, and what rooms keep open for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self, TypeVar, cast

from ropewalk.pipeline.objects import ObjectStore
from ropewalk.pipeline.remote_objects import RemoteObjects, object_address
from ropewalk.project import Project
from ropewalk.settings import InvalidSetting, Settings, state_path
from ropewalk.store import Database

T = TypeVar("T")


class Workspace:
    """A project opened for work; a context manager that closes whatever was opened through it.

    Opening raises `InvalidSetting` when the state folder cannot be made, and what `Database.open` raises.

    Attributes:
        settings: the settings in force.
        project: the declarations, as read from the project's files.
        state: the folder for all state (`.ropewalk`).
        database: the metadata database.
        objects: the content-addressed object store.
        remote_objects: where artifacts are kept besides, for other servers; None: nowhere.
        stopping: set when work should end early (Ctrl-C); long executions look at it.
        run_id: the run that is being done, if one is.
        is_search: whether nodes are executed on the packages that their facts name, instead of those installed.
        interval: from when to when (ISO 8601, the end excluded) partitioned tables are computed; None: all of it.
    """

    def __init__(self, project: Project, settings: Settings) -> None:
        # Whoever opens a project without saying where to work, works where a laptop does.
        self.settings = settings if settings.environment else replace(settings, environment="dev")
        self.project = project
        self.state = _make_folder(state_path(settings, project.root))
        # Everything opened for the project is closed in reverse order, whatever room opened it.
        self._closing = ExitStack()
        self._lock = threading.RLock()
        self._opened: dict[str, object] = {}
        self.stopping = threading.Event()
        self.run_id: str | None = None
        self.is_search = False
        self.interval: tuple[str, str] | None = None
        self.database = Database.open(settings.database_url or self.state / "ropewalk.db")
        self._closing.callback(self.database.close)
        self.objects = ObjectStore(self.state / "objects")
        self.remote_objects = self._open_remote_objects()

    def _open_remote_objects(self) -> RemoteObjects | None:
        if object_address(self.settings) is None:
            return None
        remote = RemoteObjects(self.settings, self.project.root, self.objects, self.database)
        # Whoever reads an object that another server took in finds it, wherever it is read.
        self.objects.fetch = remote.fetch
        return remote

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.project.root

    def once(self, name: str, open_it: Callable[[], AbstractContextManager[T]]) -> T:
        """Return what `open_it` opens under `name`, opened at the first call and closed with the workspace.

        This is how a room keeps one lake connection or one tracking endpoint per project.
        """
        with self._lock:
            # Two nodes in two threads may need the lake at the same moment; it must be opened once.
            if name not in self._opened:
                self._opened[name] = self._closing.enter_context(open_it())
            return cast("T", self._opened[name])

    def close(self) -> None:
        """Close everything, last opened first."""
        with self._lock:
            self._opened.clear()
            self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _make_folder(state: Path) -> Path:
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSetting(
            f"the state folder {state} cannot be made: {error.strerror}",
            hint="set ROPEWALK_STATE_DIR to a folder that you may write to",
        ) from error
    return state
