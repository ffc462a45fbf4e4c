"""The overview: whether all is current and well, in one look."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ropewalk.devops.monitoring import list_alerts
from ropewalk.errors import RopewalkError
from ropewalk.lineage import LineageNode
from ropewalk.pipeline import Workspace
from ropewalk.store.pipeline import RunRow, list_node_runs, list_pipeline_runs
from ropewalk.web.page import Visit
from ropewalk.web.views.alerts import AlertLine, standing_alerts
from ropewalk.web.views.nodes import NodeLine, declared, node_lines, picture_nodes

RUNS_SHOWN = 6
STATE_WORDS = {
    "failed": "failed",
    "blocked": "blocked",
    "edited": "edited since",
    "never": "not made yet",
}
# The three strands that the product lays into one rope.
STRANDS = {
    "data": ("source", "table", "metric", "question", "publish"),
    "models": ("step", "gate", "model"),
    "software": ("deployment", "monitor"),
}


@dataclass(frozen=True)
class RunLine:
    """One `ropewalk run` in a list; times in UTC milliseconds."""

    id: str
    state: str
    environment: str
    commit: str | None
    branch: str | None
    is_dirty: bool
    started_at: int
    duration_ms: int | None
    executed: int
    failed: int


@dataclass(frozen=True)
class Strand:
    """One of the three strands of a project: its nodes, and how many of them are current."""

    name: str
    nodes: tuple[NodeLine, ...]
    current: int


@dataclass(frozen=True)
class Overview:
    """The state of a project.

    Attributes:
        project: its name.
        environment: the environment whose state this is.
        verdict: `ok`, `warn`, `bad` or `empty`.
        sentence: the state in one sentence.
        strands: data, models and software.
        picture: the declared nodes, for the lineage picture.
        links: the edges between them.
        alerts: the limits that are broken, the latest window first.
        runs: the latest runs, newest first.
        problem: what is wrong with the project's files.
        hint: what to do about the problem.
    """

    project: str
    environment: str
    verdict: str
    sentence: str
    strands: tuple[Strand, ...]
    picture: tuple[LineageNode, ...]
    links: tuple[tuple[str, str], ...]
    alerts: tuple[AlertLine, ...]
    runs: tuple[RunLine, ...]
    problem: str | None = None
    hint: str | None = None


def project_overview(visit: Visit) -> Overview:
    """Return the state of the project."""
    workspace = visit.workspace
    found = declared(workspace)
    lines = node_lines(workspace)
    alerts = standing_alerts(list_alerts(workspace))
    runs = run_lines(workspace)
    return Overview(
        project=workspace.project.name,
        environment=workspace.settings.environment,
        verdict=judge(lines, alerts, found.problem is not None),
        sentence=tell(lines, alerts),
        strands=tuple(_strand(name, kinds, lines) for name, kinds in STRANDS.items()),
        picture=picture_nodes([line.id for line in lines], lines),
        links=tuple((up, node_id) for node_id, ups in found.inputs.items() for up in ups),
        alerts=alerts,
        runs=runs,
        problem=_said(found.problem) if found.problem else None,
        hint=found.problem.hint if found.problem else None,
    )


def run_lines(workspace: Workspace) -> tuple[RunLine, ...]:
    """Return the latest runs of the project, newest first."""
    rows = list_pipeline_runs(workspace.database, limit=RUNS_SHOWN)
    return tuple(_run_line(workspace, row) for row in rows)


def _run_line(workspace: Workspace, row: RunRow) -> RunLine:
    states = [outcome.state for outcome in list_node_runs(workspace.database, row.id)]
    return RunLine(
        id=row.id,
        state=row.state,
        environment=row.environment,
        commit=row.git_commit,
        branch=row.git_branch,
        is_dirty=row.is_dirty,
        started_at=row.started_at,
        duration_ms=row.finished_at - row.started_at if row.finished_at else None,
        executed=states.count("executed"),
        failed=states.count("failed"),
    )


def _strand(name: str, kinds: tuple[str, ...], lines: tuple[NodeLine, ...]) -> Strand:
    # By kind, and inside a kind in the order in which the project makes them.
    nodes = tuple(line for kind in kinds for line in lines if line.kind == kind)
    return Strand(name, nodes, sum(line.state == "current" for line in nodes))


def judge(lines: tuple[NodeLine, ...], alerts: tuple[AlertLine, ...], is_broken: bool) -> str:
    """Return the verdict on a project: the worst that is known of it."""
    states = {line.state for line in lines}
    if is_broken or "failed" in states:
        return "bad"
    # Nothing made yet is a beginning, not a fault.
    if not states - {"never"}:
        return "empty"
    return "warn" if alerts or states != {"current"} else "ok"


def tell(lines: tuple[NodeLine, ...], alerts: tuple[AlertLine, ...]) -> str:
    """Return the state of a project in one sentence."""
    if not lines:
        return "Nothing is declared yet."
    counts = Counter(line.state for line in lines)
    made = f"{counts['current']} of {len(lines)} nodes are current"
    if counts["current"] == len(lines):
        made = f"All {len(lines)} nodes are current"
    others = [f"{counts[state]} {word}" for state, word in STATE_WORDS.items() if counts[state]]
    standing = [f"{len(alerts)} limit{'s' if len(alerts) > 1 else ''} broken"] if alerts else []
    return ", ".join([made, *others, *standing]) + "."


def _said(error: RopewalkError) -> str:
    return f"{error.place}: {error.message}" if error.place else error.message
