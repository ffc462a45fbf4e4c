"""Artifacts in storage that speaks S3: stored once, found by another server, held against their digests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from ropewalk import plugins
from ropewalk.mlops.tracking import create_run, endpoint, get_run, remove_runs, set_stage
from ropewalk.mlops.tracking.artifacts import proxied_path
from ropewalk.pipeline import Workspace, find_kept
from ropewalk.pipeline.remote_garbage import sweep_remote_objects
from ropewalk.project import load_project
from ropewalk.settings import Settings, load_settings

if TYPE_CHECKING:
    from object_server import ObjectServer

AT = "/api/2.0/mlflow-artifacts"


@pytest.fixture
def settings(
    object_server: ObjectServer, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], tmp_path: Path
) -> Settings:
    """Return settings that keep artifacts in a bucket of this test's own."""
    object_server.use(monkeypatch)
    bucket = f"artifacts-{abs(hash(str(tmp_path))) % 10**9}"
    object_server.make_bucket(bucket)
    return replace(load_settings(environ), storage=f"s3://{bucket}/lake")


@pytest.fixture
def server(settings: Settings, tmp_path: Path) -> Iterator[tuple[Workspace, httpx.Client]]:
    """Return a project and a client of its endpoint."""
    (tmp_path / "ropewalk.yaml").write_text("project: test\n", encoding="utf-8")
    with (
        Workspace(load_project(tmp_path, []), settings) as opened,
        endpoint(opened) as url,
        httpx.Client(base_url=url) as client,
    ):
        yield opened, client


def _stored(server: tuple[Workspace, httpx.Client], path: str, content: bytes) -> Path:
    """Upload a file, and return where this server has it itself."""
    workspace, client = server
    assert client.put(f"{AT}/artifacts/{path}", content=content).status_code == 200
    return workspace.objects.path(workspace.objects.put_bytes(content).digest)


def test_another_server_finds_it(server: tuple[Workspace, httpx.Client]) -> None:
    """What one server took in is there for one whose own store is empty."""
    place = _stored(server, "0/x/model.bin", b"shared " * 1000)
    place.unlink()

    assert server[1].get(f"{AT}/artifacts/0/x/model.bin").content == b"shared " * 1000
    assert place.is_file()


def test_damage_is_noticed(server: tuple[Workspace, httpx.Client]) -> None:
    """Bytes that are not what their name says are not handed on."""
    workspace, client = server
    place = _stored(server, "0/x/bad.bin", b"good bytes")
    place.unlink()
    from obstore.store import S3Store

    bucket = workspace.settings.storage.split("/")[2]
    name = f"{place.parent.name}/{place.name}"
    S3Store(bucket, prefix="lake-artifacts", client_options={"allow_http": True}).put(name, b"evil bytes")

    assert client.get(f"{AT}/artifacts/0/x/bad.bin").status_code >= 400
    assert not place.exists()


def test_the_bucket_gives_the_bytes(server: tuple[Workspace, httpx.Client]) -> None:
    """A signed address leads to the storage itself, and reads ranges."""
    _stored(server, "0/x/large.bin", b"0123456789")

    found = server[1].get(f"{AT}/presigned/0/x/large.bin").json()

    assert found["file_size"] == 10
    assert "lake-artifacts" in found["url"]
    assert httpx.get(found["url"], headers={"Range": "bytes=3-5"}).content == b"345"


def test_equal_bytes_are_stored_once(server: tuple[Workspace, httpx.Client]) -> None:
    """The name is the digest, so a second copy is no second object."""
    for number in range(3):
        _stored(server, f"0/x/{number}.bin", b"equal")
    from obstore.store import S3Store

    bucket = server[0].settings.storage.split("/")[2]
    store = S3Store(bucket, prefix="lake-artifacts", client_options={"allow_http": True})
    # Beside it is the mark of this project's database.
    names = [one["path"] for page in store.list() for one in page]
    assert len([name for name in names if not name.startswith("databases/")]) == 1


def test_parts_end_up_there(server: tuple[Workspace, httpx.Client]) -> None:
    """A file that came in parts is kept as a whole."""
    _, client = server
    begun = client.post(f"{AT}/mpu/create/0/y", json={"path": "m.bin", "num_parts": 2}).json()
    tags = [httpx.put(one["url"], content=b"part").headers["etag"] for one in begun["credentials"]]
    parts = [{"part_number": number, "etag": tag} for number, tag in enumerate(tags, 1)]
    body = {"path": "m.bin", "upload_id": begun["upload_id"], "parts": parts}
    assert client.post(f"{AT}/mpu/complete/0/y", json=body).status_code == 200

    found = client.get(f"{AT}/presigned/0/y/m.bin").json()

    assert httpx.get(found["url"]).content == b"partpart"


def test_files_of_removed_runs_leave_the_bucket(server: tuple[Workspace, httpx.Client]) -> None:
    """A run that is removed for good takes its files along; those of a registered version stay for others to load."""
    workspace, client = server
    kept, gone = (create_run(workspace, "training", "train", {}, {}) for _ in range(2))
    for run_id in (kept, gone):
        _stored(server, f"{proxied_path(get_run(workspace, run_id).artifact_uri)}/model.bin", run_id.encode())
    set_stage(workspace, [gone], "deleted")
    remove_runs(workspace, [gone])
    live = plugins.named_objects(workspace, find_kept(workspace, 0))

    # Asked from far in the future: storage writes its own times, and what is young stays.
    assert sweep_remote_objects(workspace, live, 4e9, is_dry=False) == (1, len(gone))
    found = client.get(
        f"{AT}/presigned/{proxied_path(get_run(workspace, kept).artifact_uri)}/model.bin"
    ).json()
    assert httpx.get(found["url"]).content == kept.encode()


def test_storage_that_is_away(
    server: tuple[Workspace, httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is acknowledged that is not stored, and nothing is named."""
    _, client = server
    # The storage is opened for each file, so that it is asked again when it is back.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    assert client.put(f"{AT}/artifacts/0/x/lost.bin", content=b"x").status_code >= 500
    assert client.get(f"{AT}/artifacts/0/x/lost.bin").status_code == 404
