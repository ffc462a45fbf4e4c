"""`ropewalk env`: list, show, compare and drop environments."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from ropewalk.cli.output import count, emit_json, emit_table, short_ids
from ropewalk.cli.session import Session, open_session
from ropewalk.pipeline import (
    Difference,
    HistoryLine,
    compare_environments,
    environment_history,
    environment_lines,
    environment_pointers,
    remove_environment,
)

SHOWN_MOVES = 4


@click.group("env")
def command() -> None:
    """List, show, compare and drop environments: named sets of what is current."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_command(*, as_json: bool) -> None:
    """List every environment that was used or is declared."""
    with open_session() as session:
        lines = environment_lines(session.workspace)
        current = session.workspace.settings.environment
    if as_json:
        emit_json({"current": current, "environments": [asdict(line) for line in lines]})
        return
    header = ("", "environment", "base", "version", "nodes", "protected", "last moved", "expires")
    rows = [
        (
            "*" if line.name == current else "",
            line.name,
            line.base,
            line.version,
            line.pointers,
            "yes" if line.is_protected else "",
            _time(line.used_at),
            _time(line.expires_at),
        )
        for line in lines
    ]
    emit_table(header, rows)


@command.command("show")
@click.argument("name", required=False)
@click.option("--history", "is_history", is_flag=True, help="Show what moved it, newest first.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, help="How many changes of the history to show."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show_command(name: str | None, *, is_history: bool, limit: int, as_json: bool) -> None:
    """Show what environment NAME, or the current one, has of each node, and what brought it there."""
    with open_session() as session:
        name = name or session.workspace.settings.environment
        if is_history:
            _show_history(name, environment_history(session.workspace, name, limit), as_json=as_json)
        else:
            _show_nodes(session, name, as_json=as_json)


@command.command("diff")
@click.argument("one", metavar="A")
@click.argument("other", metavar="[B]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def diff_command(one: str, other: str | None, *, as_json: bool) -> None:
    """Show how environment B (the current one, if left out) differs from A, node by node, and why."""
    with open_session() as session:
        other = other or session.workspace.settings.environment
        found = compare_environments(session.workspace, one, other)
    if as_json:
        nodes = [{**asdict(item), "reasons": [str(reason) for reason in item.reasons]} for item in found]
        emit_json({"one": one, "other": other, "differ": len(found), "nodes": nodes})
        return
    click.echo(
        f"{count(len(found), 'node')} {'differs' if len(found) == 1 else 'differ'} between {one} and {other}"
    )
    for item in found:
        _print_difference(item)


@command.command("drop")
@click.argument("name")
@click.option(
    "--yes", "is_sure", is_flag=True, help="Also when it has content that no other environment has."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def drop_command(name: str, *, is_sure: bool, as_json: bool) -> None:
    """Drop environment NAME: its pointers, its deployments and its history. What was executed stays until `gc`."""
    from ropewalk.devops.monitoring import forget_windows
    from ropewalk.devops.serving import forget_environment

    with open_session(environment=name) as session:
        remove_environment(session.workspace, name, is_sure=is_sure)
        forget_environment(session.workspace)
        forget_windows(session.workspace)
    if as_json:
        emit_json({"dropped": name})
    else:
        click.echo(f"dropped environment {name}")


def _show_nodes(session: Session, name: str, *, as_json: bool) -> None:
    lines = environment_pointers(session.workspace, name)
    if as_json:
        emit_json({"environment": name, "nodes": [asdict(line) for line in lines]})
        return
    click.echo(f"environment {name}: {count(len(lines), 'node')}")
    rows = [
        (line.node, short_ids(line.reference), _shorten(line.cause), _time(line.moved_at)) for line in lines
    ]
    emit_table(("node", "has", "by", "since"), rows)


def _show_history(name: str, lines: list[HistoryLine], *, as_json: bool) -> None:
    if as_json:
        changes = [
            {**asdict(line), "moves": [{"node": n, "before": b, "after": a} for n, b, a in line.moves]}
            for line in lines
        ]
        emit_json({"environment": name, "changes": changes})
        return
    rows = [(line.version, _time(line.changed_at), _shorten(line.cause), _moves(line)) for line in lines]
    emit_table(("version", "when", "by", "moved"), rows)


def _print_difference(item: Difference) -> None:
    click.echo(short_ids(f"  {item.node}: {item.one or 'nothing'} -> {item.other or 'nothing'}"))
    for reason in item.reasons:
        click.echo(f"      {reason}")


def _moves(line: HistoryLine) -> str:
    nodes = [node for node, _, _ in line.moves]
    more = f" and {len(nodes) - SHOWN_MOVES} more" if len(nodes) > SHOWN_MOVES else ""
    return ", ".join(nodes[:SHOWN_MOVES]) + more


def _shorten(cause: str | None) -> str:
    # Ids of runs are long, and the first digits tell them apart; --json has them whole.
    kind, _, name = (cause or "").partition(":")
    return f"{kind} {name[:12]}".strip() if kind in {"run", "release"} else (cause or "")


def _time(moment: int | None) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%d %H:%M") if moment else ""
