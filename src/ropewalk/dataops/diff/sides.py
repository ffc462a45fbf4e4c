"""What is compared: an environment's tables as they are, were some runs ago, or as a snapshot of the lake has them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from ropewalk.dataops.diff.errors import InvalidComparison, UnknownBase
from ropewalk.dataops.lake import (
    Lake,
    TableInfo,
    environment_tables,
    open_lake,
    snapshot_of,
    table_of,
    translate_error,
)
from ropewalk.errors import nearest
from ropewalk.pipeline import (
    Record,
    Workspace,
    base_of,
    branch_environment,
    current_records,
    environment_name,
    to_record,
)
from ropewalk.store.environments import list_changes, list_environments, pointers_at
from ropewalk.store.pipeline import get_action

_AGO = re.compile(r"(?P<name>.*)~(?P<runs>\d*)")
ALL = 1_000_000


@dataclass(frozen=True)
class Held:
    """A table as one side has it: its snapshot, and the digest of its content where that is known."""

    snapshot: int
    digest: str | None = None


@dataclass(frozen=True)
class Side:
    """One side of a comparison: what it is called, and the tables it has, by name in lower case."""

    label: str
    tables: Mapping[str, Held]


def current_side(workspace: Workspace) -> Side:
    """Return the tables of the workspace's environment."""
    return Side(workspace.settings.environment, _tables(current_records(workspace)))


def base_side(workspace: Workspace, base: str | None) -> Side:
    """Return what `base` means: an environment, `NAME~2` for two runs ago, a snapshot's number, or a branch.

    Without one it is the environment that the workspace's began with, or, when it began with none, what it had
    itself before the last run that changed it.

    Raises:
        UnknownBase: nothing is called so.
        SnapshotMissing: the lake has no such snapshot.
        InvalidComparison: there is nothing earlier to compare with.
    """
    own = workspace.settings.environment
    if base is None:
        found = base_of(workspace, own)
        return _environment_side(workspace, found) if found else _earlier_side(workspace, own, 1)
    if base.isdigit():
        return _snapshot_side(workspace, int(base))
    ago = _AGO.fullmatch(base)
    if ago:
        name = _find(workspace, ago["name"]) if ago["name"] else own
        return _earlier_side(workspace, name, int(ago["runs"] or 1))
    return _environment_side(workspace, _find(workspace, base))


def describe_held(lake: Lake, tables: Mapping[str, int]) -> list[TableInfo]:
    """Return those of `tables` that the lake has at their snapshots.

    Raises:
        SnapshotMissing: the lake has no such snapshot.
    """
    try:
        return lake.tables_at(tables)
    except duckdb.Error as error:
        raise translate_error(error) from error


def _environment_side(workspace: Workspace, name: str) -> Side:
    return Side(name, _tables(current_records(workspace, name)))


def _find(workspace: Workspace, name: str) -> str:
    """Return the environment that is called `name`, or that works of the branch of that name go to.

    Raises:
        UnknownBase: there is none.
    """
    known = {row.name for row in list_environments(workspace.database)}
    for found in (name, environment_name(name, {}), branch_environment(name)):
        if found in known:
            return found
    raise UnknownBase(
        f"nothing is called {name!r} that could be compared with",
        nearest=nearest(name, known),
        hint="an environment (`ropewalk env list`), NAME~1 for what it had before its last run, a snapshot or a branch",
    )


def _earlier_side(workspace: Workspace, name: str, runs: int) -> Side:
    """Return the tables that the environment had before the last so many things that moved it."""
    changes = list_changes(workspace.database, name, ALL)
    # One run moves many pointers, one after the other; each is a version of its own.
    groups = [list(group) for _, group in itertools.groupby(changes, key=lambda change: change.cause)]
    if not 1 <= runs <= len(groups):
        raise InvalidComparison(
            f"environment {name!r} was moved {len(groups)} times, so there is nothing {runs} runs ago"
            if groups
            else f"nothing was run in environment {name!r} yet, and there is no other to compare with",
            hint="`ropewalk env show --history` lists what moved it",
        )
    version = min(change.version for change in groups[runs - 1]) - 1
    keys = pointers_at(workspace.database, name, version)
    rows = ((node, get_action(workspace.database, key)) for node, key in keys.items())
    return Side(f"{name}~{runs}", _tables({node: to_record(row) for node, row in rows if row is not None}))


def _snapshot_side(workspace: Workspace, snapshot: int) -> Side:
    """Return the environment's tables as the lake had them at one snapshot, whoever had written them."""
    wanted = dict.fromkeys(environment_tables(workspace), snapshot)
    there = {f"{info.schema}.{info.name}".lower() for info in describe_held(open_lake(workspace), wanted)}
    if not there:
        raise UnknownBase(
            f"no table of environment {workspace.settings.environment!r} is in a snapshot {snapshot}",
            hint="`ropewalk env show` names the snapshots that are in use",
        )
    return Side(f"snapshot {snapshot}", {table: Held(snapshot) for table in there})


def _tables(records: Mapping[str, Record]) -> dict[str, Held]:
    return dict(_held(records.items()))


def _held(records: Iterable[tuple[str, Record]]) -> Iterable[tuple[str, Held]]:
    for node_id, record in records:
        table, snapshot = table_of(node_id), snapshot_of(record.output)
        if table is not None and snapshot is not None:
            yield table, Held(snapshot, record.output.digest)
