"""`ropewalk graph`: the declared graph as a picture, a flow chart, JSON or text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from ropewalk.cli.commands.plan import MARKS, plan_now
from ropewalk.cli.errors import WrongUsage
from ropewalk.cli.output import count
from ropewalk.cli.session import Session, environment_option, open_session
from ropewalk.errors import nearest
from ropewalk.lineage import (
    Edge,
    LineageGraph,
    LineageNode,
    picture_mermaid,
    picture_svg,
    picture_text,
)
from ropewalk.pipeline import Graph, Status

FORMATS = ("text", "svg", "mermaid", "json")
SUFFIXES = {".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid", ".json": "json", ".txt": "text"}
Statuses = Mapping[str, Status]


@click.command("graph")
@click.argument("names", nargs=-1)
@click.option(
    "--format", "shape", type=click.Choice(FORMATS), help="How to show it (default: by --output, or text)."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file."
)
@click.option("--up", is_flag=True, help="Only NAMES and what they need.")
@click.option("--down", is_flag=True, help="Only NAMES and what needs them.")
@click.option("--status", "has_status", is_flag=True, help="Say of every node what a run would do with it.")
@environment_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; the same as --format json.")
def command(
    names: tuple[str, ...],
    *,
    shape: str | None,
    output: Path | None,
    up: bool,
    down: bool,
    has_status: bool,
    environment: str | None,
    as_json: bool,
) -> None:
    """Show the graph that the project's files declare, or the part of it around NAMES.

    Nothing has to have been run. A picture needs nothing beside it and reads on light and dark; GitLab draws Mermaid
    in Markdown.
    """
    chosen_shape = _shape(shape, output, as_json)
    with open_session(environment=environment) as session:
        graph = session.graph()
        ids = chosen_ids(graph, [graph.find(name).id for name in names], up=up, down=down)
        statuses = _statuses(session, ids) if has_status else {}
        title = session.workspace.project.name
    shown = _WRITERS[chosen_shape](graph, ids, statuses, title)
    if output is None:
        click.echo(shown, nl=False)
        return
    _write(output, shown)
    click.echo(f"wrote {output}  ({_said(ids, statuses)})", err=True)


def chosen_ids(graph: Graph, focus: list[str], *, up: bool, down: bool) -> list[str]:
    """Return the ids around `focus` in the graph's order: all the way up and down, or one way only."""
    if not focus:
        return list(graph.nodes)
    found = graph.ancestors(focus) if up or not down else set(focus)
    if down or not up:
        edges = LineageGraph.of(Edge(*link) for link in _links(graph, list(graph.nodes)))
        found = found.union(*(edges.down(node_id) for node_id in focus))
    return [node_id for node_id in graph.nodes if node_id in found]


def _shape(shape: str | None, output: Path | None, as_json: bool) -> str:
    if as_json:
        if shape not in (None, "json"):
            raise WrongUsage("--json and --format exclude each other", hint="--json is --format json")
        return "json"
    if shape is not None or output is None:
        return shape or "text"
    if output.suffix not in SUFFIXES:
        raise WrongUsage(
            f"--output: nothing is known of files that end with {output.suffix!r}",
            nearest=nearest(output.suffix, SUFFIXES),
            hint=f"--format says which of {', '.join(FORMATS)} to write",
        )
    return SUFFIXES[output.suffix]


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WrongUsage(f"--output: {output} cannot be written: {error.strerror}") from error


def _statuses(session: Session, ids: list[str]) -> Statuses:
    return {node.id: node.status for node in plan_now(session, ids).nodes}


def _links(graph: Graph, ids: list[str]) -> list[tuple[str, str]]:
    kept = set(ids)
    return sorted({(up, node_id) for node_id in ids for up in graph.inputs[node_id].values() if up in kept})


def _boxes(graph: Graph, ids: list[str], statuses: Statuses) -> list[LineageNode]:
    nodes = [graph.nodes[node_id] for node_id in ids]
    words = {node_id: status.value for node_id, status in statuses.items()}
    return [
        LineageNode(node.id, node.kind, node.name, words.get(node.id, ""), state=words.get(node.id, ""))
        for node in nodes
    ]


def _said(ids: list[str], statuses: Statuses) -> str:
    states = [statuses[node_id].value for node_id in ids if node_id in statuses]
    counts = [f"{states.count(status.value)} {status.value}" for status in Status if status.value in states]
    return ", ".join([count(len(ids), "node"), *counts])


def _as_text(graph: Graph, ids: list[str], statuses: Statuses, _title: str) -> str:
    marks = {status.value: mark for status, mark in MARKS.items()}
    return picture_text(_boxes(graph, ids, statuses), _links(graph, ids), marks)


def _as_svg(graph: Graph, ids: list[str], statuses: Statuses, title: str) -> str:
    return picture_svg(_boxes(graph, ids, statuses), _links(graph, ids), title, _said(ids, statuses))


def _as_mermaid(graph: Graph, ids: list[str], statuses: Statuses, _title: str) -> str:
    return picture_mermaid(_boxes(graph, ids, statuses), _links(graph, ids))


def _as_json(graph: Graph, ids: list[str], statuses: Statuses, title: str) -> str:
    nodes = [
        {
            "id": node_id,
            "kind": graph.nodes[node_id].kind,
            "name": graph.nodes[node_id].name,
            "origin": str(graph.nodes[node_id].origin),
            **({"status": statuses[node_id].value} if node_id in statuses else {}),
        }
        for node_id in ids
    ]
    edges = [{"upstream": up, "downstream": down} for up, down in _links(graph, ids)]
    return json.dumps({"project": title, "nodes": nodes, "edges": edges}, indent=2) + "\n"


_WRITERS: Mapping[str, Callable[[Graph, list[str], Statuses, str], str]] = {
    "text": _as_text,
    "svg": _as_svg,
    "mermaid": _as_mermaid,
    "json": _as_json,
}
