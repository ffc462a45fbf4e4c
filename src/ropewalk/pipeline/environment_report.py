"""Environments as people look at them: which there are, what each has and since when, and how two differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ropewalk.errors import nearest
from ropewalk.pipeline.ages import parse_age
from ropewalk.pipeline.environments import DEFAULT, base_of, declared_environment, is_protected
from ropewalk.pipeline.reasons import Reason, compare, compare_inputs
from ropewalk.pipeline.records import Record, current_records, to_record
from ropewalk.pipeline.release_errors import EnvironmentKept, UnknownEnvironment
from ropewalk.pipeline.values import Output
from ropewalk.pipeline.workspace import Workspace
from ropewalk.project import Project
from ropewalk.store.changes import last_changes
from ropewalk.store.environments import (
    ChangeRow,
    drop_environment,
    list_changes,
    list_environments,
    pointers,
    pointers_at,
)
from ropewalk.store.pipeline import get_action


@dataclass(frozen=True)
class EnvironmentLine:
    """One environment; times in UTC milliseconds.

    Attributes:
        name: its name.
        base: the environment it was forked from, or will be.
        version: how often its pointers were moved; 0 while it is only declared.
        pointers: how many nodes it has.
        is_protected: whether only a release moves it.
        release: digest of the release that was applied last.
        used_at: when its pointers last moved.
        expires_at: when it may be dropped; None for never.
    """

    name: str
    base: str | None
    version: int
    pointers: int
    is_protected: bool
    release: str | None = None
    used_at: int | None = None
    expires_at: int | None = None


@dataclass(frozen=True)
class PointerLine:
    """What an environment has of one node, and what brought it there when."""

    node: str
    reference: str
    digest: str
    key: str
    cause: str | None
    moved_at: int | None


@dataclass(frozen=True)
class HistoryLine:
    """One change of an environment: the nodes that moved together, with what they had before and after."""

    version: int
    cause: str
    changed_at: int
    moves: tuple[tuple[str, str | None, str | None], ...]


@dataclass(frozen=True)
class Difference:
    """A node of which two environments do not have the same; a reference is None where it has nothing."""

    node: str
    one: str | None
    other: str | None
    reasons: tuple[Reason, ...] = ()


def environment_lines(workspace: Workspace) -> list[EnvironmentLine]:
    """Return every environment that was used or is declared, by name."""
    project, database = workspace.project, workspace.database
    rows = {row.name: row for row in list_environments(database)}
    lines = [
        EnvironmentLine(
            name=row.name,
            base=row.base,
            version=row.version,
            pointers=len(pointers(database, row.name)),
            is_protected=is_protected(project, row.name),
            release=row.release,
            used_at=row.used_at,
            expires_at=_expiry(project, row.name, row.used_at),
        )
        for row in rows.values()
    ]
    waiting = project.entries("environments").keys() - rows.keys()
    lines += [_waiting_line(workspace, name) for name in waiting]
    return sorted(lines, key=lambda line: line.name)


def environment_pointers(workspace: Workspace, environment: str) -> list[PointerLine]:
    """Return what the environment has, by node.

    Raises:
        UnknownEnvironment: there is none of that name.
    """
    require_environment(workspace, environment)
    changes = last_changes(workspace.database, environment)
    records = current_records(workspace, environment)
    return [_pointer_line(node, records[node], changes.get(node)) for node in sorted(records)]


def environment_history(workspace: Workspace, environment: str, limit: int = 20) -> list[HistoryLine]:
    """Return the newest changes of the environment, newest first.

    Raises:
        UnknownEnvironment: there is none of that name.
    """
    require_environment(workspace, environment)
    found: dict[int, list[ChangeRow]] = {}
    for change in list_changes(workspace.database, environment, 1_000_000):
        if change.version not in found and len(found) == limit:
            break
        found.setdefault(change.version, []).append(change)
    return [_history_line(workspace, environment, changes) for changes in found.values()]


def compare_environments(workspace: Workspace, one: str, other: str) -> list[Difference]:
    """Return the nodes of which `one` and `other` do not have the same content, with the reasons.

    Raises:
        UnknownEnvironment: there is no environment of one of the names.
    """
    for name in (one, other):
        require_environment(workspace, name)
    mine, theirs = current_records(workspace, one), current_records(workspace, other)
    return [
        _difference(node, mine.get(node), theirs.get(node))
        for node in sorted(mine.keys() | theirs.keys())
        if _key(mine.get(node)) != _key(theirs.get(node))
    ]


def only_here(workspace: Workspace, environment: str) -> list[str]:
    """Return the nodes of the environment whose content no other environment has."""
    elsewhere = {
        key
        for row in list_environments(workspace.database)
        if row.name != environment
        for key in pointers(workspace.database, row.name).values()
    }
    own = pointers(workspace.database, environment)
    return [node for node, key in own.items() if key not in elsewhere]


def remove_environment(workspace: Workspace, environment: str, *, is_sure: bool = False) -> None:
    """Remove an environment with its pointers and its history; what was executed stays until it is collected.

    Raises:
        UnknownEnvironment: there is none of that name.
        EnvironmentKept: it is protected or the default one, or nobody else has some of its content and nobody is sure.
    """
    require_environment(workspace, environment)
    if environment == DEFAULT or is_protected(workspace.project, environment):
        kind = "the default one" if environment == DEFAULT else "protected"
        raise EnvironmentKept(f"environment {environment!r} is {kind}, and stays")
    alone = only_here(workspace, environment)
    if alone and not is_sure:
        raise EnvironmentKept(
            f"{len(alone)} of its nodes have content that no other environment has, such as {alone[0]}",
            hint="promote what is worth keeping, or drop it all with --yes",
        )
    drop_environment(workspace.database, environment)


def require_environment(workspace: Workspace, environment: str) -> None:
    """Refuse a name that no environment has.

    Raises:
        UnknownEnvironment: it is neither declared nor was it ever used.
    """
    known = {row.name for row in list_environments(workspace.database)}
    known |= workspace.project.entries("environments").keys()
    if environment not in known:
        raise UnknownEnvironment(
            f"there is no environment {environment!r}",
            nearest=nearest(environment, known),
            hint="`ropewalk env list` lists them; the first run in one makes it",
        )


def _waiting_line(workspace: Workspace, name: str) -> EnvironmentLine:
    protected = is_protected(workspace.project, name)
    # A protected one begins empty, whatever there is.
    return EnvironmentLine(name, None if protected else base_of(workspace, name), 0, 0, protected)


def _pointer_line(node: str, record: Record, change: ChangeRow | None) -> PointerLine:
    return PointerLine(
        node=node,
        reference=record.output.reference,
        digest=record.output.digest,
        key=record.key,
        cause=change.cause if change else None,
        moved_at=change.changed_at if change else None,
    )


def _history_line(workspace: Workspace, environment: str, changes: list[ChangeRow]) -> HistoryLine:
    first = changes[0]
    before = pointers_at(workspace.database, environment, first.version - 1)
    moves = tuple(
        (
            change.node,
            _reference(workspace, before.get(change.node)),
            _reference(workspace, change.action_key),
        )
        for change in changes
    )
    return HistoryLine(first.version, first.cause, first.changed_at, moves)


def _reference(workspace: Workspace, key: str | None) -> str | None:
    row = get_action(workspace.database, key) if key else None
    return to_record(row).output.reference if row else None


def _difference(node: str, one: Record | None, other: Record | None) -> Difference:
    reasons = tuple(_reasons(one, other)) if one and other else ()
    return Difference(
        node, one.output.reference if one else None, other.output.reference if other else None, reasons
    )


def _reasons(one: Record, other: Record) -> Iterator[Reason]:
    yield from compare(one.facts, other.facts, {})
    yield from compare(one.outside, other.outside, {}, prefix="outside ")
    inputs = {
        name: Output(digest, other.input_references.get(name, "")) for name, digest in other.inputs.items()
    }
    yield from compare_inputs(one.inputs, one.input_references, inputs)


def _key(record: Record | None) -> str | None:
    return record.key if record else None


def _expiry(project: Project, name: str, used_at: int) -> int | None:
    entry = declared_environment(project, name)
    age = parse_age(entry.expires) if entry and entry.expires else None
    return None if age is None else used_at + age
