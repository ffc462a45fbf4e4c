"""Proving that a run can be done again: the same code, data and parameters, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ropewalk.pipeline.errors import NotReproducible
from ropewalk.pipeline.execution import RunOptions, execute
from ropewalk.pipeline.graph import Graph, declare_graph
from ropewalk.pipeline.past import inputs_of, past_workspace, records_of_run
from ropewalk.pipeline.past_runs import find_past_run
from ropewalk.pipeline.reasons import Reason, compare
from ropewalk.pipeline.records import Record
from ropewalk.pipeline.results import Observer
from ropewalk.pipeline.values import NodeKind, Output
from ropewalk.pipeline.workspace import Workspace
from ropewalk.store.run_history import PastRun

# What a summary says of content, and not of the one execution that made it.
COUNTED = ("rows", "columns", "files", "bytes")


@dataclass(frozen=True)
class Reproduction:
    """One node of a run, done again.

    Attributes:
        node: its id.
        was: what the run made.
        now: what came out this time; None when it failed.
        differences: what about code, parameters and environment is not as it was.
        outcome: what is known of the content, where that is not as it was.
        error: why it failed.
    """

    node: str
    was: Output
    now: Output | None
    differences: tuple[Reason, ...] = ()
    outcome: tuple[Reason, ...] = ()
    error: str | None = None

    @property
    def is_equal(self) -> bool:
        """Whether the content is the same."""
        return self.now is not None and self.now.digest == self.was.digest


@dataclass(frozen=True)
class ReproducedRun:
    """A run and each of its nodes that could be done again; `left_out` are the others, with effects outside."""

    run: PastRun
    nodes: tuple[Reproduction, ...]
    left_out: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether every node came out the same."""
        return all(node.is_equal for node in self.nodes)


def reproduce(
    run: str, kinds: Mapping[str, NodeKind], workspace: Workspace, observer: Observer
) -> ReproducedRun:
    """Do the tables and steps of an earlier run again, each on the very inputs it had, and compare.

    Nothing is recorded and no pointer moves. Sources, models and deployments are not done again: they are about the
    world outside.

    Args:
        run: the beginning of the run's id, or the id of a tracked run that it made.
        kinds: the kinds of node by name.
        workspace: the open project, whose state has the run.
        observer: who is told of the progress.

    Raises:
        RunNotFound: there is no such run.
        AmbiguousRun: there are several.
        NothingRecorded: what it read is gone.
        NotReproducible: it was not made from a commit, or executed nothing.
        CommitMissing: the commit is not in the repository.
    """
    row = find_past_run(workspace.database, run)
    if row.git_commit is None:
        raise NotReproducible(
            f"run {row.id[:8]} was made from files that were in no commit",
            hint="commit, and run from the commit",
        )
    records = records_of_run(workspace, row.id)
    if not records:
        raise NotReproducible(
            f"run {row.id[:8]} made nothing: what it found fresh was made by earlier runs",
            hint="`ropewalk runs` shows which executed or restored something",
        )
    with past_workspace(workspace, row.git_commit, row.parameters) as past:
        graph = declare_graph(past.project, kinds)
        again = [i for i in graph.nodes if i in records and kinds[graph.nodes[i].kind].replays]
        nodes = tuple(_again(i, records[i], graph, kinds, past, observer) for i in again)
    return ReproducedRun(row, nodes, tuple(sorted(records.keys() - set(again))))


def _again(
    node_id: str,
    record: Record,
    graph: Graph,
    kinds: Mapping[str, NodeKind],
    past: Workspace,
    observer: Observer,
) -> Reproduction:
    node = graph.nodes[node_id]
    # The files of a run with uncommitted changes are not those of its commit; then the facts say what differs.
    differences = tuple(compare(record.facts, node.facts, node.places))
    pinned = inputs_of(past, record, graph.inputs[node_id])
    options = RunOptions(cause="reproduce", pinned=pinned, reuses=False, records=False, moves_pointers=False)
    # Only this node: what stands before it is pinned to what it really had.
    alone = Graph(
        {i: n for i, n in graph.nodes.items() if i in {node_id, *pinned}},
        {node_id: graph.inputs[node_id], **{i: {} for i in pinned}},
        graph.names,
    )
    result = next(
        r for r in execute(alone, kinds, past, observer, [node_id], options).nodes if r.id == node_id
    )
    outcome = tuple(compare(_known(record.output), _known(result.output), {})) if result.output else ()
    error = result.error.message if result.error else None
    return Reproduction(node_id, record.output, result.output, differences, outcome, error)


def _known(output: Output) -> dict[str, str]:
    """Return what is recorded of content and can be compared: each metric, and how many rows, columns or files."""
    metrics = output.summary.get("metrics")
    numbers = metrics if isinstance(metrics, Mapping) else {}
    return {
        **{f"metric {name}": f"{value}" for name, value in numbers.items()},
        **{name: str(output.summary[name]) for name in COUNTED if name in output.summary},
    }
