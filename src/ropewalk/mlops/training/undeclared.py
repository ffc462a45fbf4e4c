"""Inputs that nobody declared: what a step read of the project besides its code, as facts that count in its key."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from blake3 import blake3

from ropewalk.errors import RopewalkError
from ropewalk.glance import PASSING, is_watched
from ropewalk.mlops.training.audit import (
    LIST,
    MISSING,
    NAMED,
    SOURCE,
    TABLE,
    VARIABLE,
    WRITE,
    Seen,
    file_state,
    names_in,
)
from ropewalk.mlops.training.variables import variable_state
from ropewalk.pipeline import JSON, Node, Task, Workspace, open_stat_cache
from ropewalk.processes import names_secret

FILE, FOLDER, PAST, FROM_OUTSIDE = "file ", "folder ", "table ", "variable "
# Never equal to a digest, so that a step that changes what it reads is never taken for fresh.
MOVED = "changed while the step ran"
SHOWN = 3
# What the engine or the machine's shell sets for each process by itself.
_THE_ENGINES = re.compile(
    r"(ROPEWALK|MLFLOW)_|(PATH|PYTHONPATH|VIRTUAL_ENV|DO_NOT_TRACK|GIT_PYTHON_REFRESH)$"
)


def observed_inputs(task: Task, seen: Iterable[Seen]) -> dict[str, str]:
    """Return a fact for each file and folder of the project that was read and is not part of the step's code."""
    root, code = task.workspace.root, code_files(task.node)
    seen = list(seen)
    written = {item.path for item in seen if item.what == WRITE}
    past = {f"{PAST}{item.path}": item.state for item in seen if item.what == TABLE}
    asked = [item for item in seen if item.what == VARIABLE and _may_be_told(item.path)]
    return (
        past
        | {f"{FROM_OUTSIDE}{item.path}": item.state for item in asked}
        | {
            _name(item): _digest_then(item, task.workspace)
            for item in sorted(seen, key=lambda item: item.path)
            if item.what not in (WRITE, TABLE, VARIABLE)
            # Of what is imported counts what the step reaches of it.
            and not (item.what == SOURCE and item.path in code)
            # What was named to a program and is another file now, that program made.
            and not (item.what == NAMED and file_state(root / item.path) != item.state)
            and not (item.what == LIST and _made_all(item, written))
            and not _is_temporary(root / item.path, root)
        }
    )


def _made_all(folder: Seen, written: Iterable[str]) -> bool:
    """Return whether the step wrote everything that it found in a folder: one it made to return it, say."""
    names = {
        path.removeprefix(f"{folder.path}/").partition("/")[0]
        for path in written
        if path.startswith(f"{folder.path}/")
    }
    return bool(folder.state) and names.issuperset(folder.state.splitlines())


def _may_be_told(name: str) -> bool:
    """Return whether a variable is the user's own and no secret: those count by their name, which is in the code."""
    return not (_THE_ENGINES.match(name) or names_secret(name))


def current_inputs(observed: Mapping[str, str], workspace: Workspace) -> dict[str, str]:
    """Return the facts of the same names as things stand now."""
    return {
        name: _past_now(name, workspace) if name.startswith(PAST) else _digest_now(name, workspace)
        for name in observed
    }


def _variable_now(name: str, environ: Mapping[str, str] = os.environ) -> str:
    # One whose value is a secret by now is another value, whichever it is.
    return variable_state(name, environ) or MOVED


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
    return all(
        name.partition(" ")[2] not in PASSING
        if name.startswith(FROM_OUTSIDE)
        else is_watched(str(workspace.root), name.partition(" ")[2])
        for name in observed
    )


def undeclared_summary(step: str, observed: Mapping[str, str]) -> dict[str, JSON]:
    """Return what a person should know of what the step read; nothing when it read nothing of the project."""
    # A file that was looked for in vain counts as well, but is nothing to declare.
    paths: list[JSON] = [
        # A variable is told as one; of a file the path says it.
        name if name.startswith(FROM_OUTSIDE) else name.partition(" ")[2]
        for name, digest in observed.items()
        if digest != MISSING and not name.startswith(PAST)
    ]
    if not paths:
        return {}
    shown = ", ".join(map(str, paths[:SHOWN])) + (
        f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
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
    if f"{kind} " == FROM_OUTSIDE:
        return _variable_now(path)
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
