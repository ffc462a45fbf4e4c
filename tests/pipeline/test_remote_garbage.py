"""Objects in a bucket: removed once nobody names them, whoever else names, collects or shares the bucket meanwhile."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from ropewalk.pipeline import (
    CacheUnreachable,
    StoredObject,
    Swept,
    Workspace,
    collect_garbage,
    naming_objects,
)
from ropewalk.pipeline import remote_garbage as collecting
from ropewalk.pipeline.remote_garbage import STINT, sweep_remote_objects
from ropewalk.project import load_project
from ropewalk.settings import Settings, load_settings
from ropewalk.store.artifacts import Artifact, put_artifact, remove_artifacts
from ropewalk.store.garbage import listed_objects
from ropewalk.store.leases import list_leases, take_lease

if TYPE_CHECKING:
    from object_server import ObjectServer

# Storage writes its own times, so what is stored now is made old by asking from the day after tomorrow.
LATER = 4_000_000_000.0


@dataclass
class Server:
    """One of several servers of a project: a state folder of its own, and a database and bucket that they share."""

    workspace: Workspace

    def place(self, path: str, content: bytes) -> StoredObject:
        """Let bytes stand at a path, as an upload does."""
        stored = self.workspace.objects.put_bytes(content)
        with naming_objects(self.workspace, [stored]), self.workspace.database.write() as connection:
            put_artifact(connection, Artifact(path, stored.digest, stored.size))
        return stored

    def forget(self, path: str) -> None:
        """Take a path out of the manifest, as removing a run for good does."""
        with self.workspace.database.write() as connection:
            remove_artifacts(connection, path)

    def sweep(self, *, is_dry: bool = False) -> tuple[int, int]:
        live = listed_objects(self.workspace.database)
        return sweep_remote_objects(self.workspace, live, LATER, is_dry=is_dry)

    def names(self) -> set[str]:
        """Return the digests in the bucket."""
        assert self.workspace.remote_objects is not None
        return {stored.digest for stored, _ in self.workspace.remote_objects.listing().objects}


@dataclass
class Bucket:
    """A bucket of this test's own, and whoever works in it."""

    settings: Settings
    folder: Path
    opened: list[Workspace]

    def join(self, database: str = "one", **changes: str) -> Server:
        """Return a server whose state folder is its own, on a database that others may have too."""
        root = self.folder / f"server-{len(self.opened)}"
        root.mkdir()
        (root / "ropewalk.yaml").write_text("project: test\n", encoding="utf-8")
        workspace = Workspace(load_project(root, []), replace(self.settings, **changes))  # type: ignore[arg-type]
        # Two servers on one file stand for two on one PostgreSQL: what is tested is who sees what in the database.
        workspace.database.close()
        workspace.database = type(workspace.database).open(self.folder / f"{database}.db")
        workspace.remote_objects = workspace._open_remote_objects()
        self.opened.append(workspace)
        return Server(workspace)


@pytest.fixture
def bucket(
    object_server: ObjectServer, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], tmp_path: Path
) -> Iterator[Bucket]:
    object_server.use(monkeypatch)
    name = f"collected-{uuid4().hex[:12]}"
    found = Bucket(replace(load_settings(environ), storage=f"s3://{name}/lake"), tmp_path, [])
    yield found
    for workspace in found.opened:
        workspace.database.close()
        workspace.close()


def _put(address: str, name: str) -> None:
    """Write an object that no server of the test has written."""
    from obstore.store import S3Store

    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    S3Store(bucket, prefix=prefix, client_options={"allow_http": True}).put(name, b"other")


