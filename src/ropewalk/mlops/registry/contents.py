"""What a version consists of: its files, their digest, and where they are laid out, always as they were registered."""

from __future__ import annotations

from pathlib import Path

from ropewalk.mlops.registry.errors import NoModelFiles
from ropewalk.mlops.registry.inspection import require_loadable
from ropewalk.mlops.registry.sources import PROXIED, content_digest
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection
from ropewalk.store import registry as table
from ropewalk.store.artifacts import Artifact, artifacts_below, put_artifact, remove_artifacts
from ropewalk.store.registry import ModelVersion
from ropewalk.store.registry_history import registered_with

# Below it stand versions whose artifacts were changed after their registration, by the digest of their content.
FROZEN = "registered-versions"


def materialise(workspace: Workspace, version: ModelVersion, folder: Path) -> None:
    """Let the version's files, as they were registered, appear in `folder`; files that are there stay.

    Raises:
        NoModelFiles: this server has none of it.
        ObjectMissing: the store has lost one.
        ObjectDamaged: one is not what it was registered as.
        Quarantined: its files import what is not known, and nobody has allowed it.
    """
    require_loadable(workspace, version)
    with workspace.database.read() as connection:
        files = table.version_files(connection, version.name, version.version)
    # Raised before the folder is made: an empty folder would be taken for a model.
    if not files:
        raise NoModelFiles(
            f"There are no files of model {version.name} version {version.version} here",
            hint=f"they were registered from {version.source}: log the model to this server",
        )
    # Links where the filesystem allows: a model of gigabytes is laid out at once.
    for file in files:
        target = folder / file.path
        # What is there stays: workers map these files into memory while a second deployment is laid out.
        if not target.exists():
            # Whoever loads a model loads what was registered: bytes that rotted on the disk are found here.
            workspace.objects.require_whole(file.digest)
            workspace.objects.link(file.digest, target)


def version_content(workspace: Workspace, version: ModelVersion) -> tuple[str, tuple[Artifact, ...]]:
    """Return the digest of a version's content, and the files that it is the digest of."""
    with workspace.database.read() as connection:
        files = tuple(table.version_files(connection, version.name, version.version))
    return (content_digest(files) if files else version.digest), files


def download_location(workspace: Workspace, version: ModelVersion) -> str:
    """Return where clients download a version: always what was registered, whatever became of the artifacts since."""
    content, files = version_content(workspace, version)
    if not files or not version.location.startswith(PROXIED):
        return version.location
    folder = version.location.removeprefix(PROXIED).strip("/")
    frozen = f"{FROZEN}/{content}"
    with workspace.database.read() as connection:
        if _below(connection, folder) == list(files):
            return version.location
        is_kept = _below(connection, frozen) == list(files)
    # Somebody wrote to the artifacts after the registration: the version's own files get a place that nobody writes to.
    if not is_kept:
        with workspace.database.write() as connection:
            remove_artifacts(connection, frozen)
            for file in files:
                put_artifact(connection, Artifact(f"{frozen}/{file.path}", file.digest, file.size))
    return f"{PROXIED}{frozen}"


def _below(connection: Connection, folder: str) -> list[Artifact]:
    found = artifacts_below(connection, folder)
    return [Artifact(file.path.removeprefix(f"{folder}/"), file.digest, file.size) for file in found]


def same_content(workspace: Workspace, version: ModelVersion) -> list[str]:
    """Return the other versions of the model that have the same content."""
    content, _ = version_content(workspace, version)
    with workspace.database.read() as connection:
        found = registered_with(connection, version.name, content)
    return [number for number in found if number != version.version]


def verify_version(workspace: Workspace, version: ModelVersion) -> int:
    """Read every file of a version anew, and return how many there are.

    Raises:
        NoModelFiles: this server has none of it.
        ObjectMissing: the store has lost one.
        ObjectDamaged: one is not what it was registered as.
    """
    _, files = version_content(workspace, version)
    if not files:
        raise NoModelFiles(f"There are no files of model {version.name} version {version.version} here")
    for file in files:
        workspace.objects.require_whole(file.digest)
    return len(files)
