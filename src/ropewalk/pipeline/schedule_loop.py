"""The scheduler: it watches the clock, claims due times, and starts a `ropewalk run` for each.

Any number of schedulers may watch one project. A schedule's lease lets one of them at a time work for it, and the
row of a due time, inserted once, is the claim that no other can repeat. What a dead scheduler has left unfinished
is looked after by the next that gets the lease: a run that lives on is waited for, one that died with it is run
again or marked as failed.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ropewalk import plugins
from ropewalk.errors import RopewalkError
from ropewalk.logs import get_logger
from ropewalk.pipeline.errors import Stopped
from ropewalk.pipeline.leases import Leases, find_holder
from ropewalk.pipeline.schedule import (
    AHEAD_MS,
    Due,
    Schedule,
    TickState,
    is_taken_over,
    next_due,
    read_schedules,
)
from ropewalk.pipeline.schedule_child import ChildRun
from ropewalk.pipeline.workspace import Workspace
from ropewalk.project import PROJECT_FILE, load_project
from ropewalk.store import now_ms
from ropewalk.store.run_history import run_of_cause
from ropewalk.store.schedule import (
    TickRow,
    claim_again,
    claim_tick,
    finish_tick,
    give_back_tick,
    is_known_rule,
    latest_tick,
    name_run_of_tick,
    unfinished_tick,
)

# How long the clock is trusted to go on evenly: whoever sets it, or wakes the machine, is noticed by then.
LONGEST_NAP_S = 15.0
WATCH_S = 0.25
# More schedules than this at work at once wait for one another.
MOST_AT_ONCE = 32
# A child process needs a moment until its run is recorded.
STARTING_MS = 30_000
ENDED = ("succeeded", "failed")


class ScheduleFile:
    """The schedules of a project, read again when its file has changed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen: tuple[int, int] | None = None
        self._found: Mapping[str, Schedule] = {}

    def read(self) -> Mapping[str, Schedule]:
        """Return the schedules as the file has them now; while it is broken, as it had them last."""
        try:
            status = (self._root / PROJECT_FILE).stat()
            seen = (status.st_mtime_ns, status.st_size)
            if seen != self._seen:
                self._seen = seen
                self._found = read_schedules(load_project(self._root, plugins.sections()))
        except (RopewalkError, OSError) as error:
            # Somebody is in the middle of an edit; what was promised before still holds.
            get_logger().error("the schedules cannot be read", reason=str(error))
        return self._found