def test_only_what_nobody_names_goes(bucket: Bucket) -> None:
    """What is named stays, on whichever server it was; what was forgotten goes, and its bytes are told."""
    one, two = bucket.join(), bucket.join()
    kept, gone = one.place("0/a/kept", b"kept"), two.place("0/a/gone", b"gone!")
    one.forget("0/a/gone")

    assert one.sweep(is_dry=True) == (1, 5)
    assert two.names() == {kept.digest, gone.digest}
    assert one.sweep() == (1, 5)
    assert two.names() == {kept.digest}
    # Nothing is left to do, and nobody's turn is left standing.
    assert two.sweep() == (0, 0)
    assert list_leases(one.workspace.database, STINT) == []


def test_what_is_young_stays(bucket: Bucket) -> None:
    """Whoever stored something a moment ago may be about to name it."""
    server = bucket.join()
    server.place("0/a/x", b"x")
    server.forget("0/a/x")

    swept = {one.what: one for one in collect_garbage(server.workspace, 0)}

    assert swept["objects shared by servers"] == Swept("objects shared by servers", 0, 0)
    assert len(server.names()) == 1


def test_other_database_in_one_place(bucket: Bucket, capsys: pytest.CaptureFixture[str]) -> None:
    """Where another database has left its mark nothing is removed, however unwanted it looks from here."""
    mine, other = bucket.join(), bucket.join("another")
    wanted = other.place("0/a/x", b"theirs")
    mine.place("0/a/y", b"mine")
    mine.forget("0/a/y")

    assert mine.sweep() == (0, 0)

    assert wanted.digest in mine.names()
    assert "artifacts of several databases are in one place" in "".join(capsys.readouterr())


def test_neighbours_are_not_seen(bucket: Bucket) -> None:
    """Prefixes that begin alike, what lies above, and names that are no digests are not ours."""
    server = bucket.join()
    server.place("0/a/x", b"x")
    server.forget("0/a/x")
    digest = "ab/" + "c" * 62
    above = bucket.settings.storage.removesuffix("/lake")
    places = ((f"{above}/lake-artifacts-2", digest), (f"{above}/lake-artifacts2", digest), (above, digest))
    own = f"{above}/lake-artifacts"
    for address, name in (*places, (own, f"deeper-artifacts/{digest}"), (own, "ab/notes.txt")):
        _put(address, name)

    assert server.sweep()[0] == 1

    from obstore.store import S3Store

    store = S3Store(above.removeprefix("s3://"), client_options={"allow_http": True})
    left = {one["path"] for page in store.list() for one in page}
    assert {name for name in left if "databases/" not in name} == {
        f"lake-artifacts-2/{digest}",
        f"lake-artifacts2/{digest}",
        digest,
        f"lake-artifacts/deeper-artifacts/{digest}",
        "lake-artifacts/ab/notes.txt",
    }


def test_first_collection_waits(bucket: Bucket) -> None:
    """A place without a mark is marked first: another database there must have had as long to leave its own."""
    server = bucket.join()
    assert server.workspace.remote_objects is not None
    _put(server.workspace.remote_objects.address, "ab/" + "c" * 62)
    young = sweep_remote_objects(server.workspace, (), 1.0, is_dry=False)

    # The mark that this one left is younger than what it may remove; for the next one it is old enough.
    assert young == (0, 0)
    assert server.sweep() == (1, 5)


