"""Promotion as values: what a release would name, what applying it would move, and moving it.

Nothing is executed. A release names recorded executions; applying it makes them current in its environment, all in
one transaction, and refuses when the environment moved after the plan was made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ropewalk.errors import RopewalkError, nearest
from ropewalk.pipeline.graph import Graph
from ropewalk.pipeline.leases import Leases
from ropewalk.pipeline.recorded_runs import recorded_run
from ropewalk.pipeline.records import Record, current_records, to_record
from ropewalk.pipeline.release_errors import (
    ContentMissing,
    ExecutionMissing,
    InvalidRelease,
    UnknownEnvironment,
)
from ropewalk.pipeline.results import State
from ropewalk.pipeline.values import Node, NodeKind
from ropewalk.pipeline.workspace import Workspace
from ropewalk.project import NoRelease, Release, ReleasedNode, read_release
from ropewalk.store import now_ms
from ropewalk.store.environments import get_environment, list_environments, move_pointers
from ropewalk.store.errors import EnvironmentMoved
from ropewalk.store.pipeline import NodeRunRow, get_action, record_node_run

Kinds = Mapping[str, NodeKind]
T = TypeVar("T")
MOST_NAMED = 5


@dataclass(frozen=True)
class Shift:
    """One node of which an environment has or would have something else: None where it has nothing."""

    node: str
    before: ReleasedNode | None
    after: ReleasedNode | None


@dataclass(frozen=True)
class Proposal:
    """A release to be reviewed.

    Attributes:
        release: what it names.
        source: the environment whose pointers it was made from.
        shifts: what differs from what the release's environment has now, in the order of the graph.
        warnings: what a reviewer should know of nodes that are behind.
    """

    release: Release
    source: str
    shifts: tuple[Shift, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class ReleasePlan:
    """What applying a release would do.

    Attributes:
        release: the release.
        version: the version of the environment that the plan was made from.
        shifts: the pointers to move, in the order of the graph.
        repairs: nodes that are pointed at as they should be, and are not current all the same.
        warnings: what a person should know of nodes that do not fit together.
    """

    release: Release
    version: int
    shifts: tuple[Shift, ...]
    repairs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    records: Mapping[str, Record] = field(default_factory=dict)


def propose_release(
    workspace: Workspace,
    graph: Graph,
    kinds: Kinds,
    environment: str,
    source: str,
    selected: Iterable[str] | None = None,
) -> Proposal:
    """Return the release of `environment` that has what `source` has of `selected` nodes and all they need.

    What is not selected (None: everything is), or was never made in `source`, stays as the present release has it.

    Raises:
        UnknownEnvironment: nothing was ever made in `source`.
        InvalidProjectFile: the present release file cannot be read.
    """
    records = current_records(workspace, source)
    if not records:
        raise _nothing_made(workspace, source)
    chosen = graph.ancestors(selected) if selected is not None else set(graph.nodes)
    declared = [i for i, node in graph.nodes.items() if kinds[node.kind].is_released]
    present = pointed_at(workspace, environment)
    # A release that was merged and is not applied yet counts: what it decided must not be taken back by the way.
    decided = _decided(workspace, environment) or present
    asked = [i for i in declared if i in chosen]
    made = _only(records, asked)
    nodes = {**_only(decided, declared), **{i: _released(record) for i, record in made.items()}}
    release = Release(environment, dict(sorted(nodes.items())))
    warnings = [
        *_unmade(asked, made, source),
        *_outdated(graph, made),
        *_misfits(graph, made, release),
    ]
    return Proposal(release, source, _shifts(graph, present, release.nodes), tuple(warnings))


def plan_release(workspace: Workspace, graph: Graph, kinds: Kinds, release: Release) -> ReleasePlan:
    """Return what applying `release` to the workspace's environment would do, after checking all it names.

    Raises:
        ExecutionMissing: an execution is not in this database.
        InvalidRelease: an execution was of another node, or made something else.
        ContentMissing: what an execution made is gone.
    """
    name = workspace.settings.environment
    # Read before the pointers: a move in between makes the plan outdated, never wrong.
    version = version_of(workspace, name)
    present = {i: node for i, node in pointed_at(workspace, name).items() if _is_released(i, kinds)}
    wanted = _only(release.nodes, graph.nodes)
    records = _recorded(workspace, release, wanted)
    shifts = _shifts(graph, present, wanted)
    lost = [i for i in wanted if not _holds(workspace, graph, kinds, i, records[i])]
    _refuse_lost(shifts, lost)
    warnings = [
        *(
            f"{i} is in the release and not declared; it is left out"
            for i in release.nodes
            if i not in wanted
        ),
        *_misfits(graph, records, release),
    ]
    return ReleasePlan(release, version, shifts, tuple(lost), tuple(warnings), records)


def apply_release(workspace: Workspace, graph: Graph, kinds: Kinds, plan: ReleasePlan) -> int:
    """Make what the plan says current in the workspace's environment, and return the environment's version.

    All pointers move in one transaction. After an error, or a kill at any moment, either all have moved or none;
    applying the release again then does what is left. Applying it twice does nothing the second time.

    Raises:
        EnvironmentMoved: the environment moved after the plan was made.
        RopewalkError: something could not be made current; nothing has moved then.
    """
    name, database = workspace.settings.environment, workspace.database
    with Leases(database) as leases, leases.hold(f"environment:{name}", workspace.stopping):
        # Before anything becomes current; the transaction below holds it against the same version once more.
        if (version := version_of(workspace, name)) != plan.version:
            raise EnvironmentMoved(
                f"environment {name!r} has moved from version {plan.version} to {version} since the plan was made",
                hint=f"look at what changed with `ropewalk env show {name} --history`, and apply again",
            )
        digest, row = plan.release.digest, get_environment(database, name)
        if row and row.release == digest and not plan.shifts:
            _adopt(workspace, graph, kinds, plan)
            return version
        # Who looks for what was done last finds this too: it is a run that restores, and executes nothing.
        with recorded_run(workspace, leases, f"release:{digest}") as run_id:
            _adopt(workspace, graph, kinds, plan)
            moves = {shift.node: shift.after.key if shift.after else None for shift in plan.shifts}
            with database.write() as connection:
                for shift in plan.shifts:
                    record_node_run(connection, _moved(run_id, shift))
                return move_pointers(
                    connection, name, moves, f"release:{digest}", expected=plan.version, release=digest
                )


def _moved(run_id: str, shift: Shift) -> NodeRunRow:
    before, after = shift.before.key if shift.before else "nothing", shift.after
    told = [f"release {before} -> {after.key if after else 'nothing'}"]
    now = now_ms()
    return NodeRunRow(
        run_id, shift.node, State.RESTORED.value, told, None, now, now, after.key if after else None
    )


def version_of(workspace: Workspace, environment: str) -> int:
    """Return how often the pointers of an environment were moved; 0 for one that was never used."""
    row = get_environment(workspace.database, environment)
    return row.version if row else 0


def pointed_at(workspace: Workspace, environment: str) -> dict[str, ReleasedNode]:
    """Return what an environment has of each node now."""
    return {i: _released(record) for i, record in current_records(workspace, environment).items()}


def _adopt(workspace: Workspace, graph: Graph, kinds: Kinds, plan: ReleasePlan) -> None:
    """Let each kind make current what moves; when one cannot, the earlier ones go back to what they had."""
    before = current_records(workspace)
    pending = {shift.node for shift in plan.shifts if shift.after} | set(plan.repairs)
    done: list[Node] = []
    try:
        for node in (node for i, node in graph.nodes.items() if i in pending):
            done.append(node)
            kinds[node.kind].adopt(node, plan.records[node.id].output, workspace)
    except RopewalkError:
        for node in reversed(done):
            if node.id in before:
                kinds[node.kind].adopt(node, before[node.id].output, workspace)
        raise


def _decided(workspace: Workspace, environment: str) -> Mapping[str, ReleasedNode] | None:
    try:
        return read_release(workspace.root, environment).nodes
    except NoRelease:
        return None


def _recorded(
    workspace: Workspace, release: Release, wanted: Mapping[str, ReleasedNode]
) -> dict[str, Record]:
    """Return the record behind each node, after comparing it with what the release says of it."""
    rows = {i: get_action(workspace.database, node.key) for i, node in wanted.items()}
    missing = [i for i, row in rows.items() if row is None]
    if missing:
        raise ExecutionMissing(
            f"{len(missing)} of the {len(wanted)} executions that the release names were never seen here:"
            f" {_listed(missing)}",
            place=release.places.get(missing[0]),
            hint="`ropewalk cache push` where they were made, with ROPEWALK_CACHE set here too, lets `apply` bring them;"
            " a protected environment takes them from trusted builders only",
        )
    found = {}
    for i, row in rows.items():
        assert row is not None  # looked at above
        found[i] = to_record(row)
        if row.node != i or found[i].output.digest != wanted[i].digest:
            raise InvalidRelease(
                f"{i}: the execution {row.key} was of {row.node} and made {found[i].output.digest}",
                place=release.places.get(i),
                hint=f"do not write it by hand: `ropewalk promote {release.environment}` does",
            )
    return found


def _misfits(graph: Graph, records: Mapping[str, Record], release: Release) -> Iterable[str]:
    """Yield a sentence for each input that is not what the release itself has of the node behind it."""
    for node_id, record in records.items():
        for name, upstream in graph.inputs[node_id].items():
            have = release.nodes.get(upstream)
            if have and record.inputs.get(name, have.digest) != have.digest:
                used = record.input_references.get(name) or "something else"
                yield f"{node_id} was made from {used} of {upstream}, and the release has {have.made}"


def _unmade(asked: Iterable[str], made: Collection[str], source: str) -> Iterable[str]:
    return (f"{i} was never made in {source}" for i in asked if i not in made)


def _outdated(graph: Graph, records: Mapping[str, Record]) -> Iterable[str]:
    for node_id, record in records.items():
        if dict(record.facts) != dict(graph.nodes[node_id].facts):
            yield f"{node_id} is declared otherwise by now than it was made"


def _refuse_lost(shifts: Iterable[Shift], lost: Collection[str]) -> None:
    gone = [shift.node for shift in shifts if shift.node in lost]
    if gone:
        raise ContentMissing(
            f"what the release names is not there any more: {_listed(gone)}",
            hint="`ropewalk run` in an unprotected environment makes it again; then promote that",
        )


def _shifts(
    graph: Graph, before: Mapping[str, ReleasedNode], after: Mapping[str, ReleasedNode]
) -> tuple[Shift, ...]:
    """Return what differs, in the order of the graph; what it does not have any more comes last."""
    order = [*graph.nodes, *sorted(before.keys() - graph.nodes.keys())]
    return tuple(
        Shift(i, before.get(i), after.get(i)) for i in order if _key(before.get(i)) != _key(after.get(i))
    )


def _only(found: Mapping[str, T], ids: Iterable[str]) -> dict[str, T]:
    return {i: found[i] for i in ids if i in found}


def _key(node: ReleasedNode | None) -> str | None:
    return node.key if node else None


def _released(record: Record) -> ReleasedNode:
    return ReleasedNode(made=record.output.reference, key=record.key, digest=record.output.digest)


def _is_released(node_id: str, kinds: Kinds) -> bool:
    kind = kinds.get(node_id.partition(":")[0])
    return kind is None or kind.is_released


def _holds(workspace: Workspace, graph: Graph, kinds: Kinds, node_id: str, record: Record) -> bool:
    node = graph.nodes[node_id]
    return kinds[node.kind].holds(node, record.task_key, record.output, workspace)


def _listed(ids: list[str]) -> str:
    more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return ", ".join(ids[:MOST_NAMED]) + more


def _nothing_made(workspace: Workspace, environment: str) -> UnknownEnvironment:
    known = [row.name for row in list_environments(workspace.database) if row.name != environment]
    return UnknownEnvironment(
        f"nothing was ever made in environment {environment!r}",
        nearest=nearest(environment, known),
        hint=f"`ropewalk run -e {environment}` makes what can be promoted, or name another one with --from",
    )
