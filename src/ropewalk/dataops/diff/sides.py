"""What is compared: an environment's tables as they are, were some runs ago, or as a snapshot of the lake has them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ropewalk.dataops.diff.errors import InvalidComparison, UnknownBase
from ropewalk.dataops.lake import (
    environment_tables,
    open_lake,
    snapshot_of,
    table_of,
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
    """Return what `base` means: an environment, `NAME~2` for two runs ago, a snapshot's number, a pin, or a branch.

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
    # Not `isdigit`: of its digits some, such as a raised 2, are no numbers.
    if base.isdecimal():
        return _snapshot_side(workspace, int(base))
    ago = _AGO.fullmatch(base)
    if ago is None:
        return _named_side(workspace, base)
    name = _find(workspace, ago["name"]) if ago["name"] else own
    if name is None:
        raise _unknown(workspace, ago["name"])
    return _earlier_side(workspace, name, int(ago["runs"] or 1))


def _named_side(workspace: Workspace, name: str) -> Side:
    """Return the environment or the branch called `name`, or else the pin."""
    found = _find(workspace, name)
    side = _environment_side(workspace, found) if found is not None else _pin_side(workspace, name)
    if side is None:
        raise _unknown(workspace, name)
    return side


def _environment_side(workspace: Workspace, name: str) -> Side:
    return Side(name, _tables(current_records(workspace, name)))


def _find(workspace: Workspace, name: str) -> str | None:
    """Return the environment that is called `name`, or that works of the branch of that name go to; None if none is."""
    known = {row.name for row in list_environments(workspace.database)}
    return next(
        (item for item in (name, environment_name(name, {}), branch_environment(name)) if item in known), None
    )


def _unknown(workspace: Workspace, name: str) -> UnknownBase:
    known = {row.name for row in list_environments(workspace.database)}
    known |= {pin.name for pin in open_lake(workspace).pins()}
    return UnknownBase(
        f"nothing is called {name!r} that could be compared with",
        nearest=nearest(name, known),
        hint="an environment (`ropewalk env list`), NAME~1 for what it had before its last run, a snapshot, a pin or a branch",
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
    there = {name.lower() for name in open_lake(workspace).names_at(snapshot)}
    own = environment_tables(workspace)
    return Side(f"snapshot {snapshot}", {table: Held(snapshot) for table in own if table in there})


def _pin_side(workspace: Workspace, name: str) -> Side | None:
    """Return the environment's tables that a pin names, at their pinned snapshots; None when no pin is called so."""
    pin = next((pin for pin in open_lake(workspace).pins() if pin.name == name), None)
    if pin is None:
        return None
    own = environment_tables(workspace)
    held = {item.table.lower(): Held(item.snapshot) for item in pin.tables}
    return Side(f"pin {name}", {table: item for table, item in held.items() if table in own})


def _tables(records: Mapping[str, Record]) -> dict[str, Held]:
    return dict(_held(records.items()))


def _held(records: Iterable[tuple[str, Record]]) -> Iterable[tuple[str, Held]]:
    for node_id, record in records:
        table, snapshot = table_of(node_id), snapshot_of(record.output)
        if table is not None and snapshot is not None:
            yield table, Held(snapshot, record.output.digest)
