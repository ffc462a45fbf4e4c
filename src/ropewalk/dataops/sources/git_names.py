"""The names that repositories elsewhere show, asked for once in a run: all tables of one see the same moment of it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from ropewalk.dataops.sources.git_remote import RemoteRepository
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Workspace


@dataclass
class _Answer:
    """What one repository said in a run: its names, or why it said none."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    names: Mapping[str, str] | None = None
    error: RopewalkError | None = None


class AskedNames:
    """The answers of the run that is going on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._run: str | None = None
        self._answers: dict[tuple[str, str], _Answer] = {}

    def ask(self, run: str, remote: RemoteRepository) -> Mapping[str, str]:
        """Return the names that `remote` showed in `run`, asked at the first call.

        Raises:
            RopewalkError: as `RemoteRepository.refs` says; whoever asks again in the run is told the same.
        """
        answer = self._answer(run, remote)
        # Tables of one source are loaded side by side: the others wait for the answer to the first.
        with answer.lock:
            if answer.names is None and answer.error is None:
                try:
                    answer.names = remote.refs()
                except RopewalkError as error:
                    answer.error = error
            if answer.error is not None:
                # Each table's error has a trace of its own, and the place of its own source.
                told = copy.copy(answer.error)
                told.place = remote.place
                raise told
            return answer.names or {}

    def forget(self, remote: RemoteRepository) -> None:
        """Ask again at the next call: what was shown is not there any more."""
        with self._lock:
            self._answers.pop((remote.url, remote.header), None)

    def _answer(self, run: str, remote: RemoteRepository) -> _Answer:
        with self._lock:
            if self._run != run:
                self._run, self._answers = run, {}
            # Two sources may be of one repository; what it shows may depend on who asks.
            return self._answers.setdefault((remote.url, remote.header), _Answer())


def ask_names(workspace: Workspace, remote: RemoteRepository) -> Mapping[str, str]:
    """Return the commit or tag of each name that `remote` shows: in a run, what it showed first.

    Raises:
        RopewalkError: as `RemoteRepository.refs` says.
    """
    # Without a run nobody says when one look ends and the next begins, so a plan asks for each table.
    return remote.refs() if workspace.run_id is None else _asked(workspace).ask(workspace.run_id, remote)


def forget_names(workspace: Workspace, remote: RemoteRepository) -> None:
    """Let the next question of the run be asked anew."""
    _asked(workspace).forget(remote)


def _asked(workspace: Workspace) -> AskedNames:
    return workspace.once("names of repositories", _open)


@contextmanager
def _open() -> Iterator[AskedNames]:
    yield AskedNames()
