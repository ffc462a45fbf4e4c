"""What a project's schedules are, and what is to be done for one of them at a moment; nothing is done here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ropewalk.errors import Place
from ropewalk.pipeline.environments import is_protected
from ropewalk.pipeline.errors import NodeNotFound, UnknownName
from ropewalk.pipeline.graph import Graph
from ropewalk.pipeline.schedule_section import CatchUp, Overlap, ScheduleEntry
from ropewalk.pipeline.schedule_times import Rule
from ropewalk.pipeline.values import Node, NodeKind
from ropewalk.project import InvalidProjectFile, Project
from ropewalk.store.schedule import TickRow

# A tick that is seen within so long after it was due was not missed.
PUNCTUAL_MS = 60_000
# A tick recorded further ahead of the clock than this is one of a clock that was wrong; nearer ones are of a
# clock that has been set back since, and are not done again.
AHEAD_MS = 86_400_000


class TickState(Enum):
    """What became of a due time."""

    KNOWN = "known"
    RUNNING = "running"
    AGAIN = "again"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    MISSED = "missed"


@dataclass(frozen=True)
class Schedule:
    """One entry of `schedule:` as the scheduler takes it.

    Attributes:
        nodes: what is brought up to date; empty for the whole project.
        environment: the environment whose pointers move; None for the scheduler's.
        catch_up: `last`, `all` or `none`.
        overlap: `wait` or `skip`.
    """

    name: str
    rule: Rule
    nodes: tuple[str, ...] = ()
    environment: str | None = None
    catch_up: CatchUp = "last"
    overlap: Overlap = "wait"

    @property
    def cause(self) -> str:
        """What its runs name as their cause."""
        return f"schedule:{self.name}"


@dataclass(frozen=True)
class Due:
    """What is to be recorded for a due time: `RUNNING` starts a run, any other state is its end."""

    at: int
    state: TickState


def read_schedules(project: Project) -> dict[str, Schedule]:
    """Return the schedules that the project declares, by name."""
    return {name: _schedule(name, entry.value) for name, entry in project.entries("schedule").items()}


def check_schedules(project: Project, graph: Graph, kinds: Mapping[str, NodeKind]) -> None:
    """Hold every schedule against the graph and the environments; in a protected one only monitors may run.

    Raises:
        UnknownName: a schedule runs a node that nothing provides.
        AmbiguousName: it names several at once.
        InvalidProjectFile: it moves a protected environment, which only a release may do.
    """
    schedules = read_schedules(project)
    for name, entry in project.entries("schedule").items():
        nodes = [_check_node(name, node, graph, entry.place) for node in schedules[name].nodes]
        if not nodes or any(kinds[node.kind].is_released for node in nodes):
            _check_environment(schedules[name], project, entry.place)


def next_due(schedule: Schedule, last: TickRow | None, busy: bool, now: int) -> Due | None:
    """Return what is to be recorded now, or None when nothing is due.

    Args:
        schedule: the schedule.
        last: its latest tick; None while nobody knew of its rule.
        busy: whether a run of it is at work.
        now: the present (UTC ms).
    """
    # What was due before anyone knew of the rule was never promised.
    if last is None:
        return Due(now, TickState.KNOWN)
    newest = schedule.rule.latest_at(now)
    if newest is None or newest <= last.due_at:
        return None
    if busy:
        return Due(newest, TickState.SKIPPED) if schedule.overlap == "skip" else None
    return _due(schedule, last, newest, now)


def _due(schedule: Schedule, last: TickRow, newest: int, now: int) -> Due:
    """Return which of the due times since `last` is done now that nothing is in the way."""
    if schedule.catch_up == "all":
        oldest = schedule.rule.next_after(last.due_at)
        return Due(oldest or newest, TickState.RUNNING)
    # A tick that waited for the run before it counts from that run's end.
    if schedule.catch_up == "none" and now - max(newest, last.finished_at or 0) > PUNCTUAL_MS:
        return Due(newest, TickState.MISSED)
    return Due(newest, TickState.RUNNING)


def is_taken_over(schedule: Schedule, tick: TickRow, now: int) -> bool:
    """Return whether a tick whose scheduler and run died is run again, rather than marked as failed."""
    # Once only: what has killed two schedulers would kill the third.
    if tick.state == TickState.AGAIN.value or tick.rule != str(schedule.rule) or schedule.catch_up == "none":
        return False
    # For `last` a newer due time makes the old one pointless.
    return schedule.catch_up == "all" or schedule.rule.latest_at(now) == tick.due_at


def _schedule(name: str, entry: object) -> Schedule:
    assert isinstance(entry, ScheduleEntry)  # the section's model
    rule = Rule(entry.cron, entry.timezone)
    return Schedule(name, rule, entry.run, entry.environment, entry.catch_up, entry.overlap)


def _check_node(schedule: str, name: str, graph: Graph, place: Place) -> Node:
    try:
        return graph.find(name)
    except NodeNotFound as error:
        raise UnknownName(
            f"schedule {schedule!r} runs {name!r}, which nothing provides",
            place=place,
            nearest=error.nearest,
            hint=error.hint,
        ) from None


def _check_environment(schedule: Schedule, project: Project, place: Place) -> None:
    if schedule.environment and is_protected(project, schedule.environment):
        raise InvalidProjectFile(
            f"schedule.{schedule.name}: environment {schedule.environment!r} is protected, and a run cannot move it",
            place=place,
            hint="let it run in another environment and move this one by `ropewalk apply`, or name monitors only",
        )
