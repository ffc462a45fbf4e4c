"""`ropewalk run`: bring nodes up to date."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import click

from ropewalk.cli.commands.plan import plan_now
from ropewalk.cli.errors import exit_code, report_error
from ropewalk.cli.output import emit_json, json_text
from ropewalk.cli.progress import watch_run
from ropewalk.cli.session import (
    Session,
    environment_option,
    open_session,
    parameter_option,
    take_environment,
)
from ropewalk.cli.sweep import read_axes, run_sweep
from ropewalk.glance import is_noted, look
from ropewalk.pipeline import (
    NodeResult,
    PlanFile,
    RunOptions,
    RunResult,
    State,
    execute,
    read_plan,
    require_same,
)


@click.command("run")
@click.argument("names", nargs=-1, metavar="[PLAN.json | NAMES...]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
@click.option("--parallel", type=click.IntRange(1, 64), help="How many nodes may run at once.")
@click.option(
    "--from", "start", metavar="TIME", help="Compute partitioned tables and steps from this time on only."
)
@click.option(
    "--to", "end", metavar="TIME", help="Compute partitioned tables and steps before this time only."
)
@click.option("--cause", default="person", hidden=True, help="What asked for the run.")
@parameter_option
@click.option(
    "--sweep",
    "axes",
    multiple=True,
    metavar="STEP.NAME=A,B,...",
    callback=read_axes,
    help="Run once for each of these values, and each combination when given again; no pointer moves.",
)
@environment_option
def command(
    names: tuple[str, ...],
    *,
    as_json: bool,
    start: str | None,
    end: str | None,
    **asked: Any,
) -> int:
    """Bring the whole project up to date, or NAMES and what they need, or carry out a plan.

    What is fresh by content is skipped, and what was executed before under the same key is restored. What another
    run is executing at the moment is waited for. A failure blocks only what needs the node that failed.

    With PLAN.json, which `ropewalk plan -o` wrote, just that plan is carried out, or nothing when the environment,
    the project or the outside moved since.
    """
    # A service manager's stop is treated as Ctrl-C: steps are ended and the run is marked as cancelled.
    signal.signal(signal.SIGTERM, _interrupt)
    plan = _plan_of(names)
    cause, axes = asked.pop("cause"), asked.pop("axes")
    if plan is not None:
        _require_alone(names[0], axes=axes, start=start, end=end, **asked)
        asked |= {"environment": plan.environment, "parameters": plan.parameters}
    # Before anything is read: what changes from now on makes the note useless, as it should.
    leave_note = look(sys.argv[1:]) if is_noted(sys.argv[1:]) else None
    with open_session(**asked) as session:
        session.workspace.interval = _interval(start, end)
        if axes:
            return run_sweep(session, names, axes, as_json=as_json)
        result = _carry_out(session, plan) if plan else _run(session, names, RunOptions(cause=cause))
        turn = session.workspace.database.undisturbed()
    snapshot = _snapshot(result)
    if leave_note and turn and result.is_settled:
        leave_note(_unchanged(result, snapshot, as_json=as_json), turn)
    if as_json:
        emit_json(run_document(result, snapshot))
    else:
        _print(result, snapshot)
    return _exit_code(result)


def _exit_code(result: RunResult) -> int:
    # Several nodes may have failed; the gravest exit code wins.
    return max((exit_code(type(node.error)) for node in result.nodes if node.error), default=0)


def run_document(result: RunResult, snapshot: int | None) -> dict[str, object]:
    """Return what a run did as plain JSON values."""
    return {
        "run_id": result.run_id,
        "unchanged_since": None,
        "environment": result.environment,
        "executed": result.count(State.EXECUTED),
        "restored": result.count(State.RESTORED),
        "hits": result.count(State.HIT),
        "failed": result.count(State.FAILED),
        "blocked": result.count(State.BLOCKED),
        "snapshot": snapshot,
        "nodes": [_node_document(node) for node in result.nodes],
    }


def _plan_of(names: tuple[str, ...]) -> PlanFile | None:
    # No node's name ends like a file's.
    return read_plan(Path(names[0])) if len(names) == 1 and names[0].endswith(".json") else None


def _require_alone(plan: str, **asked: object) -> None:
    # What was reviewed is all that is done; an option that does not count must not look as if it did.
    options = {"axes": "--sweep", "start": "--from", "end": "--to", "environment": "-e", "parameters": "-p"}
    for name, option in options.items():
        if asked.get(name):
            message = f"{option} does not go with {plan}: a plan says itself what is run, and where"
            raise click.UsageError(message)


def _carry_out(session: Session, plan: PlanFile) -> RunResult:
    known = session.graph().nodes
    selected = [node.id for node in plan.nodes if node.id in known]
    # Made again before anything is executed: a plan that moved is refused as a whole.
    require_same(plan, plan_now(session, selected))
    return _run(session, tuple(selected), RunOptions(cause=f"plan:{plan.id}", expected=plan.expected))


def _run(session: Session, names: tuple[str, ...], options: RunOptions) -> RunResult:
    names = take_environment(session, names)
    graph = session.graph()
    selected = [graph.find(name).id for name in names] or None
    total = len(graph.ancestors(selected)) if selected else len(graph.nodes)
    with watch_run(total) as observer:
        return execute(graph, session.kinds, session.workspace, observer, selected, options)


def _interval(start: str | None, end: str | None) -> tuple[str, str] | None:
    if (start is None) != (end is None):
        missing = "--to" if end is None else "--from"
        message = f"an interval has a beginning and an end: {missing} is missing"
        raise click.UsageError(message)
    if start is None or end is None:
        return None
    # Only those who give an interval pay for what tables need.
    from ropewalk.dataops.transform import read_span

    # A wrong time is told of before anything is executed.
    read_span((start, end))
    return start, end


def _snapshot(result: RunResult) -> int | None:
    """Return the newest snapshot of the lake that a node of the run is at."""
    places = (node.output.reference.partition(":") for node in result.nodes if node.output)
    return max((int(number) for kind, _, number in places if kind == "snapshot"), default=None)


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
    restored = f"{result.count(State.RESTORED)} restored, " if result.count(State.RESTORED) else ""
    done = f"{result.count(State.EXECUTED)} executed, {restored}{result.count(State.HIT)} fresh{trouble}"
    click.echo(f"{done}  (run {_where(result, snapshot)})")


def _unchanged(result: RunResult, snapshot: int | None, *, as_json: bool) -> str:
    """Return what the next run says if nothing changed until then."""
    if as_json:
        return json_text({**run_document(result, snapshot), "unchanged_since": result.run_id})
    return f"0 executed, {len(result.nodes)} fresh  (unchanged since run {_where(result, snapshot)})\n"


def _where(result: RunResult, snapshot: int | None) -> str:
    at = f", snapshot {snapshot}" if snapshot is not None else ""
    return f"{result.run_id[:8]}{at}, environment {result.environment}"


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
