"""`ropewalk lineage`: the graph around one node."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence

import click

from ropewalk.cli.errors import WrongUsage
from ropewalk.cli.output import emit_json, plain
from ropewalk.cli.session import Session, environment_option, open_session
from ropewalk.dataops.columns import (
    ColumnLineage,
    TableLineage,
    UnknownColumn,
    Use,
    openlineage_events,
    read_table_lineage,
)
from ropewalk.errors import nearest
from ropewalk.lineage import Edge, LineageGraph, kind_of, recorded_graph
from ropewalk.pipeline import NodeNotFound

SHOWN = 20


@click.command("lineage")
@click.argument("name", required=False)
@click.option("--up", is_flag=True, help="Only what it was made from.")
@click.option("--down", is_flag=True, help="Only what was made from it.")
@click.option("--depth", type=click.IntRange(1), help="At most so many edges away.")
@click.option("--columns", is_flag=True, help="Of a table: where each of its columns comes from.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "openlineage"]),
    default="text",
    help="openlineage: one event a line.",
)
@environment_option
@click.option("--json", "as_json", is_flag=True, help="Print nodes and edges as one JSON object.")
def command(
    name: str | None,
    *,
    up: bool,
    down: bool,
    depth: int | None,
    columns: bool,
    form: str,
    environment: str | None,
    as_json: bool,
) -> None:
    """Show what NAME was made from and what was made from it, back to every source file.

    With --columns: of each column of the table NAME the columns whose values it is made of, and those that only
    decide. With --format openlineage: all that is recorded, as events of that standard.
    """
    with open_session(environment=environment) as session:
        if form == "openlineage":
            for event in openlineage_events(session.workspace, session.graph()):
                click.echo(json.dumps(event, ensure_ascii=False))
            return
        if name is None:
            raise WrongUsage(
                "the lineage of what?", hint="name a node; only --format openlineage is about all of them"
            )
        if columns:
            _show_columns(table_lineage(session, name), as_json=as_json)
            return
        graph = full_graph(session)
        focus = find_id(session, graph, name)
    # Without --up or --down both ways are shown.
    far = (depth if up or not down else 0, depth if down or not up else 0)
    found = graph.around(focus, *far)
    if as_json:
        emit_json(lineage_document(focus, found))
    else:
        _print(focus, found)


def table_lineage(session: Session, name: str) -> TableLineage:
    """Return where the columns of the table `name` come from.

    Raises:
        UnknownColumn: nothing of that name is made by SQL.
    """
    found = read_table_lineage(session.workspace, session.graph())
    wanted = name.lower().removeprefix("table:")
    matching = [table for table in found if wanted in (table, table.rpartition(".")[2])]
    if len(matching) != 1:
        raise UnknownColumn(
            f"{name!r} can mean {' or '.join(matching)}" if matching else f"no SQL makes a table {name!r}",
            nearest=None if matching else nearest(wanted, found),
            hint="columns are told of the tables below tables/",
        )
    return found[matching[0]]


def _show_columns(lineage: TableLineage, *, as_json: bool) -> None:
    if as_json:
        emit_json(columns_document(lineage))
        return
    click.echo(click.style(lineage.table, bold=True))
    for column in lineage.columns:
        origins = ", ".join(map(str, column.values)) or _without_origins(column)
        transform = f"  ({column.transform})" if column.values else ""
        click.echo(plain(f"  {column.name} <- {origins}".rstrip()) + transform)
        _show_uses(column.uses)
        if column.unknown:
            click.echo(f"    unknown: {plain(column.unknown)}")
    if lineage.rows:
        click.echo("  which rows there are:")
    _show_uses(sorted(lineage.rows, key=lambda use: use.how))
    if lineage.unknown:
        click.echo(f"  unknown: {plain(lineage.unknown)}")


def _show_uses(found: Sequence[Use]) -> None:
    for how, uses in itertools.groupby(found, key=lambda use: use.how):
        click.echo(f"    {how}: {plain(', '.join(str(use.origin) for use in uses))}")


def _without_origins(column: ColumnLineage) -> str:
    if column.uses or column.unknown:
        return ""
    return "a count of rows" if column.transform == "aggregated" else "a constant"


def columns_document(lineage: TableLineage) -> dict[str, object]:
    """Return a table's lineage as plain JSON values."""
    return {
        "table": lineage.table,
        "columns": [
            {
                "name": column.name,
                "values": list(map(str, column.values)),
                "uses": [{"column": str(use.origin), "how": use.how} for use in column.uses],
                "transform": column.transform,
                "unknown": column.unknown,
            }
            for column in lineage.columns
        ],
        "rows": [{"column": str(use.origin), "how": use.how} for use in lineage.rows],
        "reads": list(lineage.reads),
        "key": list(lineage.key),
        "unknown": lineage.unknown,
    }


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
