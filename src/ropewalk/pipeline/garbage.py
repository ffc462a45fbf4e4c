"""Collecting what nobody can ask for any more: by reachability, beside runs, and safe against a kill anywhere.

Reached is what an environment points at or pointed at lately, what a release file names, what a run in progress
uses, and whatever is young. Rows go first and bytes last: whoever is killed in between leaves bytes that nobody
names, which the next collection finds.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ropewalk import plugins
from ropewalk.pipeline.ages import DAY_MS
from ropewalk.pipeline.environment_report import environment_lines, remove_environment
from ropewalk.pipeline.environments import DEFAULT
from ropewalk.pipeline.leases import living_leases
from ropewalk.pipeline.present_files import files_below
from ropewalk.pipeline.remote_garbage import STINT, sweep_remote_objects
from ropewalk.pipeline.values import Output
from ropewalk.pipeline.workspace import Workspace
from ropewalk.project import released_keys
from ropewalk.store import RowRefused, now_ms
from ropewalk.store.garbage import ActionLine, Roots, remove_actions, split_actions

# What is this young is never touched: whoever stores bytes names them in the database a moment later.
MOMENT_MS = 60_000
ATTEMPTS = 3


@dataclass(frozen=True)
class Kept:
    """What stays, for rooms that keep content of their own.

    Attributes:
        outputs: what the actions that stay made, by node.
        references: where that is, and where the inputs of these actions were.
        runs: the runs that these actions are of, and those in progress.
        environments: the environments that there still are.
        before_ms: what was made or used later stays whatever names it, in UTC milliseconds.
        history_ms: how long what is only looked at (logs) stays, in milliseconds.
        is_dry: whether to say what would be removed, and remove nothing.
    """

    outputs: Mapping[str, tuple[Output, ...]]
    references: frozenset[str]
    runs: frozenset[str]
    environments: frozenset[str]
    before_ms: int
    history_ms: int
    is_dry: bool = False


@dataclass(frozen=True)
class Swept:
    """How many things of one sort were removed, and how many bytes that freed; None when that is not known."""

    what: str
    count: int
    size: int | None = None


def collect_garbage(workspace: Workspace, older_than_ms: int, *, is_dry: bool = False) -> list[Swept]:
    """Remove what nobody can ask for any more, and return what that was, or would be.

    Args:
        workspace: the project.
        older_than_ms: what is younger than this stays in any case.
        is_dry: remove nothing.

    Raises:
        StoreReadOnly: objects cannot be removed.
        CacheUnreachable, CacheRefused: storage that servers share does not answer or refuses; all else is done.
        RopewalkError: a room could not sweep; what was removed by then stays removed.
    """
    now = now_ms()
    roots = _roots(workspace, older_than_ms, ())
    expired = _drop_expired(workspace, now, is_dry=is_dry)
    roots = replace(roots, without=expired)
    staying, going = _forget_actions(workspace, roots, is_dry=is_dry)
    kept = _kept(workspace, staying, roots, is_dry=is_dry)
    swept = [Swept("environments", len(expired)), Swept("actions", len(going))]
    # Rooms first: what they forget may be all that named an object.
    swept += plugins.sweep_rooms(workspace, kept)
    live = plugins.named_objects(workspace, kept)
    swept.append(_sweep_objects(workspace, kept, live))
    # Last: when the storage does not answer, all that lies here is done.
    if workspace.remote_objects is not None:
        freed = sweep_remote_objects(workspace, live, kept.before_ms / 1000, is_dry=kept.is_dry)
        swept.append(Swept("objects shared by servers", *freed))
    return swept


def find_kept(workspace: Workspace, older_than_ms: int, *, is_dry: bool = False) -> Kept:
    """Return what somebody can still ask for, for a room that tidies up on its own; nothing is forgotten.

    Args:
        workspace: the project.
        older_than_ms: what is younger than this stays in any case.
        is_dry: whether the room is to say what it would remove, and remove nothing.
    """
    roots = _roots(workspace, older_than_ms, frozenset())
    staying, _ = _forget_actions(workspace, roots, is_dry=True)
    return _kept(workspace, staying, roots, is_dry=is_dry)


def _roots(workspace: Workspace, older_than_ms: int, without: Collection[str]) -> Roots:
    now = now_ms()
    living = [lease.name for lease in living_leases(workspace.database, "")]
    return Roots(
        keys={name.removeprefix("action:") for name in living if name.startswith("action:")}
        | released_keys(workspace.root),
        runs={name.removeprefix("run:") for name in living if name.startswith("run:")},
        without=without,
        history_since=now - workspace.settings.keep_history * DAY_MS,
        young_since=_before(workspace, now - older_than_ms),
    )


def _before(workspace: Workspace, wanted: int) -> int:
    """Return the time before which things may be removed: never what somebody at work has just made."""
    at_work = [
        lease.taken_at
        for lease in living_leases(workspace.database, "")
        # Whoever collects makes nothing, and one that was killed on another machine would hold up all that follow.
        if not lease.name.startswith(STINT)
    ]
    return min(wanted, *at_work, now_ms()) - MOMENT_MS


def _drop_expired(workspace: Workspace, now: int, *, is_dry: bool) -> list[str]:
    expired = [
        line.name
        for line in environment_lines(workspace)
        if line.expires_at is not None and line.expires_at < now and line.version and not line.is_protected
    ]
    # The one that the command works in is in use by definition.
    expired = [name for name in expired if name != workspace.settings.environment]
    if not is_dry:
        for name in expired:
            remove_environment(workspace, name, is_sure=True)
    return expired


def _forget_actions(
    workspace: Workspace, roots: Roots, *, is_dry: bool
) -> tuple[list[ActionLine], list[ActionLine]]:
    if is_dry:
        with workspace.database.read() as connection:
            return split_actions(connection, roots)
    for attempt in range(ATTEMPTS):
        try:
            # One transaction: no pointer can move to an action between looking and forgetting it.
            with workspace.database.write() as connection:
                staying, going = split_actions(connection, roots)
                remove_actions(connection, [line.key for line in going])
        except RowRefused:
            # On a server writers do not wait for each other, and one has just pointed at something that was to go.
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return staying, going
    raise AssertionError  # the last attempt returns or raises


def _kept(workspace: Workspace, staying: Iterable[ActionLine], roots: Roots, *, is_dry: bool) -> Kept:
    outputs: dict[str, tuple[Output, ...]] = {}
    references: set[str] = set()
    runs = set(roots.runs)
    for line in staying:
        output = _output(line)
        outputs[line.node] = (*outputs.get(line.node, ()), output)
        references |= {output.reference, *line.input_references.values()}
        runs.add(line.run_id)
    there = {line.name for line in environment_lines(workspace)} - set(roots.without)
    # Also before anything was ever run in them.
    there |= {DEFAULT, workspace.settings.environment}
    return Kept(
        outputs=outputs,
        references=frozenset(references),
        runs=frozenset(runs),
        environments=frozenset(there),
        before_ms=roots.young_since,
        history_ms=workspace.settings.keep_history * DAY_MS,
        is_dry=is_dry,
    )


def _output(line: ActionLine) -> Output:
    fields = json.loads(line.output)
    # JSON knows no tuples.
    return Output(**{**fields, "origins": tuple(fields["origins"]), "makes": tuple(fields["makes"])})


def _sweep_objects(workspace: Workspace, kept: Kept, live: Collection[str]) -> Swept:
    before_s = kept.before_ms / 1000
    count = size = 0
    for stored, stored_at in workspace.objects.objects():
        if stored.digest in live or stored_at >= before_s:
            continue
        # Looked at once more under a lock: somebody may have stored it again a moment ago.
        if kept.is_dry or workspace.objects.remove(stored.digest, before_s):
            count, size = count + 1, size + stored.size
    return Swept("objects", count, size)


def sweep_logs(workspace: Workspace, kept: Kept) -> Swept:
    """Remove the logs of runs of which nothing stays, once they are older than the history that is kept."""
    oldest = time.time() - kept.history_ms / 1000
    count = size = 0
    for folder in sorted((workspace.state / "logs").glob("*/")):
        # Only folders that are named after runs: others keep logs of their own beside them.
        if not re.fullmatch(r"[0-9a-f]{32}", folder.name) or folder.name in kept.runs:
            continue
        files = [stat for _, stat in files_below(folder)]
        newest = max((stat.st_mtime for stat in files), default=_changed(folder))
        if newest < min(oldest, kept.before_ms / 1000):
            count, size = count + 1, size + sum(stat.st_size for stat in files)
            if not kept.is_dry:
                shutil.rmtree(folder, ignore_errors=True)
    return Swept("logs of runs", count, size)


def _changed(folder: Path) -> float:
    # Another collection may have removed it a moment ago: then there is nothing to do.
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return math.inf
