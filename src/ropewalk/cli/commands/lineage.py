"""`ropewalk lineage`: the graph around one node."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import click

from ropewalk.cli.output import emit_json, plain
from ropewalk.cli.session import Session, open_session
from ropewalk.errors import nearest
from ropewalk.lineage import Edge, LineageGraph, kind_of, recorded_graph
from ropewalk.pipeline import NodeNotFound

SHOWN = 20


@click.command("lineage")
@click.argument("name")
@click.option("--up", is_flag=True, help="Only what it was made from.")
@click.option("--down", is_flag=True, help="Only what was made from it.")
@click.option("--depth", type=click.IntRange(1), help="At most so many edges away.")
@click.option("--json", "as_json", is_flag=True, help="Print nodes and edges as one JSON object.")
def command(name: str, *, up: bool, down: bool, depth: int | None, as_json: bool) -> None:
    """Show what NAME was made from and what was made from it, back to every source file."""
    with open_session() as session:
        graph = full_graph(session)
        focus = find_id(session, graph, name)
    # Without --up or --down both ways are shown.
    far = (depth if up or not down else 0, depth if down or not up else 0)
    found = graph.around(focus, *far)
    if as_json:
        emit_json(lineage_document(focus, found))
    else:
        _print(focus, found)


def full_graph(session: Session) -> LineageGraph:
    """Return the declared edges together with everything recorded of the nodes that are declared."""
    graph = session.graph()
    declared = [
        Edge(upstream, node_id) for node_id, inputs in graph.inputs.items() for upstream in inputs.values()
    ]
    # Between declared nodes the files are the truth; records of edges that were removed since do not count.
    recorded = [
        edge
        for edge in recorded_graph(session.workspace.database).edges
        if edge.kind != "input" and {edge.upstream, edge.downstream} & graph.nodes.keys()
    ]
    return LineageGraph.of([*declared, *recorded], graph.nodes)


def find_id(session: Session, graph: LineageGraph, name: str) -> str:
    """Return the id that `name` means: of a declared node, or of anything recorded.

    Raises:
        NodeNotFound: neither has it.
    """
    if name in graph.ids:
        return name
    try:
        return session.graph().find(name).id
    except NodeNotFound as error:
        raise NodeNotFound(
            error.message,
            nearest=nearest(name, graph.ids) or error.nearest,
            hint="`ropewalk plan --all` lists the nodes; files and versions are asked for by their full id",
        ) from None


def lineage_document(focus: str, graph: LineageGraph) -> dict[str, object]:
    """Return nodes and edges as plain JSON values."""
    return {
        "focus": focus,
        "nodes": [{"id": node_id, "kind": kind_of(node_id)} for node_id in graph.ids],
        "edges": [
            {"upstream": edge.upstream, "downstream": edge.downstream, "kind": edge.kind}
            for edge in graph.edges
        ],
    }


def _print(focus: str, graph: LineageGraph) -> None:
    click.echo(focus)
    for title, found in (("made from", graph.up(focus)), ("made into", graph.down(focus))):
        ids = sorted(found - {focus})
        if ids:
            click.echo(f"  {title}:")
        for line in folded(ids):
            click.echo(f"    {line}")
    if graph.ids == (focus,):
        click.echo("  nothing is joined to it")


def folded(ids: list[str]) -> Iterator[str]:
    """Yield sorted `ids`, of each kind the first few and how many more there are."""
    for kind, members in itertools.groupby(ids, kind_of):
        found = [plain(member) for member in members]
        yield from found[:SHOWN]
        # A source may have thousands of files; nobody reads them on a terminal.
        if len(found) > SHOWN:
            yield f"{kind}: ... {len(found) - SHOWN:,} more (--json lists all)"
