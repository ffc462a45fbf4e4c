"""Taking the results of a whole project to the shared cache, and bringing those from there that it needs."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ropewalk.errors import RopewalkError, Unavailable
from ropewalk.pipeline.graph import Graph
from ropewalk.pipeline.keys import action_key
from ropewalk.pipeline.object_errors import ObjectDamaged, ObjectMissing
from ropewalk.pipeline.plan import Assessment, assess
from ropewalk.pipeline.records import Record, current_records, to_record
from ropewalk.pipeline.shared_cache import Manifest, SharedCache
from ropewalk.pipeline.values import Node, NodeKind, Output
from ropewalk.pipeline.workspace import Workspace
from ropewalk.project import git_state
from ropewalk.store import now_ms
from ropewalk.store.pipeline import ActionRow, RunRow, record_action, start_run
from ropewalk.store.provenance import was_executed_here


@dataclass(frozen=True)
class Transfer:
    """What became of one node on its way to or from the shared cache.

    Attributes:
        node: the node.
        state: `pushed`, `pulled`, `there` (nothing had to travel), `absent`, `not packed` (its kind does not
            travel), `not ours` (a trusted builder hands on only what was executed here), or `failed`.
        objects: how many objects travelled.
        size: how many bytes these were.
        detail: why it failed.
    """

    node: str
    state: str
    objects: int = 0
    size: int = 0
    detail: str | None = None


@dataclass(frozen=True)
class Wanted:
    """A node that would have to be executed: its kind, how it stands, and its inputs as they are here."""

    node: Node
    kind: NodeKind
    found: Assessment
    inputs: Mapping[str, Output]


def push(
    graph: Graph, kinds: Mapping[str, NodeKind], workspace: Workspace, cache: SharedCache
) -> Iterator[Transfer]:
    """Publish what is current in the workspace's environment, node by node.

    Raises:
        CacheUnreachable: the shared cache does not answer.
        CacheRefused: it refuses.
    """
    records = current_records(workspace)
    for node in graph.nodes.values():
        if node.id in records:
            yield publish_record(node, records[node.id], kinds[node.kind], workspace, cache)


def publish_record(
    node: Node, record: Record, kind: NodeKind, workspace: Workspace, cache: SharedCache
) -> Transfer:
    """Publish one recorded execution, if its kind can pack what it made.

    Raises:
        CacheUnreachable: the shared cache does not answer.
        CacheRefused: it refuses.
    """
    # What came from elsewhere would otherwise become trusted by passing through a trusted builder.
    if cache.is_trusted and not was_executed_here(workspace.database, record.key):
        return Transfer(node.id, "not ours")
    if cache.has(record.key):
        return Transfer(node.id, "there")
    try:
        packed = kind.pack(node, record.output, workspace)
        if packed is None:
            return Transfer(node.id, "not packed")
        done = cache.publish(record, packed, workspace, node.id, observes=kind.observes)
    except (ObjectMissing, ObjectDamaged) as error:
        return Transfer(node.id, "failed", detail=error.message)
    return Transfer(node.id, "pushed" if done.is_new else "there", done.objects, done.size)


def pull(
    graph: Graph, kinds: Mapping[str, NodeKind], workspace: Workspace, cache: SharedCache
) -> Iterator[Transfer]:
    """Bring in what the next run would otherwise execute, node by node; what is current does not change.

    Raises:
        CacheUnreachable: the shared cache does not answer.
        CacheRefused: it refuses.
    """
    records = current_records(workspace)
    run_id = start_transfer(workspace)
    outputs: dict[str, Output] = {}
    for node in graph.nodes.values():
        input_ids = graph.inputs[node.id]
        # The key of a node behind one that has to be executed is not known yet.
        if any(upstream not in outputs for upstream in input_ids.values()):
            yield Transfer(node.id, "absent", detail="an input has to be executed first")
            continue
        inputs = {name: outputs[upstream] for name, upstream in input_ids.items()}
        found = assess(node, kinds[node.kind], workspace, records.get(node.id), inputs)
        if found.found is not None:
            outputs[node.id] = found.found.output
            yield Transfer(node.id, "there")
            continue
        output, transfer = _pull(Wanted(node, kinds[node.kind], found, inputs), workspace, cache, run_id)
        if output is not None:
            outputs[node.id] = output
        yield transfer


def _pull(
    wanted: Wanted, workspace: Workspace, cache: SharedCache, run_id: str
) -> tuple[Output | None, Transfer]:
    node = wanted.node
    manifest = find_fitting(wanted, workspace, cache)
    if manifest is None:
        return None, Transfer(node.id, "absent")
    missing = [digest for digest in set(manifest.objects.values()) if not workspace.objects.has(digest)]
    try:
        record = bring_in(wanted, manifest, workspace, cache, run_id)
    except RopewalkError as error:
        # One result that cannot be had is executed; an outside that does not answer is for the caller.
        if isinstance(error, Unavailable):
            raise
        return None, Transfer(node.id, "failed", detail=error.message)
    size = sum(workspace.objects.path(digest).stat().st_size for digest in missing)
    return record.output, Transfer(node.id, "pulled", len(missing), size)


def find_fitting(wanted: Wanted, workspace: Workspace, cache: SharedCache) -> Manifest | None:
    """Return the manifest that stands for executing the node now, or None.

    Raises:
        CacheUnreachable: the shared cache does not answer.
        CacheRefused: it refuses.
    """
    node, manifest = wanted.node, cache.find(wanted.found.key)
    if manifest is None or manifest.node != node.id:
        return None
    if manifest.key == wanted.found.key:
        return manifest
    # It saw more of the outside than is known before executing: it stands only while all of that is as it was.
    outside = wanted.kind.probe(node, workspace, manifest.output).facts
    return manifest if action_key(node, outside, manifest.inputs) == manifest.key else None


def bring_in(
    wanted: Wanted, manifest: Manifest, workspace: Workspace, cache: SharedCache, run_id: str
) -> Record:
    """Fetch what `manifest` describes, unpack and record it as of that run; no pointer moves.

    Raises:
        CacheUnreachable: the shared cache does not answer.
        CacheRefused: it refuses.
        ObjectDamaged: an object is not there, or not what its name says.
        RopewalkError: the kind cannot unpack it.
    """
    packed = cache.fetch(manifest, workspace)
    try:
        output = wanted.kind.unpack(wanted.node, manifest.task_key, packed, workspace)
    except RopewalkError as error:
        # A kind knows what does not fit; which line of the project asked for it is known here.
        error.place = error.place or wanted.node.origin
        raise
    row = ActionRow(
        key=manifest.key,
        task_key=manifest.task_key,
        node=manifest.node,
        facts=manifest.facts,
        outside=manifest.outside,
        inputs=manifest.inputs,
        output=json.dumps(dataclasses.asdict(output)),
        run_id=run_id,
        cpu_ms=0,
        wall_ms=0,
        finished_at=now_ms(),
        # Where they are here: what they were called on the other machine means nothing.
        input_references={name: made.reference for name, made in wanted.inputs.items()},
    )
    with workspace.database.write() as connection:
        record_action(connection, row, None)
    return to_record(row)


def start_transfer(workspace: Workspace) -> str:
    """Record a run that says where what it has came from, and return its id."""
    git, now = git_state(workspace.root), now_ms()
    run = RunRow(
        id=uuid.uuid4().hex,
        environment=workspace.settings.environment,
        state="succeeded",
        git_commit=git.commit,
        git_branch=git.branch,
        is_dirty=git.is_dirty,
        started_at=now,
        finished_at=now,
        cause="cache",
    )
    start_run(workspace.database, run)
    return run.id
