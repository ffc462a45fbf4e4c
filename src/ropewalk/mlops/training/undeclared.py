"""Inputs that nobody declared: what a step read of the project besides its code, as facts that count in its key."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from blake3 import blake3

from ropewalk.errors import RopewalkError
from ropewalk.glance import is_watched
from ropewalk.mlops.training.audit import LIST, MISSING, TABLE, WRITE, Seen, file_state, names_in
from ropewalk.pipeline import JSON, Node, Task, Workspace, open_stat_cache

FILE, FOLDER, PAST = "file ", "folder ", "table "
# Never equal to a digest, so that a step that changes what it reads is never taken for fresh.
MOVED = "changed while the step ran"
NAMED = 3


def observed_inputs(task: Task, seen: Iterable[Seen]) -> dict[str, str]:
    """Return a fact for each file and folder of the project that was read and is not part of the step's code."""
    root, code = task.workspace.root, code_files(task.node)
    seen = list(seen)
    past = {f"{PAST}{item.path}": item.state for item in seen if item.what == TABLE}
    return past | {
        _name(item): _digest_then(item, task.workspace)
        for item in sorted(seen, key=lambda item: item.path)
        if item.what not in (WRITE, TABLE)
        and item.path not in code
        and not _is_temporary(root / item.path, root)
    }


def current_inputs(observed: Mapping[str, str], workspace: Workspace) -> dict[str, str]:
    """Return the facts of the same names as things stand now."""
    return {
        name: _past_now(name, workspace) if name.startswith(PAST) else _digest_now(name, workspace)
        for name in observed
    }


def _past_now(name: str, workspace: Workspace) -> str:
    """Return what a table at the moment that the step chose is now."""
    # Few steps read the past, and the lake is not cheap to open.
    from ropewalk.dataops.lake import moment_fact, open_lake

    table, _, moment = name.removeprefix(PAST).partition("@")
    try:
        return moment_fact(open_lake(workspace), table, moment)
    except RopewalkError:
        # What is gone is found by the step itself, which then says it best.
        return MISSING


def past_tables(observed: Mapping[str, str]) -> list[JSON]:
    """Return the tables that a step read as they were at a moment of its choice."""
    names = [name.removeprefix(PAST).partition("@") for name in observed if name.startswith(PAST)]
    return [
        {"table": table, "at": moment, "was": observed[f"{PAST}{table}@{moment}"]}
        for table, _, moment in names
    ]


def is_of_project(observed: Mapping[str, str], workspace: Workspace) -> bool:
    """Return whether each of these inputs lies where a glance at the project's files sees it change."""
    return all(is_watched(str(workspace.root), name.partition(" ")[2]) for name in observed)


def undeclared_summary(step: str, observed: Mapping[str, str]) -> dict[str, JSON]:
    """Return what a person should know of what the step read; nothing when it read nothing of the project."""
    # A file that was looked for in vain counts as well, but is nothing to declare.
    paths: list[JSON] = [
        name.partition(" ")[2]
        for name, digest in observed.items()
        if digest != MISSING and not name.startswith(PAST)
    ]
    if not paths:
        return {}
    shown = ", ".join(map(str, paths[:NAMED])) + (
        f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    )
    inputs, count = ("input", "it now counts") if len(paths) == 1 else ("inputs", "they now count")
    return {"undeclared": paths, "warning": f"undeclared {inputs} {shown}: {count} in the key of step {step}"}


def code_files(node: Node) -> set[str]:
    """Return the files of the step's code, which count in its key by what the step reaches of them."""
    return {place.path for name, place in node.places.items() if name.startswith("code ")}


def _is_temporary(path: Path, root: Path) -> bool:
    folder = Path(tempfile.gettempdir())
    # A project may itself be a temporary one.
    return path.is_relative_to(folder) and not root.is_relative_to(folder)


def _name(item: Seen) -> str:
    return f"{FOLDER if item.what == LIST else FILE}{item.path}"


def _digest_then(item: Seen, workspace: Workspace) -> str:
    """Return what was read: its content is still that of the moment when it was opened, or is gone."""
    if item.what == MISSING:
        return MISSING
    if item.what == LIST:
        return _names_digest(item.state)
    path = workspace.root / item.path
    return _digest(path, workspace) if file_state(path) == item.state else MOVED


def _digest_now(name: str, workspace: Workspace) -> str:
    kind, _, path = name.partition(" ")
    if f"{kind} " == FOLDER:
        return _names_digest(names_in(workspace.root / path, is_root=path == "."))
    return _digest(workspace.root / path, workspace)


def _names_digest(names: str | None) -> str:
    if names is None:
        return MISSING
    return blake3(names.encode(errors="surrogateescape")).hexdigest()[:32]


def _digest(path: Path, workspace: Workspace) -> str:
    try:
        return open_stat_cache(workspace).digest(path)[:32]
    except OSError:
        return MISSING
