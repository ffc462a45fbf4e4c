"""`ropewalk runs`: what was run, what one run did, and ending one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import click

from ropewalk.cli.output import emit_json, emit_table, shorten
from ropewalk.cli.session import open_session
from ropewalk.pipeline import cancel_run, find_past_run, run_state
from ropewalk.store import Database, now_ms
from ropewalk.store.run_history import PastNode, PastRun, list_past_nodes, list_past_runs

HEADER = (
    "run",
    "environment",
    "state",
    "cause",
    "commit",
    "started (UTC)",
    "took",
    "executed",
    "restored",
    "failed",
)
WHY = 90
SHORT = 8


@click.group("runs", invoke_without_command=True)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, newest first."
)
@click.option("-e", "--environment", metavar="ENV", help="Only those of this environment.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(context: click.Context, limit: int, environment: str | None, *, as_json: bool) -> None:
    """List the runs of the project, newest first; or look at one, or end it.

    A run is named by as much of the beginning of its id as no other has, by the id of a tracked run that it made, or
    by `last`.
    """
    if context.invoked_subcommand is not None:
        return
    with open_session() as session:
        database = session.workspace.database
        found = list_past_runs(database, limit, environment=environment or "")
        documents = [run_document(database, run) for run in found]
    if as_json:
        emit_json({"runs": documents})
    elif documents:
        emit_table(HEADER, [_row(document) for document in documents])
    else:
        click.echo(
            "no run yet: `ropewalk run` starts the first" if not environment else "no run in this environment"
        )


@command.command("show")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show_command(run: str, *, as_json: bool) -> None:
    """Show what RUN did with each node: how it ended, how long it took and why.

    Nodes that were fresh are not listed.
    """
    with open_session() as session:
        database = session.workspace.database
        found = find_past_run(database, run)
        document = run_document(database, found)
        nodes = list_past_nodes(database, found.id)
    if as_json:
        emit_json({**document, "nodes": [_node_document(node) for node in nodes]})
    else:
        _print(document, nodes)


@command.command("cancel")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def cancel_command(run: str, *, as_json: bool) -> None:
    """End RUN, if it is at work on this machine, and wait until it has ended.

    Its steps are ended, and what was committed stays.
    """
    with open_session() as session:
        found = find_past_run(session.workspace.database, run)
        state = cancel_run(session.workspace.database, found)
    if as_json:
        emit_json({"id": found.id, "state": state})
        return
    told = {"killed": "its process was gone already", "cancelled": "it was cancelled"}
    how = told.get(state, f"it {state}")
    click.echo(f"run {found.id[:SHORT]} has ended: {how}")


def run_document(database: Database, run: PastRun) -> dict[str, object]:
    """Return a run as plain JSON values; the time that one at work has taken is as of now."""
    ended = run.finished_at if run.finished_at is not None else now_ms()
    return {
        "id": run.id,
        "environment": run.environment,
        "state": run_state(database, run),
        "cause": run.cause,
        "commit": run.git_commit,
        "branch": run.git_branch,
        "dirty": run.is_dirty,
        "started_at": _iso(run.started_at),
        "finished_at": _iso(run.finished_at) if run.finished_at is not None else None,
        "seconds": (ended - run.started_at) / 1000,
        "executed": run.executed,
        "restored": run.restored,
        "failed": run.failed,
        "blocked": run.blocked,
    }


def took(seconds: float) -> str:
    """Return a length of time as people read it: `0.4 s`, `12 m 5 s`, `3 h 2 m`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} m"


def _row(document: Mapping[str, object]) -> tuple[object, ...]:
    commit = str(document["commit"] or "")[:SHORT] + ("*" if document["commit"] and document["dirty"] else "")
    # A run that was killed took nobody knows how long.
    seconds = document["seconds"] if document["state"] != "killed" else None
    return (
        str(document["id"])[:SHORT],
        document["environment"],
        document["state"],
        document["cause"],
        commit,
        str(document["started_at"])[:19].replace("T", " "),
        took(seconds) if isinstance(seconds, float) else "",
        document["executed"],
        document["restored"],
        document["failed"],
    )


def _node_document(node: PastNode) -> dict[str, object]:
    return {
        "id": node.node,
        "state": node.state,
        "seconds": (node.finished_at - node.started_at) / 1000,
        "attempts": node.attempts,
        "reasons": list(node.reasons),
        "error": node.error,
    }


def _print(document: Mapping[str, object], nodes: list[PastNode]) -> None:
    where = [document["environment"], document["state"], f"by {document['cause']}"]
    if document["commit"]:
        where.append(f"at {str(document['commit'])[:SHORT]}{'*' if document['dirty'] else ''}")
    click.echo(f"run {document['id']}  ({', '.join(map(str, where))})")
    started = str(document["started_at"])[:19].replace("T", " ")
    click.echo(f"started {started} (UTC), took {took(float(str(document['seconds'])))}")
    rows = [
        (
            node.node,
            node.state,
            f"{(node.finished_at - node.started_at) / 1000:.1f} s",
            node.attempts,
            _why(node),
        )
        for node in nodes
    ]
    emit_table(("node", "state", "took", "attempts", "why"), rows)
    if not nodes:
        click.echo("every node was fresh" if document["state"] == "succeeded" else "no node has ended")


def _why(node: PastNode) -> str:
    why = node.error.partition("\n")[0] if node.error else "; ".join(node.reasons)
    return shorten(why.replace("\n", " "), WHY)


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
