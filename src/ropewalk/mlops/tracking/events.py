"""Live events: what changes of runs, metrics and nodes, whichever process changes it, for whoever listens.

Runs are written by this server, by `ropewalk run` and by other servers of one database, so the database is what is
looked at: once for all listeners, while there are any. An event's number holds within one such time; whoever resumes
from another one, or was too slow, is told to look at everything anew.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from ropewalk.errors import RopewalkError
from ropewalk.mlops.tracking.errors import InvalidRequest, TooManyListeners
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking.live import LiveRun, LiveState, read_live

EVERY_S = 0.5
# What a slow listener may lag behind, and what one that comes back may have missed.
QUEUED, REMEMBERED = 256, 1024
LISTENERS = 200
WATCHED = 50
TOPICS = ("runs", "nodes", "run:ID")


@dataclass(frozen=True)
class Event:
    """One change.

    Attributes:
        topic: `runs`, `nodes`, or `run:ID`.
        kind: `run`, `metrics`, `node`, or `reset`: look at everything anew.
        data: what it is now.
        id: its place among all events; empty for one that is not repeated.
    """

    topic: str
    kind: str
    data: dict[str, object]
    id: str = ""


RESET = Event("", "reset", {})


@dataclass(frozen=True)
class Topic:
    """What a listener wants to hear of."""

    names: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> Topic:
        """Return the topics in a list such as `runs,run:0a1b`; all runs and nodes without one.

        Raises:
            InvalidRequest: there is no such topic, or they are too many.
        """
        names = frozenset(part.strip() for part in text.split(",") if part.strip()) or frozenset(
            {"runs", "nodes"}
        )
        for name in sorted(names):
            if name not in TOPICS[:2] and not (name.startswith("run:") and len(name) > len("run:")):
                raise InvalidRequest(
                    f"there is no topic {name[:60]!r}", hint=f"topics are {', '.join(TOPICS)}"
                )
        if len(names) > WATCHED:
            raise InvalidRequest(f"one listener can follow at most {WATCHED} topics, not {len(names)}")
        return cls(names)

    @property
    def run_ids(self) -> set[str]:
        """The runs whose points are followed."""
        return {name.removeprefix("run:") for name in self.names if name.startswith("run:")}


@dataclass(eq=False)
class _Listener:
    topic: Topic
    queue: asyncio.Queue[Event | None] = field(default_factory=lambda: asyncio.Queue(QUEUED))

    def tell(self, event: Event) -> None:
        """Queue an event; one that has no room any more costs all that wait, and the listener starts anew."""
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            event = RESET
        self.queue.put_nowait(event)

    def end(self) -> None:
        """Queue the end, whatever waits."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Feed:
    """Looks for changes while somebody listens, and tells each listener of those it asked for."""

    def __init__(self, workspace: Workspace, every_s: float = EVERY_S) -> None:
        self._workspace = workspace
        self._every_s = every_s
        self._listeners: list[_Listener] = []
        self._past: deque[Event] = deque(maxlen=REMEMBERED)
        self._looking: asyncio.Task[None] | None = None
        self._state = LiveState()
        self._epoch, self._count = "", 0
        self._is_closed = False

    async def listen(
        self, topic: Topic, since: str = "", heartbeat_s: float = 15.0
    ) -> AsyncIterator[Event | None]:
        """Yield events as they come, and None when nothing has come for a while, until the feed is closed.

        The first is a `hello` whose number one can resume from. With `since`, what came after that event follows, or
        a `reset` when that is not known.

        Raises:
            TooManyListeners: there are as many as there may be.
        """
        if len(self._listeners) >= LISTENERS:
            raise TooManyListeners(
                f"{LISTENERS} listeners follow events already", hint="close some, or ask again later"
            )
        listener = _Listener(topic)
        self._listeners.append(listener)
        try:
            await self._start()
            yield Event("", "hello", {}, self._last_id)
            for event in self._missed(since, topic):
                yield event
            while not self._is_closed:
                event_or_end = None
                with suppress(TimeoutError):
                    event_or_end = await asyncio.wait_for(listener.queue.get(), heartbeat_s)
                    if event_or_end is None:
                        return
                yield event_or_end
        finally:
            self._listeners.remove(listener)

    def close(self) -> None:
        """End every listener and look no more."""
        self._is_closed = True
        for listener in self._listeners:
            listener.end()
        if self._looking:
            self._looking.cancel()

    @property
    def _last_id(self) -> str:
        return f"{self._epoch}-{self._count}"

    async def _start(self) -> None:
        # Between two times of looking anything may have happened: numbers of the last one mean nothing any more.
        if self._looking is None or self._looking.done():
            self._epoch, self._count = secrets.token_hex(4), 0
            self._past.clear()
            self._state = LiveState()
            self._looking = asyncio.create_task(self._look(), name="looking for changes")
        # A run that nobody followed until now has no last state to compare with.
        await self._take()

    async def _take(self) -> list[Event]:
        watched = {run_id for listener in self._listeners for run_id in listener.topic.run_ids}
        before = self._state
        after = await asyncio.to_thread(read_live, self._workspace.database, before, watched)
        # Two may have looked at once; the later look compares with what the earlier one found.
        found = list(changes(self._state, after))
        self._state = after
        return self._tell(found)

    def _tell(self, events: Iterable[Event]) -> list[Event]:
        told = []
        for event in events:
            self._count += 1
            numbered = Event(event.topic, event.kind, event.data, self._last_id)
            self._past.append(numbered)
            for listener in self._listeners:
                if event.topic in listener.topic.names:
                    listener.tell(numbered)
            told.append(numbered)
        return told

    async def _look(self) -> None:
        while self._listeners and not self._is_closed:
            await asyncio.sleep(self._every_s)
            # A database that is busy or away for a moment ends nobody's stream: the next look may find it again.
            with suppress(RopewalkError):
                await self._take()

    def _missed(self, since: str, topic: Topic) -> Iterator[Event]:
        if not since or since == self._last_id:
            return
        ids = [event.id for event in self._past]
        epoch, _, number = since.partition("-")
        is_before_all = epoch == self._epoch and number == "0" and self._count == len(self._past)
        if since not in ids and not is_before_all:
            yield RESET
            return
        start = 0 if is_before_all else ids.index(since) + 1
        yield from [event for event in list(self._past)[start:] if event.topic in topic.names]


