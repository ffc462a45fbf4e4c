"""What DataOps registers: the section `sources`, and the kinds source and table."""

from __future__ import annotations

from ropewalk.pipeline import Kept, NodeKind, Swept, Workspace
from ropewalk.plugins import hookimpl
from ropewalk.project import Section


@hookimpl
def project_sections() -> list[Section]:
    """Return the section that declares sources."""
    from ropewalk.dataops.sources import SECTION

    return [SECTION]


@hookimpl
def node_kinds() -> list[NodeKind]:
    """Return the kinds of data: sources and tables."""
    from ropewalk.dataops.sources import SourceKind
    from ropewalk.dataops.transform import TableKind

    return [SourceKind(), TableKind()]


@hookimpl
def sweep(workspace: Workspace, kept: Kept) -> list[Swept]:
    """Let the lake go of snapshots that nothing stands for, and of the files that only they needed."""
    from ropewalk.dataops.lake import sweep_lake

    return sweep_lake(workspace, kept)
