"""History: what was run and what comes next, and one run node by node with the end of its logs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from ropewalk.pipeline import (
    AmbiguousRun,
    RunNotFound,
    Schedule,
    ScheduleFile,
    Workspace,
    find_past_run,
    last_lines,
    list_logs,
    run_state,
)
from ropewalk.store import now_ms
from ropewalk.store.run_history import PastNode, PastRun, list_past_nodes, list_past_runs
from ropewalk.store.schedule import list_ticks
from ropewalk.web.errors import NothingCalled
from ropewalk.web.page import Visit
from ropewalk.web.views.addresses import address_of

PAGE = 50
MOST = 1000
LINES = 40


@dataclass(frozen=True)
class HistoryLine:
    """One run in a list; times in UTC milliseconds, the duration only of one that has ended."""

    id: str
    state: str
    environment: str
    cause: str
    commit: str | None
    branch: str | None
    is_dirty: bool
    started_at: int
    duration_ms: int | None
    executed: int
    restored: int
    failed: int
    blocked: int


@dataclass(frozen=True)
class ScheduleLine:
    """One schedule: its rule, when it is due next, and what became of it last."""

    name: str
    cron: str
    timezone: str
    next_due: int | None
    last_due: int | None
    last_state: str | None
    last_run: str | None
    error: str | None


@dataclass(frozen=True)
class History:
    """The newest runs, of one environment where one is chosen, and the schedules.

    Attributes:
        environment: the chosen environment; None for all.
        environments: those that the shown runs are of.
        is_cut: whether there are older runs that are not shown.
    """

    runs: tuple[HistoryLine, ...]
    schedules: tuple[ScheduleLine, ...]
    environment: str | None
    environments: tuple[str, ...]
    is_cut: bool


@dataclass(frozen=True)
class NodeOutcome:
    """What a run did with one node."""

    id: str
    address: str
    state: str
    reasons: tuple[str, ...]
    error: str | None
    duration_ms: int
    attempts: int


@dataclass(frozen=True)
class LogTail:
    """The last lines of what one attempt at a step printed."""

    step: str
    attempt: int
    text: str
    has_failed: bool


@dataclass(frozen=True)
class RunHistory:
    """One run: its nodes in the order in which they ended, and the logs of its steps, the failed ones first."""

    run: HistoryLine
    nodes: tuple[NodeOutcome, ...]
    logs: tuple[LogTail, ...]
    command: str


def history_list(visit: Visit) -> History:
    """Return the newest runs and the schedules.

    Raises:
        InvalidQuery: the limit is not a number.
    """
    workspace = visit.workspace
    chosen = visit.query.get("environment") or None
    limit = max(1, visit.number("limit", PAGE, MOST))
    # One more than is shown tells whether there are others.
    found = list_past_runs(workspace.database, limit + 1, environment=chosen or "")
    lines = tuple(_line(workspace, run) for run in found[:limit])
    return History(
        runs=lines,
        schedules=_schedules(workspace),
        environment=chosen,
        environments=tuple(sorted({line.environment for line in lines})),
        is_cut=len(found) > limit,
    )


def history_page(visit: Visit) -> RunHistory:
    """Return one run, named by the beginning of its id.

    Raises:
        NothingCalled: no run, or more than one, begins with it.
    """
    workspace = visit.workspace
    try:
        run = find_past_run(workspace.database, visit.names["id"])
    except (RunNotFound, AmbiguousRun) as error:
        raise NothingCalled(error.message, nearest=error.nearest, hint="/history lists the runs") from error
    nodes = list_past_nodes(workspace.database, run.id)
    return RunHistory(
        run=_line(workspace, run),
        nodes=tuple(map(_outcome, nodes)),
        logs=_tails(workspace, run, nodes),
        command=f"ropewalk logs {run.id[:8]}",
    )


def _line(workspace: Workspace, run: PastRun) -> HistoryLine:
    state = run_state(workspace.database, run)
    ended = run.finished_at if state != "killed" else None
    return HistoryLine(
        id=run.id,
        state=state,
        environment=run.environment,
        cause=run.cause,
        commit=run.git_commit,
        branch=run.git_branch,
        is_dirty=run.is_dirty,
        started_at=run.started_at,
        duration_ms=ended - run.started_at if ended is not None else None,
        executed=run.executed,
        restored=run.restored,
        failed=run.failed,
        blocked=run.blocked,
    )


def _schedules(workspace: Workspace) -> tuple[ScheduleLine, ...]:
    # The project as it was opened may be older than its file, which the scheduler reads again, too.
    file = workspace.once("web.schedules", lambda: nullcontext(ScheduleFile(workspace.root)))
    return tuple(_schedule(workspace, schedule) for schedule in file.read().values())


def _schedule(workspace: Workspace, schedule: Schedule) -> ScheduleLine:
    ticks = [tick for tick in list_ticks(workspace.database, schedule.name) if tick.state != "known"]
    last = ticks[0] if ticks else None
    return ScheduleLine(
        name=schedule.name,
        cron=schedule.rule.cron,
        timezone=schedule.rule.timezone,
        next_due=schedule.rule.next_after(now_ms()),
        last_due=last.due_at if last else None,
        last_state=last.state if last else None,
        last_run=last.run_id if last else None,
        error=last.error if last else None,
    )


def _outcome(node: PastNode) -> NodeOutcome:
    return NodeOutcome(
        id=node.node,
        address=address_of(node.node),
        state=node.state,
        reasons=node.reasons,
        error=node.error,
        duration_ms=max(0, node.finished_at - node.started_at),
        attempts=node.attempts,
    )


def _tails(workspace: Workspace, run: PastRun, nodes: Sequence[PastNode]) -> tuple[LogTail, ...]:
    failed = {node.node for node in nodes if node.state == "failed"}
    tails = [
        LogTail(log.step, log.attempt, "\n".join(last_lines(log.path, LINES)), f"step:{log.step}" in failed)
        for log in list_logs(workspace, run.id)
    ]
    # What went wrong comes first: it is what somebody came for.
    return tuple(sorted(tails, key=lambda tail: (not tail.has_failed, tail.step, -tail.attempt)))
