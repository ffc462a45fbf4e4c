"""`ropewalk logs`: what a step printed."""

from __future__ import annotations

from collections.abc import Callable

import click

from ropewalk.cli.errors import WrongUsage
from ropewalk.cli.output import emit_json
from ropewalk.cli.session import open_session
from ropewalk.errors import nearest
from ropewalk.pipeline import (
    LogFile,
    LogNotFound,
    Workspace,
    find_past_run,
    find_working_run,
    last_lines,
    list_logs,
    read_on,
    run_state,
)
from ropewalk.store.run_history import PastRun, list_past_nodes

SHORT = 8


@click.command("logs")
@click.argument("run", required=False)
@click.argument("step", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on printing until the step has ended.")
@click.option(
    "--attempt", type=click.IntRange(1), help="Of a step that was tried several times (default: the last)."
)
@click.option("-n", "--lines", type=click.IntRange(1), help="Only so many lines of the end.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    run: str | None, step: str | None, *, follow: bool, attempt: int | None, lines: int | None, as_json: bool
) -> None:
    """Print what STEP of RUN printed.

    Without STEP it is the step that failed, or else the one that began last; without RUN it is the newest run that executed something. RUN
    may be the beginning of an id, or `last`.
    """
    if follow and as_json:
        raise WrongUsage("--follow and --json exclude each other", hint="one JSON object has an end")
    with open_session() as session:
        workspace = session.workspace
        found = find_past_run(workspace.database, run) if run else find_working_run(workspace.database)
        log = _choose(workspace, found, step, attempt)
        shown = last_lines(log.path, lines or 10**9)
        if as_json:
            emit_json({"run_id": found.id, "step": log.step, "attempt": log.attempt, "lines": shown})
            return
        _tell(found, log)
        for line in shown:
            click.echo(line)
        if follow:
            for text in read_on(log.path, _end_of(workspace, found, log)):
                click.echo(text, nl=False)


def _choose(workspace: Workspace, run: PastRun, step: str | None, attempt: int | None) -> LogFile:
    """Return the log that is meant.

    Raises:
        LogNotFound: the run has none of it, or has it no more.
    """
    logs = list_logs(workspace, run.id)
    name = (step or "").removeprefix("step:") or _interesting(workspace, run, logs)
    of_step = [log for log in logs if log.step == name]
    wanted = [log for log in of_step if attempt in (None, log.attempt)]
    if not wanted:
        raise _not_found(workspace, run, name, logs, of_step)
    return wanted[-1]


def _interesting(workspace: Workspace, run: PastRun, logs: list[LogFile]) -> str | None:
    """Return the step that a person most likely asks about: the first that failed, else the one that began last."""
    failed = [node.node for node in list_past_nodes(workspace.database, run.id) if node.state == "failed"]
    steps = [node.removeprefix("step:") for node in failed if node.startswith("step:")]
    if steps:
        return steps[0]
    return max(logs, key=lambda log: log.path.stat().st_mtime_ns).step if logs else None


def _not_found(
    workspace: Workspace, run: PastRun, name: str | None, logs: list[LogFile], of_step: list[LogFile]
) -> LogNotFound:
    short = run.id[:SHORT]
    if of_step:
        return LogNotFound(
            f"step {name!r} of run {short} was tried {of_step[-1].attempt} times, and not that often"
        )
    known = [log.step for log in logs]
    if logs:
        return LogNotFound(
            f"run {short} has no log of a step {name!r}",
            nearest=nearest(str(name), known),
            hint=f"it has those of {', '.join(dict.fromkeys(known))}",
        )
    if run_state(workspace.database, run) == "running":
        return LogNotFound(f"no step of run {short} has begun yet", hint="try again in a moment")
    did = {
        node.node
        for node in list_past_nodes(workspace.database, run.id)
        if node.state in ("executed", "failed")
    }
    # A step that was executed has printed to a log, if only nothing; only `gc` takes it away.
    if any(node.startswith("step:") for node in did):
        return LogNotFound(
            f"the logs of run {short} are no longer there: `ropewalk gc` has removed them",
            hint="`ropewalk runs` lists newer runs; running the step again writes a new log",
        )
    return LogNotFound(
        f"run {short} executed no step, and only steps have logs",
        hint=f"`ropewalk runs show {short}` says what it did",
    )


def _end_of(workspace: Workspace, run: PastRun, log: LogFile) -> Callable[[], bool]:
    """Return the question whether the attempt has ended: its step has an outcome, or its run is over."""

    def has_ended() -> bool:
        outcomes = {node.node for node in list_past_nodes(workspace.database, run.id)}
        later = any(
            other.step == log.step and other.attempt > log.attempt for other in list_logs(workspace, run.id)
        )
        now = find_past_run(workspace.database, run.id)
        return f"step:{log.step}" in outcomes or later or run_state(workspace.database, now) != "running"

    return has_ended


def _tell(run: PastRun, log: LogFile) -> None:
    again = f", attempt {log.attempt}" if log.attempt > 1 else ""
    click.echo(f"step {log.step} of run {run.id[:SHORT]}{again}", err=True)