def test_named_between_look_and_removal(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was unwanted in the listing and is named before its batch is looked at once more, and stays."""
    one, two = bucket.join(), bucket.join()
    stored = one.place("0/a/x", b"same bytes")
    one.forget("0/a/x")
    awaited = collecting._await_collecting

    def name_it_meanwhile(workspace: Workspace) -> None:
        monkeypatch.setattr(collecting, "_await_collecting", awaited)
        awaited(workspace)
        two.place("0/b/x", b"same bytes")

    # The listing is over when a collection waits for others.
    monkeypatch.setattr(collecting, "_await_collecting", name_it_meanwhile)

    assert one.sweep() == (0, 0)
    assert one.names() == {stored.digest}


def test_named_while_it_is_removed(bucket: Bucket) -> None:
    """Whoever names what is just being removed waits for that, and stores it again before it is acknowledged."""
    one, two = bucket.join(), bucket.join()
    stored = one.place("0/a/x", b"same bytes")
    one.forget("0/a/x")
    remote = one.workspace.remote_objects
    assert remote is not None
    owner, acknowledged = f"{STINT}here", threading.Event()

    # A collector on another machine: it has looked, the upload names the object, and only then it removes.
    take_lease(one.workspace.database, owner, "token", "another machine", "1 1")

    def upload() -> None:
        two.place("0/b/x", b"same bytes")
        acknowledged.set()

    uploading = threading.Thread(target=upload)
    uploading.start()
    while not _is_named(two, "0/b/x"):
        assert uploading.is_alive()
    remote.remove([stored.digest])
    assert not acknowledged.is_set()
    with one.workspace.database.write() as connection:
        connection.execute("DELETE FROM lease WHERE name = ?", (owner,))
    uploading.join()

    assert one.names() == {stored.digest}


def _is_named(server: Server, path: str) -> bool:
    with server.workspace.database.read() as connection:
        return bool(connection.execute("SELECT 1 FROM artifact WHERE path = ?", (path,)).fetchone())


KILLED = """
import os, signal, sys
from pathlib import Path
from ropewalk.pipeline import Workspace
from ropewalk.pipeline.remote_garbage import sweep_remote_objects
from ropewalk.pipeline.remote_objects import RemoteObjects
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store import Database
remove = RemoteObjects.remove
def die(self, digests):
    if sys.argv[3] == "after":
        remove(self, digests)
    os.kill(os.getpid(), signal.SIGKILL)
RemoteObjects.remove = die
workspace = Workspace(load_project(Path(sys.argv[1]), []), load_settings({"ROPEWALK_STORAGE": sys.argv[4]}))
workspace.database = Database.open(Path(sys.argv[2]))
workspace.remote_objects = workspace._open_remote_objects()
sweep_remote_objects(workspace, (), 4e9, is_dry=False)
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_collector(bucket: Bucket, when: str) -> None:
    """A kill in the middle of a batch costs nothing that is named; uploads and the next collection go on."""
    server = bucket.join()
    kept = server.place("0/a/kept", b"kept")
    server.place("0/a/x", b"x")
    server.forget("0/a/x")
    arguments = [server.workspace.root, bucket.folder / "one.db", when, bucket.settings.storage]
    done = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], check=False)
    assert done.returncode == -9
    assert len(list_leases(server.workspace.database, STINT)) == 1

    # Its turn ends with it: nobody waits for a process that is known to be gone.
    again = server.place("0/b/x", b"x")
    assert list_leases(server.workspace.database, STINT) == []
    assert server.sweep() == (0, 0)
    assert server.names() == {kept.digest, again.digest}


def test_batches(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much there is, it goes in batches, and one collection removes it all."""
    server = bucket.join()
    monkeypatch.setattr(collecting, "BATCH", 2)
    for number in range(5):
        server.place(f"0/a/{number}", b"%d" % number)
    server.forget("0/a")

    assert server.sweep() == (5, 5)
    assert server.names() == set()


def test_two_collectors_at_once(bucket: Bucket) -> None:
    """Two that collect the same do no harm to each other or to what is named."""
    servers = [bucket.join(), bucket.join()]
    kept = servers[0].place("0/b/kept", b"kept")
    for number in range(6):
        servers[0].place(f"0/a/{number}", b"%d" % number)
    servers[0].forget("0/a")
    threads = [threading.Thread(target=server.sweep) for server in servers]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert servers[0].names() == {kept.digest}


def test_storage_that_is_away(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the setting that says where artifacts are, and not the cache."""
    server = bucket.join()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    with pytest.raises(CacheUnreachable, match=r"storage of artifacts .* cannot be used") as raised:
        server.sweep()

    assert "`storage`" in str(raised.value.hint)
