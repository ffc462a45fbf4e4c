"""What DataOps registers: the sections `sources`, `engines` and `publish`, and the kinds source, table, metric, question and publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.pipeline import DeferredKind, has_entries, has_folder
from ropewalk.plugins import hookimpl
from ropewalk.project import Address, Section

if TYPE_CHECKING:
    from ropewalk.pipeline import Kept, NodeKind, Swept, Workspace
    from ropewalk.project import Project


@hookimpl
def project_sections() -> list[Section]:
    """Return the sections that declare sources, engines and publications."""
    source = Address("ropewalk.dataops.sources", "AnySource")
    publication = Address("ropewalk.dataops.publish", "Publication")
    return [
        Section("sources", source, "Where data come from: files, SQLite databases and REST APIs"),
        Section("engines", Address("ropewalk.dataops.warehouse", "Engine"), "Databases that compute tables"),
        Section(
            "publish",
            publication,
            "Tables that others read elsewhere: in databases, buckets, search clusters",
        ),
    ]


def _has_sources(project: Project) -> bool:
    return has_entries("sources")(project) or has_folder("sources")(project)


@hookimpl
def node_kinds() -> list[NodeKind]:
    """Return the kinds of data: sources, tables, metrics, questions and publications."""
    has_tables = has_folder("tables", "contracts")
    return [
        DeferredKind("source", "ropewalk.dataops.sources:SourceKind", _has_sources),
        DeferredKind("table", "ropewalk.dataops.transform:TableKind", has_tables),
        DeferredKind("metric", "ropewalk.dataops.metrics:MetricKind", has_folder("metrics")),
        DeferredKind("question", "ropewalk.dataops.questions:QuestionKind", has_folder("questions")),
        DeferredKind("publish", "ropewalk.dataops.publish:PublishKind", has_entries("publish")),
    ]


@hookimpl
def sweep(workspace: Workspace, kept: Kept) -> list[Swept]:
    """Let the lake go of snapshots that nothing stands for, and of the files that only they needed."""
    from ropewalk.dataops.lake import sweep_lake

    return sweep_lake(workspace, kept)
