"""What is masked for whoever asks through a workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ropewalk import plugins
from ropewalk.dataops.columns import Origin, read_table_lineage
from ropewalk.dataops.contracts import Contract, declared_masks, is_open, read_contracts
from ropewalk.dataops.lake import Masks
from ropewalk.dataops.privacy.spread import spread_masks
from ropewalk.pipeline import Workspace, declare_graph
from ropewalk.project import load_project

# Kinds of nodes that only read tables: no column comes of them, so nothing is masked on their account.
ASKING = frozenset({"metric", "question", "publish"})


def project_masks(workspace: Workspace, *, is_for_others: bool = False) -> Masks | None:
    """Return what is masked for whoever asks through `workspace`; None for those with the right to see all.

    `is_for_others` asks what others may see, whatever right whoever asks has.

    What cannot be read is an error here: what it would have called personal must not be shown meanwhile.

    Raises:
        InvalidProjectFile: a contract, the glossary or another file that tables are made by is wrong.
    """
    masks = declared_masks(workspace, is_for_others=is_for_others)
    if not masks:
        return masks
    # The workspace's own project is as it was at the start; the files may have been edited since.
    project = load_project(workspace.root, plugins.sections())
    # A saved question that somebody broke is no reason to answer nobody.
    kinds = {name: kind for name, kind in plugins.kinds().items() if name not in ASKING}
    lineage = read_table_lineage(workspace, declare_graph(project, kinds))
    return spread_masks(masks, lineage, set(_opened(read_contracts(workspace.root))))


def _opened(contracts: Mapping[str, Contract]) -> Iterator[Origin]:
    for table, contract in contracts.items():
        for column in contract.columns:
            if is_open(column):
                yield Origin(table, column.name.lower())