@dataclass
class Scheduler:
    """Watches over the schedules of one project; a context manager that ends what it has at work.

    Attributes:
        workspace: the open project.
        command: how a child process says `ropewalk`.
        read: returns the schedules in force.
        clock: returns the present (UTC ms).
    """

    workspace: Workspace
    command: Sequence[str]
    read: Callable[[], Mapping[str, Schedule]]
    clock: Callable[[], int] = now_ms
    starting_ms: int = STARTING_MS
    _stopping: threading.Event = field(default_factory=threading.Event)
    _wake: threading.Event = field(default_factory=threading.Event)
    _workers: dict[str, Future[None]] = field(default_factory=dict)
    _closing: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        self._leases = self._closing.enter_context(Leases(self.workspace.database))
        # Threads that are used again: each keeps a connection to the database of its own.
        self._pool = self._closing.enter_context(ThreadPoolExecutor(MOST_AT_ONCE, "schedule"))
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._closing.close()

    def stop(self) -> None:
        """Have `watch` return and the runs at work end; their due times are given back."""
        self._stopping.set()
        self._wake.set()

    def watch(self, until: int | None = None) -> None:
        """Start what becomes due, until the moment `until` (UTC ms) or `stop`."""
        while not self._stopping.is_set() and (until is None or self.clock() < until):
            self._wake.clear()
            self.look()
            self._wake.wait(self._nap(until))

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Watch in a thread of its own while the block lasts."""
        thread = threading.Thread(target=self._watch_on, name="scheduler")
        thread.start()
        try:
            yield
        finally:
            self.stop()
            thread.join()

    def look_once(self) -> bool:
        """Do what is due now and wait for it to end, also for what the catching up brings after it.

        Returns:
            Whether anything was due.
        """
        was_due = False
        while self.look() and not self._stopping.is_set():
            was_due = True
            wait(self._workers.values())
        return was_due

    def look(self) -> bool:
        """Set to work what is due now, and return whether anything was or still is."""
        self._workers = {name: worker for name, worker in self._workers.items() if not worker.done()}
        for schedule in self.read().values():
            if self._has_work(schedule) and schedule.name not in self._workers:
                worker = self._workers[schedule.name] = self._pool.submit(self._work, schedule)
                # Called once the worker counts as done: the next look finds its schedule free.
                worker.add_done_callback(lambda _: self._wake.set())
        return bool(self._workers)

    def _watch_on(self) -> None:
        """Watch until `stop`, whatever happens meanwhile: a database that is busy for long is free again later."""
        log = get_logger()
        while not self._stopping.is_set():
            try:
                self.watch()
            # The boundary of the thread: pages go on being served, and the next attempt may succeed.
            except Exception:
                log.exception("the schedules could not be looked after")
                self._stopping.wait(LONGEST_NAP_S)

    def _nap(self, until: int | None) -> float:
        now = self.clock()
        moments = [until, *(schedule.rule.next_after(now) for schedule in self.read().values())]
        waits = [(moment - now) / 1000 for moment in moments if moment is not None]
        return max(0.0, min([LONGEST_NAP_S, *waits]))

    def _due(self, schedule: Schedule, busy: bool) -> Due | None:
        now, database = self.clock(), self.workspace.database
        last = latest_tick(database, schedule.name, now + AHEAD_MS)
        if last is not None and last.rule != str(schedule.rule):
            # What another rule has done is done; but a rule that nobody knew has promised nothing.
            last = last if is_known_rule(database, schedule.name, str(schedule.rule)) else None
        return next_due(schedule, last, busy, now)

    def _has_work(self, schedule: Schedule) -> bool:
        """Record what needs no run, and return whether there is a run to start or to look after."""
        pending = unfinished_tick(self.workspace.database, schedule.name)
        due = self._due(schedule, pending is not None)
        if due is not None and due.state is not TickState.RUNNING:
            claim_tick(self.workspace.database, self._tick(schedule, due))
            return pending is not None
        return pending is not None or due is not None

    def _tick(self, schedule: Schedule, due: Due) -> TickRow:
        now = self.clock()
        finished = None if due.state is TickState.RUNNING else now
        return TickRow(schedule.name, due.at, str(schedule.rule), due.state.value, None, now, finished, None)

    def _work(self, schedule: Schedule) -> None:
        """Do what is due for one schedule, in a thread of its own."""
        log = get_logger().bind(schedule=schedule.name)
        try:
            with self._leases.hold(schedule.cause, self._stopping):
                self._work_alone(schedule)
        except Stopped:
            pass
        # The boundary of the thread: the next look tries again, and the other schedules go on.
        except Exception:
            log.exception("the schedule could not be looked after")
            self._stopping.wait(LONGEST_NAP_S)

    def _work_alone(self, schedule: Schedule) -> None:
        database = self.workspace.database
        # With the lease in hand, whatever is unfinished was left by a scheduler that died.
        pending = unfinished_tick(database, schedule.name)
        if pending is not None:
            self._look_after(schedule, pending)
            return
        due = self._due(schedule, busy=False)
        if due is None or due.state is not TickState.RUNNING:
            return
        tick = self._tick(schedule, due)
        if claim_tick(database, tick):
            self._run(schedule, tick)
        else:
            # Looking again at once would find the same.
            self._stopping.wait(WATCH_S)

    def _look_after(self, schedule: Schedule, tick: TickRow) -> None:
        """Wait for the run of a dead scheduler, or take its due time over."""
        database = self.workspace.database
        while (fate := self._fate(schedule, tick)) == "at work":
            if self._stopping.wait(WATCH_S):
                return
        self._name_run(schedule, tick)
        now = self.clock()
        if fate in ENDED:
            finish_tick(database, tick, fate, now, None)
        elif is_taken_over(schedule, tick, now):
            if claim_again(database, tick, TickState.AGAIN.value, now):
                self._run(schedule, dataclasses.replace(tick, claimed_at=now))
        else:
            finish_tick(database, tick, TickState.FAILED.value, now, "its scheduler and its run were killed")

    def _fate(self, schedule: Schedule, tick: TickRow) -> str:
        """Return what became of the run of a tick: `at work`, `succeeded`, `failed` or `dead`."""
        database = self.workspace.database
        found = run_of_cause(database, schedule.cause, tick.claimed_at)
        if found is not None and found[1] in ENDED:
            return found[1]
        if found is not None and find_holder(database, f"run:{found[0]}") is not None:
            return "at work"
        return "at work" if 0 <= self.clock() - tick.claimed_at < self.starting_ms else "dead"

    def _run(self, schedule: Schedule, tick: TickRow) -> None:
        log = get_logger().bind(schedule=schedule.name, due=schedule.rule.wall_clock(tick.due_at))
        log.info("scheduled run starts")
        database = self.workspace.database
        child = ChildRun.start(self.workspace, schedule, self.command)
        is_named = False
        while child.is_alive(WATCH_S):
            if self._stopping.is_set():
                child.end()
                # Not done: the next scheduler finds it due, and its catching up decides.
                give_back_tick(database, tick)
                return
            is_named = is_named or self._name_run(schedule, tick)
        # A short run may have ended between two looks.
        if not is_named:
            self._name_run(schedule, tick)
        error = child.complaint()
        state = TickState.FAILED if error else TickState.SUCCEEDED
        finish_tick(database, tick, state.value, self.clock(), error)
        log.info("scheduled run ended", state=state.value, error=error)

    def _name_run(self, schedule: Schedule, tick: TickRow) -> bool:
        """Record which run the tick started, and return whether there is one yet."""
        found = run_of_cause(self.workspace.database, schedule.cause, tick.claimed_at)
        if found is not None:
            name_run_of_tick(self.workspace.database, tick, found[0])
        return found is not None
