"""The node kind `source`: `source:NAME` loads the table `raw.NAME`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from ropewalk.dataops.sources.database_declarations import DuckDBSource, MySQLSource, PostgresSource
from ropewalk.dataops.sources.declarations import FilesSource, Source, SQLiteSource
from ropewalk.dataops.sources.driver_declarations import DLTSource
from ropewalk.dataops.sources.elastic_declarations import ElasticsearchSource
from ropewalk.dataops.sources.errors import InvalidSource
from ropewalk.dataops.sources.facts import source_facts
from ropewalk.dataops.sources.git_declarations import GitSource
from ropewalk.dataops.sources.gitlab_declarations import GitLabSource
from ropewalk.dataops.sources.program_declarations import ProgramSource
from ropewalk.dataops.sources.promised import load_checked, source_contracts, with_contract
from ropewalk.dataops.sources.rest_expansion import expand_resources
from ropewalk.dataops.sources.rest_resources import RESTSource
from ropewalk.dataops.sources.singer_declarations import SingerSource
from ropewalk.dataops.sources.spec import Loader, SourceSpec
from ropewalk.errors import InvalidInput, NotFound, RopewalkError, Unavailable
from ropewalk.pipeline import Need, Node, NodeKind, Output, Packed, Probe, Task, Workspace
from ropewalk.project import Entry, Project

# What the lake remembers of a load beside its rows.
BOOKS = ("source_files", "watermarks")
# The schema of the rows that did not fit.
QUARANTINE = "quarantine"
# Where functions are that bring rows.
SOURCES_FOLDER = "sources"
# A source's name becomes a table's, which is written without quotes in people's SQL.
_TABLE_NAME = re.compile(r"^[A-Za-z_]\w*$")


class SourceKind(NodeKind):
    """Declares, probes and loads the sources of a project; see `NodeKind` for what each method promises."""

    @property
    def name(self) -> str:
        """`source`."""
        return "source"

    def declare(self, project: Project) -> Iterator[Node]:
        """Yield one node per entry below `sources:`, and per function in the folder `sources/`.

        Raises:
            InvalidSource: a name that cannot be a table's, or a function that cannot be a source.
            InvalidProjectFile: a contract is wrong.
        """
        entries = project.entries("sources")
        has_functions = (project.root / SOURCES_FOLDER).is_dir()
        contracts = source_contracts(project.root) if entries or has_functions else {}
        for entry in entries.values():
            for spec in _tables(entry):
                yield with_contract(_declare(spec), contracts.get(spec.table.lower()))
        if has_functions:
            # Only a project with functions loads what reads Python.
            from ropewalk.dataops.sources.python_sources import python_nodes

            for node in python_nodes(project):
                yield with_contract(node, contracts.get(node.provides[0].lower()))

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        """Return the state of the source, or why it cannot be told."""
        try:
            return _loader(node, last).probe(workspace)
        except (InvalidInput, NotFound, Unavailable) as error:
            # The plan shows why; executing the node then raises it in full.
            return Probe(unreachable=error.message)

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Return whether the lake still has the snapshot that `output` names, loaded under `key`."""
        # The lake loads DuckDB, which declaring a source does not need.
        from ropewalk.dataops.lake import holds_table

        return holds_table(node, key, output, workspace)

    def execute(self, task: Task) -> Output:
        """Load what is new, unless the table would then break its contract.

        Raises:
            ContractBroken: it would; the table and what the lake remembers of the load stay as they were.
        """
        try:
            return load_checked(task, _loader(task.node))
        except RopewalkError as error:
            # What names no place of its own, such as a secret that is not set, is about the declaration.
            error.place = error.place or task.node.origin
            raise

    def pack(self, node: Node, output: Output, workspace: Workspace) -> Packed | None:
        """Return the source's table as Parquet with what is loaded into it and what did not fit, or None for none."""
        from ropewalk.dataops.lake import pack_table

        books = dict.fromkeys(BOOKS, node.name)
        return pack_table(node, output, workspace, books, f"{QUARANTINE}.{node.name}")

    def unpack(self, node: Node, key: str, packed: Packed, workspace: Workspace) -> Output:
        """Bring a packed source into the lake, so that the next load goes on where the packed one had come.

        Raises:
            ParcelDamaged: the rows are not those that were packed.
        """
        from ropewalk.dataops.lake import unpack_table

        books, beside = dict.fromkeys(BOOKS, node.name), f"{QUARANTINE}.{node.name}"
        return unpack_table(node, key, packed, workspace, books, beside=beside)


def source_tables(project: Project) -> tuple[str, ...]:
    """Return the tables that the entries below `sources:` declare, such as `raw.flights`; an entry may have several.

    Raises:
        InvalidSource: a name that cannot be a table's.
    """
    return tuple(spec.table for entry in project.entries("sources").values() for spec in _tables(entry))


def _tables(entry: Entry) -> Iterator[SourceSpec]:
    """Yield what an entry declares, one for each table: an API may have several resources."""
    if not _TABLE_NAME.match(entry.name):
        raise InvalidSource(
            f"source {entry.name!r} cannot be the name of a table",
            place=entry.place,
            hint="use letters, digits and underscores",
        )
    source = cast("Source | GitLabSource", entry.value)
    if isinstance(source, RESTSource):
        for name, one in expand_resources(entry.name, source, entry.place):
            yield SourceSpec(name, one, entry.place)
    elif isinstance(source, GitLabSource):
        from ropewalk.dataops.sources.gitlab_resources import expand_gitlab

        for name, one in expand_gitlab(entry.name, source):
            yield SourceSpec(name, one, entry.place)
    elif isinstance(source, GitSource | SingerSource | DLTSource):
        for name, table in source.expand(entry.name):
            yield SourceSpec(name, table, entry.place)
    else:
        yield SourceSpec(entry.name, source, entry.place)


def _declare(spec: SourceSpec) -> Node:
    # A fact stands where its entry does; the project file tells no more of places.
    facts = source_facts(spec.source)
    parent = getattr(spec.source, "parent", None)
    return Node(
        id=spec.node_id,
        origin=spec.place,
        spec=spec,
        provides=(spec.table,),
        needs=(Need(parent, spec.place),) if parent else (),
        facts=facts,
        places=dict.fromkeys(facts, spec.place),
    )


def _loader(node: Node, last: Output | None = None) -> Loader:
    """Return the loader of a node, importing DuckDB or the HTTP client only when that kind is used."""
    spec = cast("SourceSpec", node.spec)
    match spec.source:
        case FilesSource() as source:
            from ropewalk.dataops.sources.files import FilesLoader

            return FilesLoader(spec, source)
        case SQLiteSource() as source:
            from ropewalk.dataops.sources.sqlite import SQLiteLoader

            return SQLiteLoader(spec, source)
        case RESTSource() as source:
            from ropewalk.dataops.sources.rest import rest_loader

            return rest_loader(spec, source, last)
        case ElasticsearchSource() as source:
            from ropewalk.dataops.sources.elastic import elasticsearch_loader

            return elasticsearch_loader(spec, source, last)
        case PostgresSource() | MySQLSource() | DuckDBSource() as source:
            from ropewalk.dataops.sources.database import DatabaseLoader

            return DatabaseLoader(spec, source, last)
        case ProgramSource() | GitSource() as source:
            from ropewalk.dataops.sources.programs import program_loader

            return program_loader(spec, source, last)
