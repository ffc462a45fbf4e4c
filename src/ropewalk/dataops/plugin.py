"""What DataOps registers: the section `sources`, and the kinds source and table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.pipeline import DeferredKind, has_entries, has_folder
from ropewalk.plugins import hookimpl
from ropewalk.project import Address, Section

if TYPE_CHECKING:
    from ropewalk.pipeline import Kept, NodeKind, Swept, Workspace


@hookimpl
def project_sections() -> list[Section]:
    """Return the section that declares sources."""
    source = Address("ropewalk.dataops.sources", "AnySource")
    return [Section("sources", source, "Where data come from: files, SQLite databases and REST APIs")]


@hookimpl
def node_kinds() -> list[NodeKind]:
    """Return the kinds of data: sources and tables."""
    has_tables = has_folder("tables", "contracts")
    return [
        DeferredKind("source", "ropewalk.dataops.sources:SourceKind", has_entries("sources")),
        DeferredKind("table", "ropewalk.dataops.transform:TableKind", has_tables),
    ]


@hookimpl
def sweep(workspace: Workspace, kept: Kept) -> list[Swept]:
    """Let the lake go of snapshots that nothing stands for, and of the files that only they needed."""
    from ropewalk.dataops.lake import sweep_lake

    return sweep_lake(workspace, kept)
