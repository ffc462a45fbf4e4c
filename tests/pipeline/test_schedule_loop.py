"""The scheduler, with real child processes: each due time once, through death, delay and clocks that jump."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest

from ropewalk.pipeline import Rule, Schedule, ScheduleFile, Scheduler, Workspace
from ropewalk.pipeline.leases import this_host, this_process
from ropewalk.pipeline.schedule_child import ChildRun
from ropewalk.store.leases import take_lease
from ropewalk.store.schedule import TickRow, claim_tick, list_ticks

HOUR, MINUTE = 3_600_000, 60_000
NOON = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp() * 1000)
HOURLY = Schedule("hourly", Rule("0 * * * *"))
# A program that behaves like `ropewalk run` towards the scheduler: it records a run and takes its time.
PROGRAM = """
    import os, pathlib, signal, sqlite3, sys, time, uuid
    here = pathlib.Path(__file__).parent
    url = os.environ.get("ROPEWALK_DATABASE_URL")
    def write(sql, values):
        if not url:
            # Without importing Ropewalk: most of these programs are to be quick.
            with sqlite3.connect(here / ".ropewalk/ropewalk.db", timeout=30) as database:
                database.execute(sql, values)
            return
        from ropewalk.store import Database
        database = Database.open(url)
        with database.write() as connection:
            connection.execute(sql, values)
        database.close()
    cause = sys.argv[sys.argv.index("--cause") + 1]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    with (here / "starts").open("a") as starts:
        starts.write(" ".join(sys.argv[3:]) + "\\n")
    run = uuid.uuid4().hex
    write("INSERT INTO pipeline_run (id, environment, state, is_dirty, started_at, cause)"
          " VALUES (?, 'dev', 'running', 0, ?, ?)", (run, NOW, cause))
    time.sleep(float((here / "seconds").read_text()))
    code = int((here / "code").read_text())
    write("UPDATE pipeline_run SET state = ? WHERE id = ?", ("failed" if code else "succeeded", run))
    print("0 executed")
    if code:
        print("error[RW440]: the step broke\\n1 failed")
    sys.exit(code)
"""
# A scheduler as a process of its own, at noon.
SCHEDULER = """
    import os
    import sys
    from pathlib import Path
    from ropewalk import plugins
    from ropewalk.pipeline import Rule, Schedule, Scheduler, Workspace
    from ropewalk.project import load_project
    from ropewalk.settings import load_settings
    root, now = Path(sys.argv[1]), int(sys.argv[2])
    schedules = {"hourly": Schedule("hourly", Rule("0 * * * *"))}
    with Workspace(load_project(root, plugins.sections()), load_settings(os.environ)) as workspace:
        command = (sys.executable, str(root / "program.py"))
        with Scheduler(workspace, command, lambda: schedules, lambda: now, 2000) as scheduler:
            sys.stdin.readline()
            scheduler.look_once()
"""


@dataclass
class Watch:
    """A project whose `ropewalk` is the program above, and schedulers for it whose clock a test sets."""

    workspace: Workspace
    now: int = NOON + 1
    schedules: dict[str, Schedule] = field(default_factory=lambda: {"hourly": HOURLY})

    @property
    def root(self) -> Path:
        return self.workspace.root

    @property
    def command(self) -> tuple[str, ...]:
        return (sys.executable, str(self.root / "program.py"))

    def behave(self, seconds: float = 0, code: int = 0) -> None:
        (self.root / "seconds").write_text(str(seconds))
        (self.root / "code").write_text(str(code))
        (self.root / "program.py").write_text(dedent(PROGRAM).replace("NOW", str(self.now)))

    def scheduler(self) -> Scheduler:
        return Scheduler(self.workspace, self.command, lambda: self.schedules, lambda: self.now, 0)

    def look(self, now: int) -> None:
        self.now = now
        self.behave()
        with self.scheduler() as scheduler:
            scheduler.look_once()

    def begun(self, due_at: int = NOON, finished: bool = True, state: str = "succeeded") -> TickRow:
        """Record a due time as one that a scheduler has claimed."""
        rule = str(HOURLY.rule)
        tick = TickRow("hourly", due_at, rule, state, None, due_at, due_at if finished else None, None)
        assert claim_tick(self.workspace.database, tick)
        return tick

    @property
    def starts(self) -> list[str]:
        path = self.root / "starts"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def ticks(self) -> list[tuple[int, str]]:
        return [(tick.due_at, tick.state) for tick in list_ticks(self.workspace.database, "hourly")]


@pytest.fixture
def watch(write_project, open_workspace) -> Watch:
    """Return a watch over an empty project."""
    found = Watch(open_workspace(write_project({})))
    found.behave()
    return found


def wait_for(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 100
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_first_sight_runs_nothing(watch: Watch) -> None:
    """A schedule that was never seen is taken note of, and the next due time is its first."""
    watch.look(NOON + 5)
    assert watch.starts == []
    watch.look(NOON + HOUR + 5)

    assert watch.starts == ["run --cause schedule:hourly --environment dev"]
    assert watch.ticks[0] == (NOON + HOUR, "succeeded")


def test_once_per_due_time(watch: Watch) -> None:
    """However often the scheduler looks, a due time starts one run."""
    watch.begun(NOON - HOUR)
    for second in range(3):
        watch.look(NOON + second)

    assert len(watch.starts) == 1


def test_what_is_run_and_where(watch: Watch) -> None:
    """The run gets the schedule's nodes and its environment."""
    watch.schedules = {"hourly": Schedule("hourly", HOURLY.rule, ("late", "mart.daily"), "staging")}
    watch.begun(NOON - HOUR)
    watch.look(NOON)

    assert watch.starts == ["run late mart.daily --cause schedule:hourly --environment staging"]


