"""Artifacts: paths that cannot lead astray, and the files that stand at them."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from ropewalk.mlops.registry import FROZEN
from ropewalk.mlops.tracking.errors import InvalidRequest, PathTaken, UnknownArtifact, UnknownRun, UnsafePath
from ropewalk.pipeline import StoredObject, Workspace, naming_objects
from ropewalk.store import artifacts as manifest
from ropewalk.store.artifacts import Artifact, Entry
from ropewalk.store.tracking.runs import find_run_row
from ropewalk.store.tracking.values import Run

SCHEME = "mlflow-artifacts:/"
# MLflow sets no limit of its own; this one is far above what clients make, and keeps the manifest's key
# short.
PATH_LENGTH = 2048
# A NUL ends a path for the C library, and a line break forges lines in whatever log shows the path.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# `c:file` names another drive to a client on Windows, which downloads to the names that it is told.
_DRIVE = re.compile(r"[A-Za-z]:")
# Stores that clients reach themselves; this server never opens any of them.
_REMOTE = frozenset({"s3", "gs", "wasbs", "wasb", "abfss", "abfs", "hdfs", "viewfs", "sftp", "http", "https"})
# Azure writes a container where others have a user (`abfss://container@account/…`); an SFTP user is no secret either.
_NAMED_BY_USER = frozenset({"wasbs", "wasb", "abfss", "abfs", "sftp"})


def safe_path(path: str) -> str:
    """Return an artifact path that was decoded once, as it is stored: relative, plain, without a last slash.

    Raises:
        UnsafePath: it is absolute, leads upwards, or has parts that another reader could take for that.
    """
    # Clients name folders with and without it.
    plain = path.removesuffix("/")
    # A client may decode once more than we do; what is harmless here must be harmless there.
    for form in (plain, unquote(plain), unquote(unquote(plain))):
        parts = form.split("/")
        if (
            any(part in ("", ".", "..") for part in parts)
            or _CONTROL.search(form)
            or _DRIVE.match(form)
            # A backslash divides folders on Windows; `#` and `?` cut a path short for whoever reads it as a
            # URL.
            or any(sign in form for sign in "\\#?")
            or len(form) > PATH_LENGTH
        ):
            # The whole message: MLflow's tests compare it as it is.
            raise UnsafePath("Invalid path", detail=path[:200])
    return plain


def placed_location(location: str, machine: Path | None = None) -> str:
    """Return where an experiment's artifacts are kept when a client names `location`.

    A plain relative name is a folder of this server's own store or, with `machine`, the name of a folder below that
    one, as MLflow has it: clients on the same machine reach it themselves, and this server never opens it.

    Raises:
        InvalidRequest: it is a path or URI of the server's own machine, or of an unknown kind.
        UnsafePath: its path leads upwards.
    """
    # `~` is a home to whoever expands it, and a folder named like an experiment's id would be that experiment's.
    if (
        ":" not in location
        and not location.startswith(("/", "\\", "~"))
        and not location.partition("/")[0].isdecimal()
    ):
        plain = safe_path(location)
        # Not checked below: what a client may not name itself, the server has put together here.
        if machine is not None:
            return str(machine / plain)
        location = SCHEME + plain
    check_location(location)
    return location


def check_location(location: str) -> None:
    """Refuse a place for artifacts that is not the proxy or a remote store.

    Raises:
        InvalidRequest: it is a path or URI of the server's own machine, or of an unknown kind.
        UnsafePath: its path leads upwards.
    """
    try:
        parts = urlsplit(location)
    except ValueError:
        # A broken host such as `[x` has no reading at all.
        raise InvalidRequest(f"Invalid artifact location: {location[:200]!r} is no URI") from None
    # Two slashes would name another host's proxy.
    if location.startswith(SCHEME) and not parts.netloc:
        safe_path(location.removeprefix(SCHEME).lstrip("/"))
    elif parts.scheme not in _REMOTE or not parts.netloc:
        raise InvalidRequest(
            f"Invalid artifact location: {location[:200]!r}",
            hint="leave it out, or name a remote store; paths of the server's machine are never used",
        )
    elif parts.path.strip("/"):
        safe_path(parts.path.strip("/"))
    # Clients append to a location, which lands behind a query; a password in it would be shown to every
    # reader.
    if parts.query or parts.fragment or _has_credentials(parts):
        raise InvalidRequest("Invalid artifact location: it may have no query, fragment or credentials")


def _has_credentials(parts: SplitResult) -> bool:
    return bool(parts.password or (parts.username and parts.scheme not in _NAMED_BY_USER))


def proxied_path(uri: str) -> str | None:
    """Return the path behind an `mlflow-artifacts:/` URI, or None for any other place.

    Raises:
        UnsafePath: the path leads upwards.
    """
    return safe_path(uri.removeprefix(SCHEME).lstrip("/")) if uri.startswith(SCHEME) else None


def place_artifact(workspace: Workspace, path: str, stored: StoredObject) -> None:
    """Let a stored object stand at `path`, in place of the file that stood there.

    Raises:
        UnsafePath: the path is not a plain relative one.
        PathTaken: a folder stands there, or a file stands where a folder would be needed.
    """
    path = _writable(path)
    # One transaction: of two uploads that exclude each other the second is refused.
    with naming_objects(workspace, [stored]), workspace.database.write() as connection:
        blocking = manifest.blocks_path(connection, path)
        if blocking:
            raise PathTaken(
                f"{path!r} cannot be a file: {blocking!r} is there already",
                hint="delete that first, or choose another path",
            )
        manifest.put_artifact(connection, Artifact(path, stored.digest, stored.size))


def _writable(path: str) -> str:
    """Return a safe path at which clients may put and remove files."""
    path = safe_path(path)
    if path == FROZEN or path.startswith(f"{FROZEN}/"):
        raise PathTaken(f"{FROZEN} holds the files of registered versions, which never change")
    return path


def find_artifact(workspace: Workspace, path: str) -> Artifact:
    """Return the file at `path`.

    Raises:
        UnsafePath: the path is not a plain relative one.
        UnknownArtifact: there is no file.
    """
    # The check is repeated at reading: what an older release let in must not lead elsewhere today.
    with workspace.database.read() as connection:
        found = manifest.find_artifact(connection, safe_path(path))
    if found is None:
        raise UnknownArtifact(f"No artifact at {path!r}")
    return found


def list_artifacts(workspace: Workspace, folder: str) -> list[Entry]:
    """Return what lies directly in `folder`; nothing when there is no such folder.

    Raises:
        UnsafePath: the path is not a plain relative one.
    """
    with workspace.database.read() as connection:
        return manifest.list_folder(connection, safe_path(folder) if folder else "")


def keep_run_file(workspace: Workspace, run_id: str, path: str, content: bytes) -> bool:
    """Keep a file among the artifacts of a run; False when these are in a store that only clients reach.

    Raises:
        UnknownRun: there is no such run.
    """
    with workspace.database.read() as connection:
        run = find_run_row(connection, run_id)
    if run is None:
        raise UnknownRun(f"Run with id={run_id} not found")
    folder = proxied_path(run.artifact_uri)
    if folder is None:
        return False
    place_artifact(workspace, f"{folder}/{path}", workspace.objects.put_bytes(content))
    return True


def list_run_files(workspace: Workspace, run: Run, most: int) -> list[tuple[str, int]]:
    """Return path and size of up to `most` files of a run, relative to its own folder; none that are elsewhere."""
    folder = proxied_path(run.artifact_uri)
    if folder is None:
        return []
    with workspace.database.read() as connection:
        found = manifest.artifacts_below(connection, folder)
    return [(one.path.removeprefix(f"{folder}/"), one.size) for one in found[:most]]


def delete_artifacts(workspace: Workspace, path: str) -> None:
    """Take the file at `path`, or all below it, out of the manifest.

    Raises:
        UnsafePath: the path is not a plain relative one.
        UnknownArtifact: nothing stands there.
    """
    with workspace.database.write() as connection:
        if not manifest.remove_artifacts(connection, _writable(path)):
            raise UnknownArtifact(f"No artifact at {path!r}")
