"""Executing a graph: each node once all it needs is there, several at a time, each recorded as it ends."""

from __future__ import annotations

import graphlib
import time
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from ropewalk.errors import RopewalkError, internal_error
from ropewalk.pipeline.graph import Graph
from ropewalk.pipeline.keys import action_key
from ropewalk.pipeline.plan import Assessment, assess
from ropewalk.pipeline.reasons import Reason
from ropewalk.pipeline.records import Record, current_records, save_success
from ropewalk.pipeline.run_lock import run_lock
from ropewalk.pipeline.values import Node, NodeKind, Output, Task
from ropewalk.pipeline.workspace import Workspace
from ropewalk.project import git_state
from ropewalk.store import now_ms
from ropewalk.store.pipeline import NodeRunRow, RunRow, finish_run, record_node_run, start_run


class State(Enum):
    """How a run ended for one node."""

    HIT = "hit"
    EXECUTED = "executed"
    FAILED = "failed"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class NodeResult:
    """What a run did with one node.

    Attributes:
        seconds: wall time of the execution; 0 for a hit.
        reasons: why it was executed.
        warning: what a person should know although it is a hit.
    """

    id: str
    state: State
    seconds: float = 0.0
    reasons: tuple[Reason, ...] = ()
    output: Output | None = None
    error: RopewalkError | None = None
    warning: str | None = None


@dataclass(frozen=True)
class RunResult:
    """What a run did, node by node in the order in which they ended."""

    run_id: str
    environment: str
    nodes: tuple[NodeResult, ...]

    def count(self, state: State) -> int:
        """Return how many nodes ended in `state`."""
        return sum(node.state is state for node in self.nodes)


class Observer(Protocol):
    """Who is told of a run's progress, from several threads."""

    def started(self, node_id: str, reasons: tuple[Reason, ...]) -> None:
        """An execution starts."""

    def progressed(self, node_id: str, done: float, total: float | None, text: str) -> None:
        """An execution got further."""

    def ended(self, result: NodeResult) -> None:
        """A node is done with."""


def execute(
    graph: Graph,
    kinds: Mapping[str, NodeKind],
    workspace: Workspace,
    observer: Observer,
    selected: Iterable[str] | None = None,
) -> RunResult:
    """Bring `selected` nodes and all they need up to date (None: the whole graph).

    A node that fails blocks only what needs it; the rest goes on.

    Raises:
        RunInProgress: another run is at work in this project.
    """
    # A selection always brings what it needs: running one node on stale inputs would be a lie.
    chosen = graph.ancestors(selected) if selected is not None else set(graph.nodes)
    with run_lock(workspace.state):
        run_id = _start(workspace)
        run = _Run(graph, kinds, workspace, observer, run_id)
        state = "failed"
        try:
            results = run.work(chosen)
            state = "failed" if any(result.state is State.FAILED for result in results) else "succeeded"
        finally:
            # Also after Ctrl-C: a run that ended must not stay marked as running.
            finish_run(workspace.database, run_id, state)
    return RunResult(run_id, workspace.settings.environment, tuple(results))


def _start(workspace: Workspace) -> str:
    run_id = uuid.uuid4().hex
    git = git_state(workspace.root)
    environment = workspace.settings.environment
    row = RunRow(run_id, environment, "running", git.commit, git.branch, git.is_dirty, now_ms(), None)
    start_run(workspace.database, row)
    return run_id


