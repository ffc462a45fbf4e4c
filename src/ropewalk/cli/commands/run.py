"""`ropewalk run`: bring nodes up to date."""

from __future__ import annotations

import signal
from types import FrameType

import click

from ropewalk.cli.errors import exit_code, report_error
from ropewalk.cli.output import emit_json
from ropewalk.cli.progress import watch_run
from ropewalk.cli.session import Session, open_session
from ropewalk.dataops.lake import open_lake
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import NodeResult, RunResult, State, execute


@click.command("run")
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
@click.option("--parallel", type=click.IntRange(1, 64), help="How many nodes may run at once.")
def command(names: tuple[str, ...], *, as_json: bool, parallel: int | None) -> int:
    """Bring the whole project up to date, or NAMES and what they need.

    What is fresh by content is skipped. A failure blocks only what needs the node that failed.
    """
    # A service manager's stop is treated as Ctrl-C: steps are ended and the run is marked as failed.
    signal.signal(signal.SIGTERM, _interrupt)
    with open_session(has_logs=True, parallel=parallel) as session:
        result = _run(session, names)
        snapshot = _snapshot(session, result)
    errors = [node for node in result.nodes if node.error]
    if as_json:
        emit_json(run_document(result, snapshot))
    else:
        _print(result, snapshot)
    # Several nodes may have failed; the gravest exit code wins.
    return max((exit_code(type(node.error)) for node in errors if node.error), default=0)


def run_document(result: RunResult, snapshot: int | None) -> dict[str, object]:
    """Return what a run did as plain JSON values."""
    return {
        "run_id": result.run_id,
        "environment": result.environment,
        "executed": result.count(State.EXECUTED),
        "hits": result.count(State.HIT),
        "failed": result.count(State.FAILED),
        "blocked": result.count(State.BLOCKED),
        "snapshot": snapshot,
        "nodes": [_node_document(node) for node in result.nodes],
    }


def _run(session: Session, names: tuple[str, ...]) -> RunResult:
    graph = session.graph()
    selected = [graph.find(name).id for name in names] or None
    total = len(graph.ancestors(selected)) if selected else len(graph.nodes)
    with watch_run(total) as observer:
        return execute(graph, session.kinds, session.workspace, observer, selected)


def _snapshot(session: Session, result: RunResult) -> int | None:
    try:
        return open_lake(session.workspace).snapshot()
    except RopewalkError:
        # A lake that cannot be opened has failed nodes already, and their errors are what must be told.
        if result.count(State.FAILED):
            return None
        raise


def _node_document(node: NodeResult) -> dict[str, object]:
    return {
        "id": node.id,
        "state": node.state.value,
        "seconds": node.seconds,
        "reasons": [str(reason) for reason in node.reasons],
        "warning": node.warning,
        "digest": node.output.digest if node.output else None,
        "reference": node.output.reference if node.output else None,
        "error": node.error.as_json() if node.error else None,
    }


def _print(result: RunResult, snapshot: int | None) -> None:
    debug = click.get_current_context().find_root().obj["debug"]
    # All of them: a run goes on after a failure, and each may have a cause of its own.
    for node in result.nodes:
        if node.error:
            report_error(node.error, as_json=False, debug=debug)
    failed, blocked = result.count(State.FAILED), result.count(State.BLOCKED)
    trouble = f", {failed} failed, {blocked} blocked" if failed else ""
    done = f"{result.count(State.EXECUTED)} executed, {result.count(State.HIT)} fresh{trouble}"
    at = f", snapshot {snapshot}" if snapshot is not None else ""
    click.echo(f"{done}  (run {result.run_id[:8]}{at}, environment {result.environment})")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
