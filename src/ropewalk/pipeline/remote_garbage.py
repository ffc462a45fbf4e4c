"""Collecting objects that several servers share, and naming them while others may be collecting.

No clock decides whether an object is still wanted, and no two servers need to know of each other; the database does.
Whoever collects takes a lease for each small batch, then looks once more who names its objects, and removes the others.
Whoever names an object looks, after the name is committed, whether anybody holds such a lease, waits for its end, and sees
to it that the object is there. One of the two always sees the other.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from ropewalk.logs import get_logger
from ropewalk.pipeline.leases import Leases
from ropewalk.pipeline.objects import StoredObject
from ropewalk.pipeline.remote_objects import Listing, RemoteObjects
from ropewalk.pipeline.workspace import Workspace
from ropewalk.store.garbage import listed_among
from ropewalk.store.leases import list_leases

# Each batch has a lease of its own name: whoever waits for one does not wait for those that follow it.
STINT = "collecting-artifacts:"
# As much as one request removes.
BATCH = 1000


@contextmanager
def naming_objects(workspace: Workspace, objects: Collection[StoredObject]) -> Iterator[None]:
    """Keep objects where other servers find them, while the block names them in the database and commits that.

    Raises:
        CacheUnreachable: the storage does not answer; before the block, nothing is named.
        CacheRefused: it refuses.
        Stopped: the work is to end while somebody else collects.
    """
    remote = workspace.remote_objects
    if remote is None:
        yield
        return
    # Before they are named: who finds the name, on whatever server, finds the bytes.
    for stored in objects:
        remote.keep(stored)
    yield
    _await_collecting(workspace)
    for stored in objects:
        remote.keep(stored)


def sweep_remote_objects(
    workspace: Workspace, live: Collection[str], before_s: float, *, is_dry: bool
) -> tuple[int, int]:
    """Remove the shared objects that nobody names, and return how many that were and their bytes.

    Args:
        workspace: the project.
        live: digests of what somebody is known to name.
        before_s: what was stored later stays (UTC seconds).
        is_dry: remove nothing.
    """
    remote = workspace.remote_objects
    if remote is None:
        return 0, 0
    found = remote.listing()
    if not _is_alone(remote, found, before_s, is_dry=is_dry):
        return 0, 0
    going = [one for one, stored_at in found.objects if stored_at < before_s and one.digest not in live]
    if not is_dry:
        # What a collection that was killed left behind ends here, so that nobody waits for it again.
        _await_collecting(workspace)
        going = [
            one
            for start in range(0, len(going), BATCH)
            for one in _remove(workspace, remote, going[start : start + BATCH])
        ]
    return len(going), sum(one.size for one in going)


def _is_alone(remote: RemoteObjects, found: Listing, before_s: float, *, is_dry: bool) -> bool:
    """Return whether no other database can name anything that is there."""
    others = sorted(found.marks.keys() - {remote.mark})
    if others:
        get_logger().warning(
            "artifacts of several databases are in one place, so none are removed there",
            place=remote.address,
            others=others,
            hint="give each project a place of its own; remove the mark of a database that is gone for good",
        )
        return False
    if not is_dry:
        remote.leave_mark()
    # Another database that keeps artifacts here must have had as long to leave its own mark.
    return found.marks.get(remote.mark, before_s) < before_s


def _remove(workspace: Workspace, remote: RemoteObjects, batch: Sequence[StoredObject]) -> list[StoredObject]:
    name = f"{STINT}{uuid.uuid4().hex}"
    with Leases(workspace.database) as leases, leases.hold(name, workspace.stopping):
        # Only now: whoever names one from here on waits until the lease is given up, and stores it again.
        named = listed_among(workspace.database, [one.digest for one in batch])
        going = [one for one in batch if one.digest not in named]
        if going:
            remote.remove([one.digest for one in going])
    return going


def _await_collecting(workspace: Workspace) -> None:
    """Wait until whoever collects at this moment has ended, or is known to be dead."""
    for lease in list_leases(workspace.database, STINT):
        with Leases(workspace.database) as leases, leases.hold(lease.name, workspace.stopping):
            pass
