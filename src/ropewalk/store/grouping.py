"""Group commit: writers of one process that come together share a transaction, all but the first behind a savepoint.

A commit costs more than most of the writes before it, and there is one writer at a time anyway. So a writer that finds
others waiting leaves the transaction open to the next of them, and waits; the last one commits for all. Each returns
only after that commit: who was answered is on the disk. One that fails is undone alone and takes nobody along.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from ropewalk.store.connections import Connection
from ropewalk.store.errors import DatabaseBusy, DatabaseFailed

# So many writers, or so long a time, share a commit at most: the first of them waits for the last.
MEMBERS = 64
SHARED_S = 0.02


@runtime_checkable
class Writing(Protocol):
    """What a database engine does for writers that take turns: one transaction at a time, which has many of them."""

    def begin(self) -> Connection:
        """Begin a transaction and return the connection it is on."""

    def set_savepoint(self) -> None:
        """Begin a part of the transaction that can be undone alone."""

    def release_savepoint(self) -> None:
        """End the part; it stands and falls with the transaction."""

    def undo_part(self, error: BaseException) -> bool:
        """Undo the part, in which `error` was raised, and return whether the rest of the transaction still stands."""

    def commit(self) -> None:
        """Commit the transaction."""

    def undo(self, error: BaseException) -> None:
        """Undo the transaction after `error`, if there is one still; this never raises."""


class _Group:
    """The writers of one transaction; `ended` is set once it is known whether they are on the disk."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.members = 0
        self.begun_at = time.monotonic()
        self.ended = threading.Event()
        self.failure: BaseException | None = None

    def may_grow(self, shared_s: float) -> bool:
        is_full = self.members >= MEMBERS or time.monotonic() - self.begun_at > shared_s
        return self.failure is None and not is_full


class WriteQueue:
    """Lets one writer of this process after the other use the connection, in the order in which they came.

    Args:
        writing: begins and ends the transactions.
        name: what messages call the database.
        timeout_s: how long a writer waits for its turn.
        shared_s: how long others may join a transaction.
    """

    def __init__(self, writing: Writing, name: str, timeout_s: float, *, shared_s: float = SHARED_S) -> None:
        self._writing = writing
        self._name = name
        self._timeout_s = timeout_s
        self._shared_s = shared_s
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._is_taken = False
        self._group: _Group | None = None

    @property
    def waiting(self) -> int:
        """How many writers wait for their turn."""
        return len(self._waiting)

    @contextmanager
    def turn(self) -> Iterator[Connection]:
        """Give the connection inside a transaction for the block, and return once what the block wrote is committed.

        Raises:
            DatabaseBusy: the turn did not come in time.
            Whatever the block raises, and what a commit raises to all who share it.
        """
        self._take_turn()
        try:
            group = self._group
            if group is None:
                group = self._group = _Group(self._writing.begin())
        except BaseException:
            self._pass_on()
            raise
        group.members += 1
        try:
            with self._first(group) if group.members == 1 else self._later(group):
                yield group.connection
        finally:
            # After a failure too: it may rest on what others of the group wrote, and they are not committed yet.
            self._leave(group)
        if group.failure is not None:
            raise group.failure

    def _take_turn(self) -> None:
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            place = threading.Lock()
            place.acquire()
            self._waiting.append(place)
        try:
            has_come = place.acquire(timeout=self._timeout_s)
        except BaseException:
            self._give_up(place)
            raise
        if not has_come:
            self._give_up(place)
            raise DatabaseBusy(
                f"{self._name} has been in use by this process for {self._timeout_s:g} seconds",
                hint="try again; if it stays so, another request or step is stuck while it writes",
            )

    def _give_up(self, place: threading.Lock) -> None:
        """Leave the queue, or end the turn that has come in this very moment."""
        with self._lock:
            if place in self._waiting:
                self._waiting.remove(place)
                return
        if self._group is not None:
            self._end(self._group)
        else:
            self._pass_on()

    def _hand_over(self) -> bool:
        """Let the next writer join the transaction, and return whether there is one."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
                return True
        return False

    def _pass_on(self) -> None:
        with self._lock:
            # It stays taken while anybody waits: who comes now stands behind them.
            self._is_taken = bool(self._waiting)
            if self._is_taken:
                self._waiting.popleft().release()

    @contextmanager
    def _first(self, group: _Group) -> Iterator[None]:
        # Nobody else has written yet, so the transaction itself is what there is to undo.
        try:
            yield
        except BaseException as error:
            self._writing.undo(error)
            group.failure = error
            raise

    @contextmanager
    def _later(self, group: _Group) -> Iterator[None]:
        self._writing.set_savepoint()
        try:
            yield
            self._writing.release_savepoint()
        except BaseException as error:
            # A full disk or a lost server ends all of the transaction, with what the others have written.
            if not self._writing.undo_part(error):
                group.failure = DatabaseFailed(
                    f"{self._name} lost what was written together with another request, which failed: nothing of it is kept",
                    hint="try again",
                )
            raise

    def _leave(self, group: _Group) -> None:
        """Commit for the group, or leave that to a writer who waits; return once it is done."""
        if group.may_grow(self._shared_s) and self._hand_over():
            group.ended.wait()
        else:
            self._end(group)

    def _end(self, group: _Group) -> None:
        self._group = None
        try:
            if group.failure is None:
                self._writing.commit()
        except BaseException as error:  # noqa: BLE001  # raised by `turn`, in this thread and in those of all others
            group.failure = error
            self._writing.undo(error)
        finally:
            group.ended.set()
            self._pass_on()


class Alone:
    """Refuses a transaction within another one of the same thread, which would wait for itself."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._local = threading.local()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold the thread's one place for a transaction during the block."""
        if getattr(self._local, "is_busy", False):
            raise DatabaseFailed(
                f"the metadata database {self._name} cannot start a transaction within a transaction of the same thread"
            )
        self._local.is_busy = True
        try:
            yield
        finally:
            self._local.is_busy = False
