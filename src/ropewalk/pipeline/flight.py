"""One node on its way from stale to done.

Nobody does what somebody else is doing, an error that may pass is tried again, and what was made is recorded in one
transaction.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ropewalk.errors import RopewalkError
from ropewalk.pipeline.errors import PlanMoved
from ropewalk.pipeline.keys import action_key
from ropewalk.pipeline.leases import Leases, describe_holder
from ropewalk.pipeline.object_errors import ObjectMissing
from ropewalk.pipeline.plan import Assessment, as_restored, assess, find_restorable
from ropewalk.pipeline.records import Execution, Record, save_restored, save_success
from ropewalk.pipeline.results import NodeResult, Observer, State
from ropewalk.pipeline.values import Node, NodeKind, Output, Task
from ropewalk.pipeline.workspace import Workspace
from ropewalk.store import RowRefused, now_ms
from ropewalk.store.leases import LeaseRow
from ropewalk.store.pipeline import NodeRunRow

if TYPE_CHECKING:
    from ropewalk.pipeline.execution import RunOptions
    from ropewalk.pipeline.shared_results import SharedResults


@dataclass(frozen=True)
class Flight:
    """The run that nodes are executed in.

    Attributes:
        run_id: its id.
        leases: the leases it takes.
        options: how it differs from other runs.
        shared: its use of the shared cache, if there is one.
    """

    run_id: str
    leases: Leases
    options: RunOptions
    shared: SharedResults | None = None


@dataclass(frozen=True)
class Departure:
    """A node with all that its execution needs.

    Attributes:
        found: how it stood when its inputs were known.
        inputs: output of each input, by the name the node needs it under.
        input_ids: node behind each of those names.
        record: what its environment's pointer named when the run began.
        take_more: see `Task`.
    """

    node: Node
    kind: NodeKind
    workspace: Workspace
    found: Assessment
    inputs: Mapping[str, Output]
    input_ids: Mapping[str, str]
    record: Record | None
    take_more: Callable[[int], int] = lambda _most: 0

    @property
    def digests(self) -> dict[str, str]:
        """Content digest of each input."""
        return {name: output.digest for name, output in self.inputs.items()}


def land(flight: Flight, departure: Departure, observer: Observer) -> NodeResult:
    """Have the node done: by an earlier execution, by another run that is at it, or by executing it now.

    Raises:
        RopewalkError: it was executed and failed.
        PlanMoved: it would be executed under another key than the plan says.
        Stopped: the run was told to stop while it waited.
    """
    node, found, is_told = departure.node, departure.found, False
    while True:
        if found.found is not None and flight.options.reuses:
            try:
                return _restore(flight, departure, found, found.found)
            except (RowRefused, ObjectMissing):
                # Collected as garbage between looking and pointing at it: then it is executed.
                found = replace(found, found=None)
        _require_expected(flight, node, found.key)
        if not is_told:
            # Restoring takes no time worth telling of.
            observer.started(node.id, departure.found.reasons)
            is_told = True
        waited = list[LeaseRow]()

        def on_wait(holder: LeaseRow, waited: list[LeaseRow] = waited) -> None:
            waited.append(holder)
            observer.progressed(node.id, 0, None, f"{describe_holder(holder)} is at it")

        with flight.leases.hold(f"action:{found.key}", departure.workspace.stopping, on_wait):
            again = _look_again(flight, departure, found, has_waited=bool(waited))
            if again is found:
                return _make(flight, departure, found, observer)
        # Done by the other, or the outside moved meanwhile and it is another key that counts.
        found = again


def _look_again(flight: Flight, departure: Departure, found: Assessment, *, has_waited: bool) -> Assessment:
    """Return `found` itself when there is nothing new since, else how the node stands now."""
    if not flight.options.reuses:
        return found
    node, kind, workspace = departure.node, departure.kind, departure.workspace
    # Between looking and taking the lease somebody may have come and gone.
    done = find_restorable(node, kind, workspace, found.key, departure.digests)
    if done is None and not has_waited:
        return found
    again = assess(node, kind, workspace, departure.record, departure.inputs)
    return found if again.found is None and again.key == found.key else again


def _require_expected(flight: Flight, node: Node, key: str) -> None:
    expected = (flight.options.expected or {}).get(node.id)
    if expected is not None and expected != key:
        raise PlanMoved(
            f"{node.id} is not what the plan says any more: its key would be {key}, and the plan has {expected}",
            hint="make a new plan, and have it reviewed again",
        )


def _restore(flight: Flight, departure: Departure, found: Assessment, record: Record) -> NodeResult:
    node, workspace = departure.node, departure.workspace
    if flight.options.moves_pointers:
        departure.kind.adopt(node, record.output, workspace)
        row = replace(_row(flight, node, found, now_ms()), state=State.RESTORED.value, action_key=record.key)
        save_restored(workspace, node, record, departure.input_ids, row)
    return NodeResult(node.id, State.RESTORED, 0.0, found.reasons, record.output, warning=found.warning)


def _make(flight: Flight, departure: Departure, found: Assessment, observer: Observer) -> NodeResult:
    """Have what somebody made elsewhere from the shared cache, or execute the node and share what it makes."""
    shared = flight.shared
    if shared is None:
        return _execute(flight, departure, found, observer)[0]
    record, warning = shared.bring(departure, found)
    if record is not None:
        return _restore(flight, departure, as_restored(found, record), record)
    result, made = _execute(flight, departure, found, observer)
    warning = (shared.publish(departure, made) if made else None) or warning
    return replace(result, warning=warning or result.warning)


def _execute(
    flight: Flight, departure: Departure, found: Assessment, observer: Observer
) -> tuple[NodeResult, Record | None]:
    node, stopping = departure.node, departure.workspace.stopping
    for attempt in itertools.count(1):
        try:
            return _attempt(flight, departure, found, observer, attempt)
        except RopewalkError as error:
            if not error.may_pass or attempt > node.limits.retries:
                raise
            pause = node.limits.backoff_s * 2 ** (attempt - 1)
            observer.progressed(
                node.id, 0, None, f"attempt {attempt} failed, the next in {pause:g} s: {error.message}"
            )
            if stopping.wait(pause):
                raise
    raise AssertionError  # `count` never ends


def _attempt(
    flight: Flight, departure: Departure, found: Assessment, observer: Observer, attempt: int
) -> tuple[NodeResult, Record | None]:
    node = departure.node
    cpu = [0.0]

    def report(done: float, total: float | None, text: str) -> None:
        observer.progressed(node.id, done, total, text)

    def add_cpu(seconds: float) -> None:
        cpu[0] += seconds

    task = Task(
        node,
        found.key,
        departure.inputs,
        departure.input_ids,
        flight.run_id,
        departure.workspace,
        report,
        add_cpu,
        attempt,
        departure.take_more,
    )
    started, since, own = now_ms(), time.monotonic(), time.thread_time()
    output = departure.kind.execute(task)
    seconds = time.monotonic() - since
    # An execution may have seen more of the outside than the probe before it did (files that arrived
    # meanwhile); the record must say what was really used, or the next plan would be wrong.
    outside = found.probe.facts if output.observed is None else output.observed
    key = action_key(node, outside, departure.digests)
    record = None
    if flight.options.records:
        cpu_s = cpu[0] + time.thread_time() - own
        execution = Execution(key, outside, output, int(cpu_s * 1000), int(seconds * 1000))
        row = replace(_row(flight, node, found, started), action_key=key, attempts=attempt)
        environment = departure.workspace.settings.environment if flight.options.moves_pointers else None
        # The kind has committed its content by now. If the process dies before the next line, the node is
        # executed once more and finds its content already there.
        record = save_success(task, execution, row, environment=environment)
    told = output.summary.get("warning")
    warning = str(told) if told else None
    return NodeResult(node.id, State.EXECUTED, seconds, found.reasons, output, warning=warning), record


def _row(flight: Flight, node: Node, found: Assessment, started: int) -> NodeRunRow:
    reasons = [str(reason) for reason in found.reasons]
    return NodeRunRow(flight.run_id, node.id, State.EXECUTED.value, reasons, None, started, now_ms())