def test_a_failure_is_told(watch: Watch) -> None:
    """A run that fails makes its tick fail, with its first error; the next due time comes as ever."""
    watch.begun(NOON - HOUR)
    watch.behave(code=1)
    with watch.scheduler() as scheduler:
        scheduler.look_once()

    (tick, _) = list_ticks(watch.workspace.database, "hourly")
    assert (tick.state, tick.error) == ("failed", "exit code 1: error[RW440]: the step broke")
    assert tick.run_id is not None
    watch.look(NOON + HOUR)
    assert watch.ticks[0] == (NOON + HOUR, "succeeded")


@pytest.mark.parametrize(("catch_up", "hours"), [("last", [4]), ("all", [1, 2, 3, 4]), ("none", [])])
def test_catching_up(watch: Watch, catch_up: str, hours: list[int]) -> None:
    """After a break the last missed time is run, or all in order, or none."""
    watch.schedules = {"hourly": Schedule("hourly", HOURLY.rule, catch_up=catch_up)}
    watch.begun()
    watch.look(NOON + 4 * HOUR + 20 * MINUTE)

    done = [due for due, state in reversed(watch.ticks) if state == "succeeded"]
    assert done == [NOON] + [NOON + hour * HOUR for hour in hours]
    assert len(watch.starts) == len(hours)


def test_clock_going_backwards(watch: Watch) -> None:
    """A clock that is set back, and comes by a due time again, starts nothing twice."""
    watch.begun(NOON - HOUR)
    for now in (NOON, NOON - 2 * MINUTE, NOON - HOUR, NOON, NOON + 1):
        watch.look(now)

    assert len(watch.starts) == 1


def test_clock_that_was_far_ahead(watch: Watch) -> None:
    """A wrong clock of years ahead does not silence a schedule once it is put right."""
    watch.begun(NOON - HOUR)
    watch.begun(NOON + 9000 * HOUR)
    watch.look(NOON)

    assert len(watch.starts) == 1


def test_overlap_skip(watch: Watch) -> None:
    """With `overlap: skip` what becomes due while a run is at work is recorded as skipped."""
    watch.schedules = {"hourly": Schedule("hourly", HOURLY.rule, overlap="skip")}
    watch.begun(NOON - HOUR)
    watch.behave(seconds=1)
    with watch.scheduler() as scheduler:
        scheduler.look()
        wait_for(lambda: len(watch.starts) == 1)
        watch.now = NOON + HOUR
        scheduler.look_once()

    assert watch.ticks[:2] == [(NOON + HOUR, "skipped"), (NOON, "succeeded")]
    assert len(watch.starts) == 1


def test_overlap_wait(watch: Watch) -> None:
    """Else it waits for the end of the run before it, and then starts."""
    watch.begun(NOON - HOUR)
    watch.behave(seconds=0.5)
    with watch.scheduler() as scheduler:
        scheduler.look()
        wait_for(lambda: len(watch.starts) == 1)
        watch.now = NOON + HOUR
        assert len(watch.ticks) == 2
        scheduler.look_once()

    assert watch.ticks[:2] == [(NOON + HOUR, "succeeded"), (NOON, "succeeded")]


def test_stopping_gives_back(watch: Watch) -> None:
    """A scheduler that is stopped ends its run and gives the due time back; the next one does it."""
    watch.begun(NOON - HOUR)
    watch.behave(seconds=60)
    with watch.scheduler() as scheduler:
        scheduler.look()
        wait_for(lambda: len(watch.starts) == 1)
    assert watch.ticks == [(NOON - HOUR, "succeeded")]

    watch.look(NOON + 1)

    assert watch.ticks[0] == (NOON, "succeeded")
    assert len(watch.starts) == 2


