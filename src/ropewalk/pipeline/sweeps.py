"""Sweeps: one run for each point of a grid of parameters, of which only what differs is executed."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ropewalk.pipeline.execution import RunOptions, execute
from ropewalk.pipeline.graph import Graph, declare_graph
from ropewalk.pipeline.results import Observer, RunResult
from ropewalk.pipeline.values import NodeKind
from ropewalk.pipeline.workspace import Workspace


@dataclass(frozen=True)
class SweepPoint:
    """One point of a sweep: the parameters set there, and what its run did."""

    parameters: Mapping[str, str]
    result: RunResult

    def metrics(self) -> dict[str, float]:
        """Return the numbers that the steps of the run returned, as `STEP.METRIC`."""
        return {
            f"{node.id.partition(':')[2]}.{name}": value
            for node in self.result.nodes
            if node.output is not None
            for name, value in _numbers(node.output.summary.get("metrics"))
        }


def grid(axes: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Return every combination of the axes' values, the last axis turning fastest."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def swept_nodes(graph: Graph, kinds: Mapping[str, NodeKind], parameters: Mapping[str, str]) -> list[str]:
    """Return the steps whose parameters are set, and what follows from them without effect outside."""
    found = {graph.find(name.rpartition(".")[0]).id for name in parameters}
    for node_id in graph.nodes:
        # In graph order, so one pass reaches everything behind.
        if kinds[graph.nodes[node_id].kind].replays and found & set(graph.inputs[node_id].values()):
            found.add(node_id)
    return sorted(found)


def sweep(
    points: Sequence[Mapping[str, str]],
    kinds: Mapping[str, NodeKind],
    workspace: Workspace,
    observer: Observer,
    names: Sequence[str] = (),
) -> Iterator[SweepPoint]:
    """Run each point and yield it; no pointer moves, so the environment stays as it is.

    Args:
        points: the parameters of each point.
        kinds: the kinds of node by name.
        workspace: the open project; its own parameters hold where a point sets none.
        observer: who is told of the progress of every run.
        names: nodes to bring up to date for each point; none means the swept steps and what follows from them.

    Raises:
        RopewalkError: a parameter does not exist or does not fit.
    """
    project, cause = workspace.project, f"sweep:{uuid.uuid4().hex[:12]}"
    options = RunOptions(cause=cause, moves_pointers=False)
    # All of them before the first is executed: a wrong value of the last point should not cost the others' time.
    graphs = [_declare(workspace, kinds, {**project.parameters, **point}) for point in points]
    try:
        for point, graph in zip(points, graphs, strict=True):
            workspace.project = project.with_parameters({**project.parameters, **point})
            selected = [graph.find(name).id for name in names] or swept_nodes(graph, kinds, point)
            yield SweepPoint(point, execute(graph, kinds, workspace, observer, selected, options))
    finally:
        workspace.project = replace(project)


def _declare(workspace: Workspace, kinds: Mapping[str, NodeKind], parameters: Mapping[str, str]) -> Graph:
    return declare_graph(workspace.project.with_parameters(parameters), kinds)


def _numbers(metrics: object) -> Iterator[tuple[str, float]]:
    if isinstance(metrics, Mapping):
        for name, value in metrics.items():
            if isinstance(value, int | float):
                yield str(name), float(value)
