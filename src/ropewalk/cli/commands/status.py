"""`ropewalk status`: what is recorded for every node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import click

from ropewalk.cli.output import emit_json, emit_table, short_ids, shorten
from ropewalk.cli.session import Session, environment_option, open_session
from ropewalk.dataops.lake import environment_tables
from ropewalk.pipeline import Record, current_records
from ropewalk.project import git_state
from ropewalk.store.pipeline import list_pipeline_runs

HEADER = ("node", "made", "finished (UTC)", "what is known of it")
LINE = 120
LEAST_ROOM = 20


@click.command("status")
@environment_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, environment: str | None, as_json: bool) -> None:
    """Show what is recorded for every node: what it made, when, and in which run.

    Nothing outside is asked; `ropewalk plan` says what is stale.
    """
    with open_session(environment=environment) as session:
        document = _document(session)
    if as_json:
        emit_json(document)
    else:
        _print(document)


def _document(session: Session) -> dict[str, object]:
    workspace = session.workspace
    records = current_records(workspace)
    runs = list_pipeline_runs(workspace.database, limit=1)
    git = git_state(workspace.root)
    return {
        "project": workspace.project.name,
        "environment": workspace.settings.environment,
        "commit": git.commit,
        "branch": git.branch,
        "snapshot": max(environment_tables(workspace).values(), default=0),
        "last_run": {"run_id": runs[0].id, "state": runs[0].state} if runs else None,
        "nodes": [_node(node_id, records.get(node_id)) for node_id in session.graph().nodes],
    }


def _node(node_id: str, record: Record | None) -> dict[str, object]:
    # The same key in both cases, so that a program need not guess from what is missing.
    if record is None:
        return {"id": node_id, "recorded": False}
    return {
        "id": node_id,
        "recorded": True,
        "reference": record.output.reference,
        "digest": record.output.digest,
        "summary": record.output.summary,
        "run_id": record.run_id,
        "finished_at": datetime.fromtimestamp(record.finished_at / 1000, UTC).isoformat(timespec="seconds"),
    }


def _print(document: Mapping[str, object]) -> None:
    click.echo(headline(document))
    nodes = document["nodes"]
    assert isinstance(nodes, list)
    rows = [(node["id"], _made(node), _finished(node), facts(node.get("summary"))) for node in nodes]
    # What is known of a node comes last and is cut, so that a line never wraps.
    taken = sum(max(map(len, column)) + 2 for column in list(zip(HEADER, *rows, strict=True))[:3])
    room = max(LEAST_ROOM, LINE - taken)
    emit_table(HEADER, [(*row[:3], shorten(row[3], room)) for row in rows])


def headline(document: Mapping[str, object]) -> str:
    """Return the line that says which project, environment, commit, snapshot and run are spoken of."""
    branch, commit, last = document["branch"], document["commit"], document["last_run"]
    where = " ".join(str(part) for part in (branch, str(commit)[:8] if commit else None) if part)
    parts = [
        str(document["project"]),
        f"environment {document['environment']}",
        where if commit else "nothing committed yet" if branch else "not in Git",
        f"snapshot {document['snapshot']}",
    ]
    if isinstance(last, dict):
        parts.append(f"last run {str(last['run_id'])[:8]} {last['state']}")
    return ", ".join(parts)


def _made(node: Mapping[str, object]) -> str:
    return short_ids(str(node.get("reference", "never executed")))


def _finished(node: Mapping[str, object]) -> str:
    return str(node.get("finished_at", ""))[:16].replace("T", " ")


def facts(summary: object) -> str:
    """Return the plain numbers of a node's summary on one line, those of its metrics and contract too."""
    if not isinstance(summary, dict):
        return ""
    metrics = summary.get("metrics")
    shown = {**summary, **(metrics if isinstance(metrics, dict) else {})}
    numbers = {name: value for name, value in shown.items() if _is_number(value)}
    # The first tells most; of the others nobody needs to read that they are nothing.
    told = [name for position, name in enumerate(numbers) if numbers[name] or position == 0]
    return ", ".join([*(f"{name} {_short(numbers[name])}" for name in told), *_promises(summary)])


def _promises(summary: Mapping[str, object]) -> Iterator[str]:
    contract, intervals = summary.get("contract"), summary.get("intervals")
    if isinstance(contract, dict):
        yield f"contract {contract['passed']} of {contract['checks']} hold"
    if isinstance(intervals, dict) and intervals.get("missing"):
        yield f"{intervals['missing']} of {intervals['total']} intervals missing"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:.4g}"
