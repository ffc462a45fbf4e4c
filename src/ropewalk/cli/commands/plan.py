"""`ropewalk plan`: what a run would do, and why."""

from __future__ import annotations

import click

from ropewalk.cli.output import emit_json
from ropewalk.cli.session import open_session
from ropewalk.pipeline import Plan, PlannedNode, Status, current_records, make_plan

MARKS = {Status.FRESH: "=", Status.RESTORED: "<", Status.STALE: "+", Status.WAITS: "?"}


@click.command("plan")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="List the fresh nodes too.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan, all nodes of it, as one JSON object.")
def command(names: tuple[str, ...], *, everything: bool, as_json: bool) -> None:
    """Show what `ropewalk run` would do with the whole project, or with NAMES and what they need.

    Nothing is executed and nothing is written. `+` would run, `?` runs if an input really changes, `=` is fresh.
    """
    with open_session() as session:
        graph = session.graph()
        # No names mean the whole project, and not nothing.
        selected = [graph.find(name).id for name in names] or None
        records = current_records(session.workspace)
        plan = make_plan(graph, session.kinds, session.workspace, records, selected)
    if as_json:
        emit_json(plan_document(plan))
    else:
        _print(plan, everything=everything, asked=set(selected or ()))


def plan_document(plan: Plan) -> dict[str, object]:
    """Return the plan as plain JSON values."""
    return {
        "environment": plan.environment,
        "stale": plan.count(Status.STALE),
        "waits": plan.count(Status.WAITS),
        "fresh": plan.count(Status.FRESH),
        "nodes": [node_document(node) for node in plan.nodes],
    }


def node_document(node: PlannedNode) -> dict[str, object]:
    """Return one planned node as plain JSON values."""
    return {
        "id": node.id,
        "status": node.status.value,
        "reasons": [
            {"what": r.what, "change": r.change, "place": str(r.place) if r.place else None}
            for r in node.reasons
        ],
        "warning": node.warning,
    }


def explain(node: PlannedNode) -> list[str]:
    """Return the node's reasons and warning, a line each."""
    return [str(reason) for reason in node.reasons] + ([f"! {node.warning}"] if node.warning else [])


def _print(plan: Plan, *, everything: bool, asked: set[str]) -> None:
    # In a large project almost everything is fresh; what is not must not drown in it.
    shown = [
        node
        for node in plan.nodes
        if everything or node.status is not Status.FRESH or node.warning or node.id in asked
    ]
    for node in shown:
        click.echo(f"{MARKS[node.status]} {node.id}")
        for line in explain(node):
            click.echo(f"    {line}")
    counts = f"{plan.count(Status.STALE)} to run, {plan.count(Status.WAITS)} waiting on them"
    more = " (--all lists them)" if len(shown) < len(plan.nodes) else ""
    click.echo(f"{counts}, {plan.count(Status.FRESH)} fresh{more}  (environment {plan.environment})")
