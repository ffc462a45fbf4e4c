"""Executing a graph: each node once all it needs is there, several at a time, each recorded as it ends."""

from __future__ import annotations

import graphlib
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ropewalk.errors import RopewalkError, internal_error
from ropewalk.pipeline.budget import Budget, Extra, open_budget
from ropewalk.pipeline.environments import is_protected, open_environment
from ropewalk.pipeline.flight import Departure, Flight, land
from ropewalk.pipeline.graph import Graph
from ropewalk.pipeline.leases import Leases
from ropewalk.pipeline.observing import only_observing
from ropewalk.pipeline.plan import Assessment, assess
from ropewalk.pipeline.reasons import Reason
from ropewalk.pipeline.recorded_runs import begin_run
from ropewalk.pipeline.records import Record, current_records
from ropewalk.pipeline.results import NodeResult, Observer, RunResult, State
from ropewalk.pipeline.values import Node, NodeKind, Output
from ropewalk.pipeline.workspace import Workspace
from ropewalk.store import now_ms
from ropewalk.store.pipeline import (
    CANCELLED,
    NodeRunRow,
    finish_run,
    record_node_run,
)

if TYPE_CHECKING:
    from ropewalk.pipeline.shared_results import SharedResults


@dataclass(frozen=True)
class RunOptions:
    """How a run differs from bringing the environment up to date.

    Attributes:
        cause: what asked for it: `person`, `schedule:NAME`, `plan:ID`, `sweep:ID`.
        expected: the key that each node must have when it is executed, as a reviewed plan says; nodes that are
            not in it are left alone.
        pinned: outputs that stand for nodes without looking at them.
        reuses: whether recorded work stands for executing; without, every node that is not pinned is executed.
        records: whether what is made is recorded; without, it is only looked at.
        moves_pointers: whether what is made becomes current in the environment.
    """

    cause: str = "person"
    expected: Mapping[str, str | None] | None = None
    pinned: Mapping[str, Output] = field(default_factory=dict)
    reuses: bool = True
    records: bool = True
    moves_pointers: bool = True


def execute(
    graph: Graph,
    kinds: Mapping[str, NodeKind],
    workspace: Workspace,
    observer: Observer,
    selected: Iterable[str] | None = None,
    options: RunOptions = RunOptions(),  # frozen
) -> RunResult:
    """Bring `selected` nodes and all they need up to date (None: the whole graph).

    A node that fails blocks only what needs it; the rest goes on. What another run is executing at the moment is
    waited for and reused.

    Raises:
        ProtectedEnvironment: only a release may move the workspace's environment; monitors may run in it.
        UnknownPool: a node is in a pool that is not declared.
    """
    if options.moves_pointers and is_protected(workspace.project, workspace.settings.environment):
        options = only_observing(graph, kinds, workspace, selected, options)
    # A selection always brings what it needs: running one node on stale inputs would be a lie.
    chosen = graph.ancestors(selected) if selected is not None else set(graph.nodes)
    open_environment(workspace)
    with Leases(workspace.database) as leases:
        run_id = uuid.uuid4().hex
        with leases.hold(f"run:{run_id}", workspace.stopping):
            begin_run(workspace, run_id, options.cause)
            flight = Flight(run_id, leases, options, _open_shared(workspace, run_id, options))
            run = _Run(graph, kinds, workspace, observer, flight)
            state, workspace.run_id = "failed", run_id
            try:
                results = run.work(chosen)
                state = _ending(results, workspace)
            except KeyboardInterrupt:
                state = CANCELLED
                raise
            finally:
                # Also after Ctrl-C: a run that ended must not stay marked as running.
                workspace.run_id = None
                finish_run(workspace.database, run_id, state)
    return RunResult(run_id, workspace.settings.environment, tuple(results))


def _ending(results: Iterable[NodeResult], workspace: Workspace) -> str:
    """Return how a run ended that came to its end; what fails because it is to end is no failure."""
    if not any(result.state is State.FAILED for result in results):
        return "succeeded"
    return CANCELLED if workspace.stopping.is_set() else "failed"


def _open_shared(workspace: Workspace, run_id: str, options: RunOptions) -> SharedResults | None:
    # What is only looked at, or done again on purpose, has nothing to do with others' results.
    if not (workspace.settings.cache and options.reuses and options.records):
        return None
    # Only projects that share load what speaks to storages.
    from ropewalk.pipeline.shared_cache import require_shared_cache
    from ropewalk.pipeline.shared_results import SharedResults

    return SharedResults(require_shared_cache(workspace), run_id)


@dataclass(frozen=True)
class _Due:
    """A node that has to be executed, as soon as the budget has room for it."""

    node: Node
    found: Assessment
    inputs: Mapping[str, Output]


