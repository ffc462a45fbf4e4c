"""The kind `table`: one SQL file, one table of the lake."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from ropewalk.dataops.lake import holds_table, pack_table, unpack_table
from ropewalk.dataops.transform.build import build_table
from ropewalk.dataops.transform.declare import declare_tables
from ropewalk.dataops.transform.history import probe_history
from ropewalk.dataops.transform.parts import BOOK, BOOK_COLUMNS, probe_parts
from ropewalk.pipeline import Node, NodeKind, Output, Packed, Probe, Task, Workspace
from ropewalk.project import Project


class TableKind(NodeKind):
    """How the pipeline declares and builds the tables of `tables/**/*.sql`."""

    name = "table"
    replays = True

    def declare(self, project: Project) -> Iterable[Node]:
        """Return a node for each file below `tables/`, parsed and never executed.

        Raises:
            InvalidProjectFile: a file's place, SQL or contract is wrong.
            ContractWithoutTable: a contract is about a table that nothing makes.
        """
        return declare_tables(project)

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:  # the port's shape
        """Return which intervals are asked for, or what a history goes on from; nothing else outside counts.

        Raises:
            InvalidSpan: they are not from one time to a later one.
        """
        if "partition" in node.facts:
            return probe_parts(workspace, last)
        return probe_history(last) if node.facts.get("kind") == "history" else Probe(settled=True)

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:  # the port's shape
        """Return whether the lake still has the snapshot that `output` names, made for the table under `key`."""
        return holds_table(node, key, output, workspace)

    def execute(self, task: Task) -> Output:
        """Build the table and check its contract in one transaction of the lake.

        Raises:
            TableFailed: the engine could not compute it.
            ContractBroken: the new content breaks the contract; the old content stays.
        """
        output = build_table(task)
        _stand(task.workspace, task.node, output)
        return output

    def adopt(self, node: Node, output: Output, workspace: Workspace) -> None:
        """Let the environment see the table where a second engine computes it; the lake's own need nothing.

        Raises:
            RopewalkError: the engine did not do it.
        """
        _stand(workspace, node, output)

    def show(self, node: Node, output: Output, workspace: Workspace) -> None:
        """Do the same for what the environment began with."""
        _stand(workspace, node, output)

    def pack(self, node: Node, output: Output, workspace: Workspace) -> Packed | None:
        """Return the table as Parquet, or None when Parquet cannot keep its types, or it has no rows of its own."""
        # A view says which snapshots it reads, and they have other numbers elsewhere; making it again is cheap.
        return None if node.facts.get("kind") == "view" else pack_table(node, output, workspace, _books(node))

    def unpack(self, node: Node, key: str, packed: Packed, workspace: Workspace) -> Output:
        """Bring a packed table into the lake.

        Raises:
            ParcelDamaged: the rows are not those that were packed.
        """
        return unpack_table(node, key, packed, workspace, _books(node), {BOOK: BOOK_COLUMNS})


def _stand(workspace: Workspace, node: Node, output: Output) -> None:
    # By name, because planning reads this module and must not wait for what few tables need.
    if "engine" in node.facts:
        elsewhere = importlib.import_module("ropewalk.dataops.transform.elsewhere")
        elsewhere.stand_on_engine(workspace, node, output)


def _books(node: Node) -> dict[str, str]:
    """Return what the lake remembers of a table beside its rows."""
    return {BOOK: node.name} if "partition" in node.facts else {}