class _Run:
    """The state of one run: what is known of each node so far."""

    def __init__(
        self,
        graph: Graph,
        kinds: Mapping[str, NodeKind],
        workspace: Workspace,
        observer: Observer,
        run_id: str,
    ) -> None:
        self.graph = graph
        self.kinds = kinds
        self.workspace = workspace
        self.observer = observer
        self.run_id = run_id
        self.records: Mapping[str, Record] = current_records(workspace)
        self.results: dict[str, NodeResult] = {}

    def work(self, chosen: set[str]) -> list[NodeResult]:
        """Go through the chosen nodes in order, as many at once as the settings allow."""
        # Nodes become ready one by one as their inputs end, so a slow branch never holds up another.
        sorter = graphlib.TopologicalSorter({i: set(self.graph.inputs[i].values()) for i in chosen})
        sorter.prepare()
        pending: dict[Future[NodeResult], str] = {}
        with ThreadPoolExecutor(max(1, self.workspace.settings.parallel), "node") as pool:
            try:
                while sorter.is_active():
                    for node_id in sorter.get_ready():
                        pending[pool.submit(self._handle, node_id)] = node_id
                    # Results and the observer are touched by this thread only; workers just return what they found.
                    for future in wait(pending, return_when=FIRST_COMPLETED).done:
                        node_id = pending.pop(future)
                        self.results[node_id] = future.result()
                        self.observer.ended(self.results[node_id])
                        sorter.done(node_id)
            finally:
                # Left early (Ctrl-C, a fault of our own): what waits is dropped, and long steps hear of the end.
                if sorter.is_active():
                    self.workspace.stopping.set()
                    pool.shutdown(cancel_futures=True)
        return list(self.results.values())

    def _handle(self, node_id: str) -> NodeResult:
        node = self.graph.nodes[node_id]
        try:
            return self._bring_up_to_date(node)
        except RopewalkError as error:
            return self._fail(node, error)
        # The boundary between nodes: whatever broke in one must not take the others, or their records, along.
        except Exception as error:  # noqa: BLE001  # see above
            return self._fail(node, internal_error(error, f"{node.id}: "))

    def _bring_up_to_date(self, node: Node) -> NodeResult:
        input_ids = self.graph.inputs[node.id]
        # An input without an output failed or was blocked itself; either way there is nothing to work with.
        missing = [i for i in input_ids.values() if self.results[i].output is None]
        if missing:
            return self._block(node, missing)
        inputs = {name: _made(self.results[i]) for name, i in input_ids.items()}
        record = self.records.get(node.id)
        # The plan may be older than this moment: what counts is how things stand now that the inputs are known.
        found = assess(node, self.kinds[node.kind], self.workspace, record, inputs)
        if found.is_fresh and record:
            return NodeResult(node.id, State.HIT, output=record.output, warning=found.warning)
        return self._execute(node, found, inputs, input_ids)

    def _execute(
        self, node: Node, found: Assessment, inputs: Mapping[str, Output], input_ids: Mapping[str, str]
    ) -> NodeResult:
        self.observer.started(node.id, found.reasons)

        def report(done: float, total: float | None, text: str) -> None:
            self.observer.progressed(node.id, done, total, text)

        task = Task(node, found.key, inputs, input_ids, self.run_id, self.workspace, report)
        started, cpu = now_ms(), time.thread_time()
        output = self.kinds[node.kind].execute(task)
        # An execution may have seen more of the outside than the probe before it did (files that arrived
        # meanwhile); the record must say what was really used, or the next plan would be wrong.
        outside = found.probe.facts if output.observed is None else output.observed
        key = action_key(node, outside, {name: made.digest for name, made in inputs.items()})
        # The kind has committed its content by now. If the process dies before the next line, the node is
        # executed once more and finds its content already there.
        row = self._row(node, State.EXECUTED, started, found.reasons)
        save_success(task, key, outside, output, row, int((time.thread_time() - cpu) * 1000))
        seconds = (row.finished_at - started) / 1000
        return NodeResult(node.id, State.EXECUTED, seconds, found.reasons, output)

    def _fail(self, node: Node, error: RopewalkError) -> NodeResult:
        with self.workspace.database.write() as connection:
            record_node_run(connection, self._row(node, State.FAILED, now_ms(), (), error.message))
        return NodeResult(node.id, State.FAILED, error=error)

    def _block(self, node: Node, missing: list[str]) -> NodeResult:
        reasons = (Reason("needs", ", ".join(dict.fromkeys(missing))),)
        with self.workspace.database.write() as connection:
            record_node_run(connection, self._row(node, State.BLOCKED, now_ms(), reasons))
        return NodeResult(node.id, State.BLOCKED, reasons=reasons)

    def _row(
        self, node: Node, state: State, started: int, reasons: tuple[Reason, ...], error: str | None = None
    ) -> NodeRunRow:
        return NodeRunRow(
            self.run_id, node.id, state.value, [str(reason) for reason in reasons], error, started, now_ms()
        )


def _made(result: NodeResult) -> Output:
    assert result.output is not None  # blocked nodes were turned away before
    return result.output