def test_dead_claim_is_taken_over(watch: Watch) -> None:
    """A due time whose scheduler and run died is run again, once."""
    watch.begun(NOON, finished=False, state="running")
    watch.look(NOON + MINUTE)

    assert watch.ticks == [(NOON, "succeeded")]
    assert len(watch.starts) == 1


def test_dead_twice_is_failed(watch: Watch) -> None:
    """What has killed two schedulers is not given to a third."""
    watch.begun(NOON, finished=False, state="again")
    watch.look(NOON + MINUTE)

    assert watch.ticks == [(NOON, "failed")]
    assert watch.starts == []


def test_dead_claim_of_the_past(watch: Watch) -> None:
    """With `last` a dead claim that a newer due time has overtaken is marked as failed, and the newer one run."""
    watch.begun(NOON - HOUR, finished=False, state="running")
    watch.look(NOON + MINUTE)

    assert watch.ticks == [(NOON, "succeeded"), (NOON - HOUR, "failed")]
    assert len(watch.starts) == 1


def add_run(watch: Watch, state: str) -> None:
    with watch.workspace.database.write() as connection:
        connection.execute(
            "INSERT INTO pipeline_run (id, environment, state, is_dirty, started_at, cause)"
            " VALUES ('lives', 'dev', ?, 0, ?, 'schedule:hourly')",
            (state, NOON),
        )


def test_a_run_that_outlived_its_scheduler(watch: Watch) -> None:
    """A run that goes on without its scheduler is waited for, and its end is the tick's."""
    watch.begun(NOON, finished=False, state="running")
    add_run(watch, "running")
    take_lease(watch.workspace.database, "run:lives", "its own", this_host(), this_process())
    with watch.scheduler() as scheduler:
        scheduler.look()
        time.sleep(0.5)
        assert watch.ticks == [(NOON, "running")]
        with watch.workspace.database.write() as connection:
            connection.execute("UPDATE pipeline_run SET state = 'failed'")
        scheduler.look_once()

    assert watch.ticks == [(NOON, "failed")]
    assert watch.starts == []


def test_a_run_that_died(watch: Watch) -> None:
    """A run that is marked as running, and whose process is gone, is dead."""
    watch.begun(NOON, finished=False, state="running")
    add_run(watch, "running")
    watch.look(NOON + MINUTE)

    assert watch.ticks == [(NOON, "succeeded")]


