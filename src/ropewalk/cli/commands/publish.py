"""`ropewalk publish`: make sure that targets have what an environment publishes."""

from __future__ import annotations

from dataclasses import asdict

import click

from ropewalk.cli.output import emit_json, emit_table
from ropewalk.cli.session import Session, environment_option, open_session
from ropewalk.dataops.publish import Published, PublishSpec, publish_again, read_standings
from ropewalk.pipeline import Node


@click.command("publish")
@click.argument("names", nargs=-1)
@click.option("--check", is_flag=True, help="Ask the targets how they stand; change nothing.")
@click.option(
    "--rebuild",
    is_flag=True,
    help="Make targets anew that drifted or were there before; what they hold is lost.",
)
@environment_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    names: tuple[str, ...], *, check: bool, rebuild: bool, environment: str | None, as_json: bool
) -> int:
    """Make sure that the targets of NAMES, or of all publications, have what the environment publishes.

    `ropewalk run` and `ropewalk apply` publish by themselves. This is for targets that were restored, emptied or
    changed by others since. With --check the exit code is 1 when a target does not have it.
    """
    if check and rebuild:
        message = "--check changes nothing, and --rebuild does"
        raise click.UsageError(message)
    with open_session(environment=environment) as session:
        nodes = _find(session, names)
        if check:
            return _check(session, nodes, as_json=as_json)
        _publish(session, nodes, rebuild=rebuild, as_json=as_json, is_asked=bool(names))
    return 0


def _find(session: Session, names: tuple[str, ...]) -> list[Node]:
    graph = session.graph()
    if names:
        return [graph.find(name if name.startswith("publish:") else f"publish:{name}") for name in names]
    return [node for node in graph.nodes.values() if node.kind == "publish"]


def _check(session: Session, nodes: list[Node], *, as_json: bool) -> int:
    found = list(read_standings(session.workspace, nodes))
    if as_json:
        document = [asdict(standing) for standing in found]
        emit_json({"environment": session.workspace.settings.environment, "publications": document})
    else:
        rows = [(item.name, item.table, item.target, item.rows, item.state) for item in found]
        emit_table(["publication", "table", "target", "rows", "state"], rows)
    return int(any(item.state in {"behind", "missing", "drifted"} for item in found))


def _publish(session: Session, nodes: list[Node], *, rebuild: bool, as_json: bool, is_asked: bool) -> None:
    environment, done = session.workspace.settings.environment, list[dict[str, object]]()
    for node in nodes:
        spec = node.spec
        assert isinstance(spec, PublishSpec)
        # Without names it is what this environment publishes; who names one is told why it is not.
        if not is_asked and not spec.entry.acts_in(environment):
            continue
        done.append(_told(spec.name, publish_again(session.workspace, node, rebuilds=rebuild)))
    if as_json:
        emit_json({"environment": environment, "publications": done})
    else:
        emit_table(["publication", "target", "rows", "state"], [tuple(item.values()) for item in done])


def _told(name: str, published: Published | None) -> dict[str, object]:
    if published is None:
        return {"name": name, "target": None, "rows": None, "state": "not made"}
    state = "written" if published.is_new else "current"
    return {"name": name, "target": published.target, "rows": published.rows, "state": state}
