"""`ropewalk why`: the reasons for one node, and for what it waits for."""

from __future__ import annotations

import click

from ropewalk.cli.commands.plan import explain, node_document, plan_now
from ropewalk.cli.output import emit_json
from ropewalk.cli.session import environment_option, open_session, parameter_option
from ropewalk.pipeline import Plan, PlannedNode, Status

CLAIMS = {
    Status.FRESH: "is fresh",
    Status.RESTORED: "is restored from an earlier execution",
    Status.STALE: "is stale",
    Status.WAITS: "runs if an input changes",
}


@click.command("why")
@click.argument("name")
@parameter_option
@environment_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(name: str, *, parameters: dict[str, str], environment: str | None, as_json: bool) -> None:
    """Say why NAME would run, or that it is fresh; with the causes among what it needs."""
    with open_session(parameters=parameters, environment=environment) as session:
        # Planned with all it needs: only then is it known which of its inputs would come out anew.
        graph = session.graph()
        node = graph.find(name)
        plan = plan_now(session, [node.id])
    found = {planned.id: planned for planned in plan.nodes}
    causes = _causes(plan, node.id)
    if as_json:
        emit_json({**node_document(found[node.id]), "causes": [node_document(cause) for cause in causes]})
        return
    _print(found[node.id])
    for cause in causes:
        _print(cause)


def _causes(plan: Plan, node_id: str) -> list[PlannedNode]:
    """Return the other stale nodes that `node_id` needs, directly or through others."""
    return [node for node in plan.nodes if node.id != node_id and node.status is Status.STALE]


def _print(node: PlannedNode) -> None:
    click.echo(f"{node.id} {CLAIMS[node.status]}")
    for line in explain(node):
        click.echo(f"    {line}")
