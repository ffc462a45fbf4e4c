"""`ropewalk plan`: what a run would do, and why."""

from __future__ import annotations

from pathlib import Path

import click

from ropewalk.cli.output import emit_json
from ropewalk.cli.session import (
    Session,
    environment_option,
    open_session,
    parameter_option,
    take_environment,
)
from ropewalk.pipeline import (
    Plan,
    PlannedNode,
    PlanOrigin,
    Status,
    current_records,
    make_plan,
    plan_file,
    write_plan,
)
from ropewalk.project import git_state

MARKS = {Status.FRESH: "=", Status.RESTORED: "<", Status.STALE: "+", Status.WAITS: "?"}
MINUTE = 60


@click.command("plan")
@click.argument("names", nargs=-1, metavar="[ENV] [NAMES]...")
@click.option("--all", "everything", is_flag=True, help="List the fresh nodes too.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plan to this file; `ropewalk run FILE` carries out just that.",
)
@parameter_option
@environment_option
@click.option("--json", "as_json", is_flag=True, help="Print the plan, all nodes of it, as one JSON object.")
def command(
    names: tuple[str, ...],
    *,
    everything: bool,
    output: Path | None,
    parameters: dict[str, str],
    environment: str | None,
    as_json: bool,
) -> None:
    """Show what `ropewalk run` would do with the whole project, or with NAMES and what they need.

    Nothing is executed. `+` would run, `?` runs if an input really changes, `<` is restored from an earlier
    execution, `=` is fresh. With ENV it is that environment which is looked at.
    """
    with open_session(parameters=parameters, environment=environment) as session:
        names = take_environment(session, names)
        graph = session.graph()
        # No names mean the whole project, and not nothing.
        selected = [graph.find(name).id for name in names] or None
        plan = plan_now(session, selected)
        if output is not None:
            write_plan(plan_file(plan, _origin(session)), output)
    if as_json:
        emit_json(plan_document(plan))
    else:
        _print(plan, everything=everything, asked=set(selected or ()))


def plan_now(session: Session, selected: list[str] | None) -> Plan:
    """Return the plan for the selected nodes as things stand now."""
    records = current_records(session.workspace)
    return make_plan(session.graph(), session.kinds, session.workspace, records, selected)


def plan_document(plan: Plan) -> dict[str, object]:
    """Return the plan as plain JSON values."""
    return {
        "environment": plan.environment,
        "version": plan.version,
        "stale": plan.count(Status.STALE),
        "waits": plan.count(Status.WAITS),
        "restored": plan.count(Status.RESTORED),
        "fresh": plan.count(Status.FRESH),
        "seconds": plan.seconds(),
        "nodes": [node_document(node) for node in plan.nodes],
    }


def node_document(node: PlannedNode) -> dict[str, object]:
    """Return one planned node as plain JSON values."""
    return {
        "id": node.id,
        "status": node.status.value,
        "key": node.key,
        "reasons": [
            {"what": r.what, "change": r.change, "place": str(r.place) if r.place else None}
            for r in node.reasons
        ],
        "seconds": node.seconds,
        "warning": node.warning,
    }


def explain(node: PlannedNode) -> list[str]:
    """Return the node's reasons and warning, a line each."""
    return [str(reason) for reason in node.reasons] + ([f"! {node.warning}"] if node.warning else [])


def _origin(session: Session) -> PlanOrigin:
    project, git = session.workspace.project, git_state(session.workspace.root)
    return PlanOrigin(project.name, git.commit, git.is_dirty, project.parameters)


def _print(plan: Plan, *, everything: bool, asked: set[str]) -> None:
    # In a large project almost everything is fresh; what is not must not drown in it.
    shown = [
        node
        for node in plan.nodes
        if everything or node.status is not Status.FRESH or node.warning or node.id in asked
    ]
    for node in shown:
        cost = f"  ({_duration(node.seconds)} the last time)" if node.seconds is not None else ""
        click.echo(f"{MARKS[node.status]} {node.id}{cost}")
        for line in explain(node):
            click.echo(f"    {line}")
    click.echo(_summary(plan, is_whole=len(shown) == len(plan.nodes)))


def _summary(plan: Plan, *, is_whole: bool) -> str:
    counts = f"{plan.count(Status.STALE)} to run, {plan.count(Status.WAITS)} waiting on them"
    restored = plan.count(Status.RESTORED)
    counts += f", {restored} restored" if restored else ""
    more = "" if is_whole else " (--all lists them)"
    about = f", about {_duration(plan.seconds())}" if plan.seconds() else ""
    return f"{counts}, {plan.count(Status.FRESH)} fresh{more}{about}  (environment {plan.environment})"


def _duration(seconds: float) -> str:
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    return f"{int(seconds // MINUTE)} min {int(seconds % MINUTE)} s"
