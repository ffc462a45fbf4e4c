"""`ropewalk schedule`: what becomes due when, and the loop that runs it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType

import click

from ropewalk.cli.errors import WrongUsage
from ropewalk.cli.output import count, emit_json, emit_table, shorten
from ropewalk.cli.session import Session, open_session
from ropewalk.pipeline import Schedule, ScheduleFile, Scheduler, read_schedules, zone_of
from ropewalk.store import Database, now_ms
from ropewalk.store.schedule import TickRow, list_ticks

SHOWN_DUE = 3
WHY = 60
# How a child process says `ropewalk`: with the Python and the packages of this one.
ROPEWALK = (sys.executable, "-m", "ropewalk.cli.main")


@click.group("schedule")
def command() -> None:
    """Show the schedules of the project, or run what becomes due.

    `ropewalk up` does the latter by itself.
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_command(*, as_json: bool) -> None:
    """Show every schedule: its next due times, and what became of the last one."""
    with open_session() as session:
        schedules = checked_schedules(session)
        documents = [_document(schedule, session.workspace.database) for schedule in schedules.values()]
    if as_json:
        emit_json({"schedules": documents})
    elif documents:
        emit_table(("schedule", "rule", "next", "last due", "became"), [_row(found) for found in documents])
    else:
        click.echo("no schedule is declared: `schedule:` in ropewalk.yaml says when runs start by themselves")


@command.command("run")
@click.option("--once", is_flag=True, help="Do what is due now, and end.")
@click.option("--until", metavar="TIME", help="End at this time (ISO 8601; UTC unless it says otherwise).")
def run_command(*, once: bool, until: str | None) -> None:
    """Watch the clock and start a run for whatever becomes due, until Ctrl-C.

    Several schedulers may watch one project, on one machine or many: each due time is run once.
    """
    end = _moment(until) if until is not None else None
    with open_session() as session:
        schedules = checked_schedules(session)
        with scheduler_of(session) as scheduler:
            _stop_on_signals(scheduler)
            if once:
                if not scheduler.look_once():
                    click.echo("nothing is due  (`ropewalk schedule list` says what comes)", err=True)
                return
            click.echo(f"watching {count(len(schedules), 'schedule')}  (Ctrl-C stops)", err=True)
            scheduler.watch(end)


def checked_schedules(session: Session) -> Mapping[str, Schedule]:
    """Return the project's schedules, held against its graph.

    Raises:
        UnknownName, AmbiguousName, InvalidProjectFile: a schedule does not fit the project.
    """
    project = session.workspace.project
    # The graph is held against them as it is read; without schedules nobody waits for that.
    if project.entries("schedule"):
        session.graph()
    return read_schedules(project)


def scheduler_of(session: Session) -> Scheduler:
    """Return the scheduler of the open project, which starts runs with this program."""
    return Scheduler(session.workspace, ROPEWALK, ScheduleFile(session.workspace.root).read)


@contextmanager
def scheduling(session: Session) -> Iterator[None]:
    """Run what becomes due while the block lasts, beside whatever it does."""
    with scheduler_of(session) as scheduler, scheduler.beside():
        yield


def _stop_on_signals(scheduler: Scheduler) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        scheduler.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _moment(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUsage(
            f"--until: {text!r} is no time", hint="write it as 2026-11-23T06:00 or 2026-11-23T06:00+01:00"
        ) from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def _document(schedule: Schedule, database: Database) -> dict[str, object]:
    ticks = list_ticks(database, schedule.name)
    due, now = list[int](), now_ms()
    while len(due) < SHOWN_DUE and (moment := schedule.rule.next_after(due[-1] if due else now)) is not None:
        due.append(moment)
    return {
        "name": schedule.name,
        "cron": schedule.rule.cron,
        "timezone": schedule.rule.timezone,
        "nodes": list(schedule.nodes),
        "environment": schedule.environment,
        "catch_up": schedule.catch_up,
        "overlap": schedule.overlap,
        "next": [_iso(moment, schedule.rule.timezone) for moment in due],
        # The moment from which a rule is known is recorded like a tick, and is none.
        "ticks": [_tick(tick, schedule.rule.timezone) for tick in ticks if tick.state != "known"],
    }


def _tick(tick: TickRow, zone: str) -> dict[str, object]:
    return {
        "due": _iso(tick.due_at, zone),
        "state": tick.state,
        "run_id": tick.run_id,
        "claimed_at": _iso(tick.claimed_at, zone),
        "finished_at": _iso(tick.finished_at, zone) if tick.finished_at is not None else None,
        "error": tick.error,
    }


def _row(found: Mapping[str, object]) -> tuple[object, ...]:
    due, ticks = found["next"], found["ticks"]
    assert isinstance(due, list)
    assert isinstance(ticks, list)
    rule = f"{found['cron']} {found['timezone']}"
    last = ticks[0] if ticks else None
    return (
        found["name"],
        rule,
        _short(due[0]) if due else "never",
        _short(last["due"]) if last else "",
        _became(last) if last else "nothing yet",
    )


def _became(tick: Mapping[str, object]) -> str:
    run = f" (run {str(tick['run_id'])[:8]})" if tick["run_id"] else ""
    why = f": {shorten(str(tick['error']), WHY)}" if tick["error"] else ""
    return f"{tick['state']}{run}{why}"


def _iso(ms: int, zone: str) -> str:
    return datetime.fromtimestamp(ms // 1000, zone_of(zone)).isoformat()


def _short(moment: str) -> str:
    # The rule beside it says the zone; the offset says which of two equal times is meant.
    return moment[:16].replace("T", " ") + moment[19:]
