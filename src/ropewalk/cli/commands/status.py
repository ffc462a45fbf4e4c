"""`ropewalk status`: what is recorded for every node."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ropewalk.cli.output import emit_json, emit_table
from ropewalk.cli.session import Session, open_session
from ropewalk.dataops.lake import open_lake
from ropewalk.pipeline import Record, current_records
from ropewalk.project import git_state
from ropewalk.store.pipeline import list_pipeline_runs


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, as_json: bool) -> None:
    """Show what is recorded for every node: what it made, when, and in which run.

    Nothing outside is asked; `ropewalk plan` says what is stale.
    """
    with open_session() as session:
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
        "snapshot": open_lake(workspace).snapshot(),
        "last_run": {"run_id": runs[0].id, "state": runs[0].state} if runs else None,
        "nodes": [_node(node_id, records.get(node_id)) for node_id in session.graph().nodes],
    }


def _node(node_id: str, record: Record | None) -> dict[str, object]:
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


def _print(document: dict[str, object]) -> None:
    where = f"{document['branch'] or 'no branch'} {str(document['commit'] or 'no commit')[:8]}"
    click.echo(f"{document['project']}  environment {document['environment']}  {where}")
    nodes = document["nodes"]
    assert isinstance(nodes, list)
    rows = [
        (
            node["id"],
            node.get("reference", "never executed"),
            _facts(node.get("summary")),
            node.get("finished_at"),
        )
        for node in nodes
    ]
    emit_table(("node", "made", "summary", "finished"), rows)


def _facts(summary: object) -> str:
    """Return the plain numbers and words of a summary on one line."""
    if not isinstance(summary, dict):
        return ""
    shown = {
        **summary,
        **(metrics if isinstance(metrics := summary.get("metrics"), dict) else {}),
    }
    parts = [f"{name} {_short(value)}" for name, value in shown.items() if isinstance(value, int | float)]
    return ", ".join(parts[:4])


def _short(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
