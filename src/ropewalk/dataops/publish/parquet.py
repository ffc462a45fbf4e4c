"""Publishing Parquet files: each version in a folder named by its digest, and a manifest that names the newest.

Readers take the manifest first. Files are written before it and never changed, and the manifest moves by one
conditional write, so that a kill leaves the old version or the new one, and two writers cannot both win.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from ropewalk.dataops.lake import literal, open_lake, translate_error
from ropewalk.dataops.publish.declarations import ParquetTarget
from ropewalk.dataops.publish.errors import PublishFailed, TargetDrifted, TargetTaken
from ropewalk.dataops.publish.storage import Storage, SwapLost, open_storage
from ropewalk.dataops.publish.values import Order, Published
from ropewalk.pipeline import Workspace

MANIFEST = "manifest.json"
FORMAT = 1
TRIES = 5


@dataclass(frozen=True)
class Version:
    """One published version: its digest, where its file is, and what is in it."""

    digest: str
    snapshot: int
    rows: int
    path: str
    size: int
    published_at: str


class ParquetTaker:
    """Writes a publication as files below the path of `target`."""

    def __init__(self, target: ParquetTarget) -> None:
        self._target = target

    def publish(self, workspace: Workspace, order: Order) -> Published:
        """Write the version and move the manifest to it, once.

        Raises:
            TargetTaken: another publication's manifest is there.
            TargetDrifted: append has other columns now.
            RopewalkError: the storage did not take it; the manifest stands where it was.
        """
        storage = open_storage(order.place, workspace.root)
        for _ in range(TRIES):
            found = storage.read(MANIFEST)
            versions = _own_versions(order, storage, found[0]) if found else []
            if not order.rebuilds and _is_current(order, versions, storage):
                return Published(order.place, order.content.rows, is_new=False)
            kept = _kept(order, versions, found[0] if found else None)
            made = _write(workspace, order, storage)
            try:
                storage.swap(MANIFEST, _manifest(order, [made, *kept]), found[1] if found else None)
            except SwapLost:
                continue
            self._sweep(storage, order, versions, made)
            return Published(order.place, order.content.rows, is_new=True)
        raise PublishFailed(f"{order.place} is written by others all the time", place=order.spec.place)

    def standing(self, workspace: Workspace, order: Order) -> str:
        """Return `current`, `behind` or `missing`."""
        storage = open_storage(order.place, workspace.root)
        found = storage.read(MANIFEST)
        if found is None:
            return "missing"
        versions = _own_versions(order, storage, found[0])
        if _is_current(order, versions, storage):
            return "current"
        return "behind" if versions and storage.has(versions[0].path, versions[0].size) else "missing"

    def _sweep(self, storage: Storage, order: Order, before: list[Version], made: Version) -> None:
        """Remove versions that are too old for anybody to be still reading them."""
        if order.spec.entry.write == "append":
            return
        kept = {made.path} | {version.path for version in before[: self._target.keep - 1]}
        for version in before:
            if version.path not in kept:
                storage.remove_below(version.path.rpartition("/")[0])


def _own_versions(order: Order, storage: Storage, text: bytes) -> list[Version]:
    """Return what the manifest lists, newest first.

    Raises:
        TargetTaken: it is no manifest, or another publication's.
    """
    try:
        document: Mapping[str, Any] = json.loads(text)
        owner = (document["publication"], document["environment"])
        versions = [Version(**version) for version in document["versions"]]
    except (ValueError, KeyError, TypeError) as error:
        raise TargetTaken(
            f"{storage.address}/{MANIFEST} is there already, and Ropewalk did not write it",
            place=order.spec.place,
            hint="publish to a folder of its own",
        ) from error
    if owner != (order.spec.name, order.environment):
        raise TargetTaken(
            f"{storage.address} is what publication {owner[0]!r} of environment {owner[1]!r} writes",
            place=order.spec.place,
            hint="publish to a folder of its own, or one with {environment} in it",
        )
    return versions


def _is_current(order: Order, versions: list[Version], storage: Storage) -> bool:
    # Readers of an append take all versions, so that one that comes back is there already.
    wanted = versions if order.spec.entry.write == "append" else versions[:1]
    made = next((version for version in wanted if version.digest == order.content.digest), None)
    return made is not None and storage.has(made.path, made.size)


def _kept(order: Order, versions: list[Version], manifest: bytes | None) -> list[Version]:
    """Return the versions that stay listed.

    Raises:
        TargetDrifted: rows are to be added to files of other columns.
    """
    if order.rebuilds:
        return []
    # Of a version whose file was lost, the same path is written again.
    others = [version for version in versions if version.digest != order.content.digest]
    if order.spec.entry.write == "append":
        if versions and manifest:
            _require_same_columns(order, manifest)
        return others
    target = order.spec.entry.to
    assert isinstance(target, ParquetTarget)
    return others[: target.keep - 1]


def _require_same_columns(order: Order, manifest: bytes) -> None:
    if json.loads(manifest).get("columns") != _columns(order):
        raise TargetDrifted(
            f"{order.place} has files of other columns than {order.content.table} has now",
            place=order.spec.place,
            hint=f"`ropewalk publish {order.spec.name} --rebuild` begins anew",
        )


def _write(workspace: Workspace, order: Order, storage: Storage) -> Version:
    content = order.content
    path = f"versions/{content.digest[:16]}/part-0.parquet"
    more = [f"{content.snapshot:d}::BIGINT AS _snapshot"] if order.spec.entry.write == "append" else []
    columns = content.select(more=more)
    # Here first: a bucket takes whole files, and the manifest says how long each is.
    with tempfile.TemporaryDirectory(dir=workspace.state) as folder:
        local = Path(folder, "part-0.parquet")
        try:
            with open_lake(workspace).cursor() as connection:
                connection.execute(
                    f"COPY ({columns}) TO {literal(str(local))} (FORMAT parquet, COMPRESSION zstd)"
                )
        except duckdb.Error as error:
            raise translate_error(error) from error
        size = local.stat().st_size
        storage.write(path, local)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Version(content.digest, content.snapshot, content.rows, path, size, now)


def _manifest(order: Order, versions: list[Version]) -> bytes:
    read = versions if order.spec.entry.write == "append" else versions[:1]
    document = {
        "format": FORMAT,
        "publication": order.spec.name,
        "environment": order.environment,
        "table": str(order.content.table),
        "digest": order.content.digest,
        "snapshot": order.content.snapshot,
        "rows": sum(version.rows for version in read),
        "columns": _columns(order),
        "files": [version.path for version in read],
        "versions": [asdict(version) for version in versions],
    }
    return json.dumps(document, indent=1).encode()


def _columns(order: Order) -> list[dict[str, str]]:
    return [{"name": column.name, "type": column.type} for column in order.content.columns]