class _Run:
    """The state of one run: what is known of each node so far."""

    def __init__(
        self,
        graph: Graph,
        kinds: Mapping[str, NodeKind],
        workspace: Workspace,
        observer: Observer,
        flight: Flight,
    ) -> None:
        self.graph = graph
        self.kinds = kinds
        self.workspace = workspace
        self.observer = observer
        self.flight = flight
        self.records: Mapping[str, Record] = current_records(workspace)
        self.results: dict[str, NodeResult] = {}

    def work(self, chosen: set[str]) -> list[NodeResult]:
        """Go through the chosen nodes in order, as many at once as the settings and their limits allow."""
        # Nodes become ready one by one as their inputs end, so a slow branch never holds up another.
        sorter = graphlib.TopologicalSorter({i: set(self.graph.inputs[i].values()) for i in chosen})
        sorter.prepare()
        parallel = max(1, self.workspace.settings.parallel)
        budget = open_budget(self.workspace.project, parallel, (self.graph.nodes[i] for i in chosen))
        pending: dict[Future[NodeResult | _Due], _Due | None] = {}
        queue: list[_Due] = []
        with ThreadPoolExecutor(parallel, "node") as pool:
            try:
                while sorter.is_active():
                    pending |= {pool.submit(self._look, node_id): None for node_id in sorter.get_ready()}
                    started = [due for due in queue if budget.take(due.node.limits)]
                    queue = [due for due in queue if due not in started]
                    pending |= {pool.submit(self._carry_out, due, budget): due for due in started}
                    # Results and the observer are touched by this thread only; workers just return what they found.
                    for future in wait(pending, return_when=FIRST_COMPLETED).done:
                        ended, result = pending.pop(future), future.result()
                        if ended is not None:
                            budget.give_back(ended.node.limits)
                        if isinstance(result, _Due):
                            queue.append(result)
                        else:
                            self.results[result.id] = result
                            self.observer.ended(result)
                            sorter.done(result.id)
            finally:
                # Left early (Ctrl-C, a fault of our own): what waits is dropped, and long steps hear of the end.
                if sorter.is_active():
                    self.workspace.stopping.set()
                    pool.shutdown(cancel_futures=True)
        return list(self.results.values())

    def _look(self, node_id: str) -> NodeResult | _Due:
        """Find out what is to be done with a node whose inputs are known, and do what takes no time."""
        node = self.graph.nodes[node_id]
        try:
            return self._look_at(node)
        except RopewalkError as error:
            return self._fail(node, error)
        # The boundary between nodes: whatever broke in one must not take the others, or their records, along.
        except Exception as error:  # noqa: BLE001  # see above
            return self._fail(node, internal_error(error, f"{node.id}: "))

    def _carry_out(self, due: _Due, budget: Budget) -> NodeResult:
        """Execute a node, unless somebody else does just that; then wait and reuse."""
        node, started, extra = due.node, now_ms(), Extra(budget, due.node.limits)
        try:
            return land(self.flight, self._departure(due, extra), self.observer)
        except RopewalkError as error:
            return self._fail(node, error, due.found.reasons, started)
        # The same boundary as above.
        except Exception as error:  # noqa: BLE001  # see above
            return self._fail(node, internal_error(error, f"{node.id}: "), due.found.reasons, started)
        finally:
            extra.give_back()

    def _look_at(self, node: Node) -> NodeResult | _Due:
        options = self.flight.options
        if pinned := options.pinned.get(node.id):
            return NodeResult(node.id, State.HIT, output=pinned)
        input_ids = self.graph.inputs[node.id]
        # An input without an output failed or was blocked itself; either way there is nothing to work with.
        missing = [i for i in input_ids.values() if self.results[i].output is None]
        if missing:
            return self._block(node, missing)
        inputs = {name: _made(self.results[i]) for name, i in input_ids.items()}
        record = self.records.get(node.id)
        # The plan may be older than this moment: what counts is how things stand now that the inputs are known.
        found = assess(node, self.kinds[node.kind], self.workspace, record, inputs)
        if options.reuses and found.found is not None and found.found is record:
            if options.moves_pointers:
                # Another environment may have been at work in this folder since.
                self.kinds[node.kind].show(node, record.output, self.workspace)
            warning, is_settled = found.warning, found.probe.settled
            return NodeResult(node.id, State.HIT, output=record.output, warning=warning, settled=is_settled)
        return _Due(node, found, inputs)

    def _departure(self, due: _Due, extra: Extra) -> Departure:
        return Departure(
            due.node,
            self.kinds[due.node.kind],
            self.workspace,
            due.found,
            due.inputs,
            self.graph.inputs[due.node.id],
            self.records.get(due.node.id),
            extra.take,
        )

    def _fail(
        self,
        node: Node,
        error: RopewalkError,
        reasons: tuple[Reason, ...] = (),
        started: int | None = None,
    ) -> NodeResult:
        self._note(node, State.FAILED, reasons, error.message, started)
        return NodeResult(node.id, State.FAILED, reasons=reasons, error=error)

    def _block(self, node: Node, missing: list[str]) -> NodeResult:
        reasons = (Reason("needs", ", ".join(dict.fromkeys(missing))),)
        self._note(node, State.BLOCKED, reasons)
        return NodeResult(node.id, State.BLOCKED, reasons=reasons)

    def _note(
        self,
        node: Node,
        state: State,
        reasons: tuple[Reason, ...],
        error: str | None = None,
        started: int | None = None,
    ) -> None:
        now, told = now_ms(), [str(reason) for reason in reasons]
        row = NodeRunRow(self.flight.run_id, node.id, state.value, told, error, started or now, now)
        with self.workspace.database.write() as connection:
            record_node_run(connection, row)


def _made(result: NodeResult) -> Output:
    assert result.output is not None  # blocked nodes were turned away before
    return result.output
