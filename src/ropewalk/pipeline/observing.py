"""Running in a protected environment: nothing that a release names may be executed, but what only observes may."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ropewalk.pipeline.environments import require_unprotected
from ropewalk.pipeline.graph import Graph
from ropewalk.pipeline.records import current_records
from ropewalk.pipeline.values import NodeKind
from ropewalk.pipeline.workspace import Workspace

if TYPE_CHECKING:
    from ropewalk.pipeline.execution import RunOptions


def only_observing(
    graph: Graph,
    kinds: Mapping[str, NodeKind],
    workspace: Workspace,
    selected: Iterable[str] | None,
    options: RunOptions,
) -> RunOptions:
    """Return `options` for a run in a protected environment: what its release names stands as the release has it.

    Raises:
        ProtectedEnvironment: something is selected, or needed and not there, that only a release may move.
    """
    asked = list(selected or ())
    records = current_records(workspace)
    released = [i for i in graph.ancestors(asked) if kinds[graph.nodes[i].kind].is_released]
    # Without names it is everything that would run.
    if not asked or any(i in asked or i not in records for i in released):
        require_unprotected(workspace)
    return replace(
        options, pinned={**options.pinned, **{i: records[i].output for i in released if i in records}}
    )
