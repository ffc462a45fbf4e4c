"""What a release names and this machine never saw, brought from the shared cache by its key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ropewalk.pipeline.cache_transfer import Transfer, Wanted, bring_in, start_transfer
from ropewalk.pipeline.graph import Graph
from ropewalk.pipeline.plan import Assessment, Status
from ropewalk.pipeline.records import to_record
from ropewalk.pipeline.shared_cache import SharedCache
from ropewalk.pipeline.values import NodeKind, Output, Probe
from ropewalk.pipeline.workspace import Workspace
from ropewalk.project import Release
from ropewalk.store.pipeline import get_action


def fetch_release(
    workspace: Workspace,
    graph: Graph,
    kinds: Mapping[str, NodeKind],
    release: Release,
    cache: SharedCache,
) -> Iterator[Transfer]:
    """Bring in each execution that the release names and that is not recorded here; no pointer moves.

    They are found by their keys alone: no source is asked, and what the working tree would make now does not count.

    Raises:
        CacheUnreachable: the shared cache does not answer.
        CacheRefused: it refuses.
        RopewalkError: what it has cannot be brought in.
    """
    outputs: dict[str, Output] = {}
    run_id: str | None = None
    for node_id, node in graph.nodes.items():
        wanted = release.nodes.get(node_id)
        if wanted is None:
            continue
        row = get_action(workspace.database, wanted.key)
        if row is not None:
            outputs[node_id] = to_record(row).output
            continue
        manifest = cache.find(wanted.key)
        # Also found by the key that another execution was started under; only this one was reviewed.
        if manifest is None or manifest.key != wanted.key or manifest.node != node_id:
            yield Transfer(node_id, "absent")
            continue
        inputs = {name: outputs[i] for name, i in graph.inputs[node_id].items() if i in outputs}
        found = Assessment(wanted.key, Probe(), Status.STALE)
        # Most releases need nothing, and leave no run behind.
        run_id = run_id or start_transfer(workspace)
        record = bring_in(Wanted(node, kinds[node.kind], found, inputs), manifest, workspace, cache, run_id)
        outputs[node_id] = record.output
        yield Transfer(node_id, "pulled", len(manifest.objects))