def changes(before: LiveState, after: LiveState) -> Iterator[Event]:
    """Yield what is different in `after`; what was not known before is no change, but for runs that are newer."""
    for run_id, run in sorted(after.runs.items(), key=lambda item: item[1].number):
        known = before.runs.get(run_id)
        is_new = known is None and 0 < before.newest < run.number
        if is_new or (known is not None and known != run):
            data = _run_data(run)
            yield Event("runs", "run", {**data, "is_new": is_new})
            yield Event(f"run:{run_id}", "run", {**data, "is_new": is_new})
    yield from _metric_changes(before, after)
    runs_before = {run_id for run_id, _ in before.nodes}
    for (run_id, node), state in sorted(after.nodes.items()):
        is_told = run_id in runs_before or before.newest or before.nodes
        if is_told and before.nodes.get((run_id, node)) != state:
            yield Event("nodes", "node", {"run": run_id, "node": node or None, "state": state})


def _metric_changes(before: LiveState, after: LiveState) -> Iterator[Event]:
    for run_id, points in after.points.items():
        known = before.points.get(run_id)
        if known is None:
            continue
        moved = {key: point for key, point in points.items() if known.get(key) != point}
        if moved:
            metrics = {
                key: {"step": step, "recorded_at": time, "value": value}
                for key, (step, time, value) in sorted(moved.items())
            }
            yield Event(f"run:{run_id}", "metrics", {"run_id": run_id, "metrics": metrics})


def _run_data(run: LiveRun) -> dict[str, object]:
    return {
        "run_id": run.id,
        "name": run.name,
        "experiment_id": run.experiment_id,
        "status": run.status,
        "stage": run.stage,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
    }
