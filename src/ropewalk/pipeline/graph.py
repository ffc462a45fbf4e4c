"""The graph of a project: every declared node, with its needs resolved to the nodes that provide them."""

from __future__ import annotations

import graphlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ropewalk.errors import Place, nearest
from ropewalk.pipeline.errors import AmbiguousName, Cycle, NameTaken, NodeNotFound, UnknownName
from ropewalk.pipeline.values import Need, Node, NodeKind
from ropewalk.project import Project


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which each comes after what it needs.

    Attributes:
        nodes: node by id, in that order.
        inputs: for each node id, the id behind each name it needs.
        names: every name and id that can be asked for -> the ids that provide it.
    """

    nodes: Mapping[str, Node]
    inputs: Mapping[str, Mapping[str, str]]
    names: Mapping[str, tuple[str, ...]]

    def find(self, name: str) -> Node:
        """Return the node that a person means by `name`: an id, a provided name, or a bare name of any kind.

        Raises:
            NodeNotFound: nothing has that name.
            AmbiguousName: several nodes do.
        """
        # People say `late` for `model:late`: a bare name of any kind is tried after the provided names.
        ids = self.names.get(name) or tuple(i for i, node in self.nodes.items() if node.name == name)
        if not ids:
            close = nearest(name, [*self.names, *(node.name for node in self.nodes.values())])
            raise NodeNotFound(
                f"no node is called {name!r}", nearest=close, hint="`ropewalk plan --all` lists them"
            )
        if len(ids) > 1:
            raise AmbiguousName(f"{name!r} can mean {' or '.join(ids)}", hint="use the full id")
        return self.nodes[ids[0]]

    def ancestors(self, ids: Iterable[str]) -> set[str]:
        """Return `ids` and everything they need, directly or through others."""
        found: set[str] = set()
        pending = list(ids)
        while pending:
            node_id = pending.pop()
            # A set instead of recursion: a chain of a thousand tables must not meet Python's stack limit.
            if node_id not in found:
                found.add(node_id)
                pending.extend(self.inputs[node_id].values())
        return found


def declare_graph(project: Project, kinds: Mapping[str, NodeKind]) -> Graph:
    """Return the graph of all nodes that the project's files declare, without running any of its code.

    Raises:
        InvalidProjectFile: a declaration is wrong.
        UnknownName, AmbiguousName, NameTaken, Cycle: the declarations do not fit together.
    """
    return build_graph(node for kind in kinds.values() for node in kind.declare(project))


def build_graph(declared: Iterable[Node]) -> Graph:
    """Resolve the needs of `declared` nodes among themselves and put them in order.

    Raises:
        UnknownName, AmbiguousName, NameTaken, Cycle: the nodes do not fit together.
    """
    nodes: dict[str, Node] = {}
    for node in declared:
        if node.id in nodes:
            raise NameTaken(
                f"{node.id} is declared twice, here and at {nodes[node.id].origin}", place=node.origin
            )
        nodes[node.id] = node
    names = _names(nodes)
    inputs = {i: {need.name: _resolve(node, need, names) for need in node.needs} for i, node in nodes.items()}
    ordered = _order(nodes, inputs)
    return Graph({i: nodes[i] for i in ordered}, inputs, names)


def _names(nodes: Mapping[str, Node]) -> dict[str, tuple[str, ...]]:
    # An id can always be asked for, so that a gate or a model needs no second name.
    names: dict[str, tuple[str, ...]] = {node_id: (node_id,) for node_id in nodes}
    for node in nodes.values():
        for name in node.provides:
            names[name] = (*names.get(name, ()), node.id)
    # A name that is somebody's own outranks the same text as a shortened one.
    full = {node.provides[0]: node.id for node in nodes.values() if node.provides}
    owners = Counter(node.provides[0] for node in nodes.values() if node.provides)
    return names | {name: (node_id,) for name, node_id in full.items() if owners[name] == 1}


def _resolve(node: Node, need: Need, names: Mapping[str, tuple[str, ...]]) -> str:
    found = names.get(need.name, ())
    if not found and need.is_parameter:
        found = names.get(_dotted(need.name), ())
    if not found:
        raise UnknownName(
            f"{node.id} asks for {need.name!r}, which nothing provides",
            place=need.place or node.origin,
            nearest=_nearest(need, names),
            hint=_provided(need.name, names),
        )
    # Two tables may share a last name; only using that short name is a mistake.
    if len(found) > 1:
        raise AmbiguousName(
            f"{node.id} asks for {need.name!r}, which can mean {' or '.join(found)}",
            place=need.place or node.origin,
            hint=_full_names(need, found, names),
        )
    return found[0]


def _dotted(parameter: str) -> str:
    """Return the full name that a parameter of Python code can stand for: `mart__orders` is `mart.orders`."""
    return parameter.replace("__", ".", 1)


def _as_written(need: Need, name: str) -> str:
    return name.replace(".", "__", 1) if need.is_parameter else name


def _nearest(need: Need, names: Mapping[str, tuple[str, ...]]) -> str | None:
    close = nearest(need.name, names) or nearest(_dotted(need.name), names)
    return _as_written(need, close) if close else None


def _full_names(need: Need, found: Iterable[str], names: Mapping[str, tuple[str, ...]]) -> str:
    own = {owners: name for name, owners in names.items() if (name,) != owners}
    full = [_as_written(need, own.get((node_id,), node_id)) for node_id in found]
    return f"use the full name: {' or '.join(full)}"


def _provided(name: str, names: Mapping[str, tuple[str, ...]]) -> str:
    """Return what could have been asked for in place of `name`."""
    kind, colon, _ = name.partition(":")
    if not colon:
        return "a source NAME provides raw.NAME, tables/SCHEMA/NAME.sql provides SCHEMA.NAME, a step its own name"
    known = sorted(other for other in names if other.startswith(f"{kind}:"))
    return f"the project declares {', '.join(known)}" if known else f"the project declares no {kind} at all"


def _order(nodes: Mapping[str, Node], inputs: Mapping[str, Mapping[str, str]]) -> list[str]:
    # graphlib reports one circle, last node first repeated at the end; a person reads it in the order of needs.
    sorter = graphlib.TopologicalSorter({i: set(inputs[i].values()) for i in nodes})
    try:
        return list(sorter.static_order())
    except graphlib.CycleError as error:
        circle: list[str] = list(reversed(error.args[1]))
        places = "\n".join(f"  {i}  ({nodes[i].origin})" for i in circle[:-1])
        raise Cycle(
            "nodes need each other in a circle: " + " -> ".join(circle),
            place=_place_of_need(nodes[circle[0]], circle[1], inputs[circle[0]]),
            hint="break the circle by removing one of these needs",
            detail=places,
        ) from error


def _place_of_need(node: Node, upstream: str, inputs: Mapping[str, str]) -> Place:
    """Return where `node` names `upstream`, which is what a person has to change."""
    places = (need.place for need in node.needs if inputs[need.name] == upstream)
    return next((place for place in places if place), node.origin)