def start_scheduler(watch: Watch, now: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", dedent(SCHEDULER), str(watch.root), str(now)]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, text=True)


def test_five_schedulers(watch: Watch) -> None:
    """Of five processes that see one due time at once, one starts a run, and all end in peace."""
    watch.begun(NOON - HOUR)
    watch.behave(seconds=0.3)
    processes = [start_scheduler(watch, NOON + 1) for _ in range(5)]
    for process in processes:
        process.communicate("go\n", timeout=60)

    assert [process.returncode for process in processes] == [0] * 5
    assert len(watch.starts) == 1
    assert watch.ticks[0] == (NOON, "succeeded")


def test_killed_scheduler(watch: Watch) -> None:
    """After SIGKILL of a scheduler its run goes on, and the next scheduler waits for that instead of starting one."""
    watch.begun(NOON - HOUR)
    watch.behave(seconds=3)
    first = start_scheduler(watch, NOON + 1)
    assert first.stdin is not None
    first.stdin.write("go\n")
    first.stdin.flush()
    wait_for(lambda: len(watch.starts) == 1)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()

    second = start_scheduler(watch, NOON + 2)
    second.communicate("go\n", timeout=60)

    assert len(watch.starts) == 1
    assert watch.ticks[0] == (NOON, "succeeded")


def test_watching(watch: Watch) -> None:
    """The loop starts what becomes due while it watches, and ends at its time."""
    watch.begun(NOON - HOUR)
    watch.now = NOON - 200
    started = time.monotonic()
    with watch.scheduler() as scheduler:
        scheduler.clock = lambda: watch.now + round(1000 * (time.monotonic() - started))
        scheduler.watch(until=NOON + 1000)

    assert len(watch.starts) == 1
    assert time.monotonic() - started < 20


def test_watching_catches_up(watch: Watch) -> None:
    """While it watches, one missed time follows the other at once, and not at the next look at the clock."""
    watch.schedules = {"hourly": Schedule("hourly", HOURLY.rule, catch_up="all")}
    watch.begun()
    watch.now = NOON + 3 * HOUR + MINUTE
    watch.behave()
    started = time.monotonic()
    with watch.scheduler() as scheduler, scheduler.beside():
        wait_for(lambda: [state for _, state in watch.ticks] == ["succeeded"] * 4)

    assert len(watch.starts) == 3
    assert time.monotonic() - started < 60


def test_a_run_that_cannot_be_started(watch: Watch) -> None:
    """When the system gives no process, the scheduler goes on, and the time is tried once more."""
    watch.begun(NOON - HOUR)
    with watch.scheduler() as scheduler:
        scheduler.command = ("/no/such/program",)
        scheduler.look()
        wait_for(lambda: watch.ticks[0] == (NOON, "running"))
    watch.look(NOON + 1)

    assert watch.ticks[0] == (NOON, "succeeded")


def test_stop_ends_the_watch(watch: Watch) -> None:
    """`stop` ends a watch that has hours to sleep."""
    with watch.scheduler() as scheduler:
        thread = threading.Thread(target=scheduler.watch)
        thread.start()
        time.sleep(0.1)
        scheduler.stop()
        thread.join(60)

        assert not thread.is_alive()


def test_the_file_is_read_again(watch: Watch) -> None:
    """An edit of the project file counts at the next look; a broken one does not, and takes nothing away."""
    schedules = ScheduleFile(watch.root)
    path = watch.root / "ropewalk.yaml"
    assert schedules.read() == {}
    path.write_text('project: test\nschedule: {hourly: "0 * * * *"}\n')
    assert schedules.read() == {"hourly": HOURLY}
    path.write_text("project: test\nschedule: {hourly: 61 * * * *}\n")
    assert schedules.read() == {"hourly": HOURLY}
    path.write_text("project: test\n")
    assert schedules.read() == {}


@pytest.fixture
def child(watch: Watch) -> Iterator[ChildRun]:
    """Return a child that does not end by itself, and does not hear of SIGTERM."""
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(99)"
    started = ChildRun.start(watch.workspace, HOURLY, (sys.executable, "-c", program))
    wait_for(lambda: started.log.read_text() == "up\n")
    yield started
    started.process.kill()
    started.process.wait()


def test_a_child_that_does_not_listen(child: ChildRun, monkeypatch) -> None:
    """A run that ignores the request to end is killed."""
    monkeypatch.setattr("ropewalk.pipeline.schedule_child.GRACE_S", 0.2)
    child.end()

    assert child.complaint() == "signal 9: up"


def test_one_schedule_does_not_hold_up_another(watch: Watch) -> None:
    """While the run of one schedule is at work, another's starts."""
    watch.begun(NOON - HOUR)
    watch.behave(seconds=2)
    with watch.scheduler() as scheduler:
        scheduler.look()
        wait_for(lambda: len(watch.starts) == 1)
        watch.schedules["other"] = Schedule("other", HOURLY.rule, ("late",))
        scheduler.look()
        watch.now = NOON + HOUR
        scheduler.look()
        wait_for(lambda: len(watch.starts) == 2)
        assert watch.ticks[0] == (NOON, "running")

    assert "run late --cause schedule:other" in watch.starts[1]


def test_a_changed_rule_starts_anew(watch: Watch) -> None:
    """Due times that a new rule would have had in the past are not made up for."""
    watch.begun(NOON - 9 * HOUR)
    watch.schedules = {"hourly": Schedule("hourly", Rule("*/5 * * * *"), catch_up="all")}
    watch.look(NOON + 1)
    assert watch.starts == []
    watch.look(NOON + 5 * MINUTE)

    assert len(watch.starts) == 1


def test_a_rule_that_comes_back(watch: Watch) -> None:
    """A due time that another rule has had meanwhile is not run again when the first rule is back."""
    watch.begun(NOON - HOUR)
    other = {"hourly": Schedule("hourly", Rule("0,30 * * * *"))}
    first, watch.schedules = watch.schedules, other
    watch.look(NOON - 20 * MINUTE)
    watch.look(NOON)
    assert len(watch.starts) == 1
    watch.schedules = first
    watch.look(NOON + 1)
    assert len(watch.starts) == 1
    watch.look(NOON + HOUR)

    assert watch.ticks[:2] == [(NOON + HOUR, "succeeded"), (NOON, "succeeded")]


def test_a_removed_schedule_is_left_alone(watch: Watch) -> None:
    """What a schedule left unfinished when it was taken out of the file is not looked after any more."""
    watch.begun(NOON, finished=False, state="running")
    watch.schedules = {}
    watch.look(NOON + MINUTE)

    assert watch.ticks == [(NOON, "running")]
    assert watch.starts == []
