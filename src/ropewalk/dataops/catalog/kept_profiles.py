"""Profiles that were worked out before: a table at a snapshot never changes, so neither does what its values are like.

They are files of the state folder, one for each table, snapshot and set of hidden columns; losing them costs time.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import msgspec
from blake3 import blake3

from ropewalk.dataops.catalog.profiles import compute_profile
from ropewalk.dataops.catalog.values import TableProfile
from ropewalk.dataops.lake import Lake, TableName
from ropewalk.pipeline import Workspace

FOLDER = "profiles"
# What is in the files differs when this does.
VERSION = 1
# Profiles of snapshots that nobody looks at any more make room for newer ones.
MOST = 500


def profile_at(
    workspace: Workspace, lake: Lake, table: TableName, snapshot: int, hidden: Collection[str]
) -> TableProfile:
    """Return the profile of `table` at `snapshot` as it was kept, or else work it out and keep it.

    Raises:
        NotProfiled: the lake does not have it there, or the engine could not compute it.
    """
    path = workspace.state / FOLDER / _file(table, snapshot, hidden)
    found = _read(path)
    if found is None:
        found = compute_profile(lake, table, snapshot, hidden)
        _keep(path, found)
    return found


def kept_profile(
    workspace: Workspace, table: TableName, snapshot: int, hidden: Collection[str]
) -> TableProfile | None:
    """Return the profile of `table` at `snapshot` if it was worked out before."""
    return _read(workspace.state / FOLDER / _file(table, snapshot, hidden))


def _file(table: TableName, snapshot: int, hidden: Collection[str]) -> str:
    # A profile that shows values is not the one for those who may not see them.
    parts = [str(VERSION), str(table).lower(), str(snapshot), *sorted(hidden)]
    return blake3("\n".join(parts).encode()).hexdigest()[:32] + ".json"


def _read(path: Path) -> TableProfile | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=TableProfile)
    except (OSError, msgspec.MsgspecError):
        return None


def _keep(path: Path, found: TableProfile) -> None:
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.encode(found))
        Path(name).replace(path)
        oldest = sorted(path.parent.glob("*.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)[
            MOST:
        ]
        for file in oldest:
            file.unlink(missing_ok=True)
