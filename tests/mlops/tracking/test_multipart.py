"""Uploads in parts and signed addresses: as the client uses them, gone on with, refused, and cleaned up."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from ropewalk.mlops.tracking import uploads
from ropewalk.mlops.tracking.errors import UnknownUpload
from ropewalk.mlops.tracking.wire.tokens import write_token
from ropewalk.pipeline import Workspace, find_kept
from ropewalk.store.garbage import listed_objects
from ropewalk.store.uploads import begin_upload

MPU = "/api/2.0/mlflow-artifacts/mpu"
AT = "/api/2.0/mlflow-artifacts/artifacts"
PARTS = [b"first " * 100, b"second " * 100, b"third"]


def _begin(http: httpx.Client, parts: int = 3, folder: str = "0/up", path: str = "/data/model.bin") -> Any:
    answer = http.post(f"{MPU}/create/{folder}", json={"path": path, "num_parts": parts})
    assert answer.status_code == 200, answer.text
    return answer.json()


def _send(credentials: list[Any]) -> list[dict[str, Any]]:
    # With a client of its own: such an address needs no other credentials.
    return [
        {
            "part_number": credential["part_number"],
            "etag": httpx.put(credential["url"], content=PARTS[credential["part_number"] - 1]).headers[
                "etag"
            ],
            "url": credential["url"],
        }
        for credential in credentials
    ]


def _end(http: httpx.Client, begun: Any, parts: Any, folder: str = "0/up", verb: str = "complete") -> Any:
    body = {"path": "/data/model.bin", "upload_id": begun["upload_id"], "parts": parts}
    return http.post(f"{MPU}/{verb}/{folder}", json=body)


def test_parts_become_one_file(http: httpx.Client) -> None:
    """In whatever order they come, the file has them in theirs."""
    begun = _begin(http)
    sent = _send(begun["credentials"][::-1])

    assert _end(http, begun, sent).status_code == 200
    assert http.get(f"{AT}/0/up/model.bin").content == b"".join(PARTS)


def test_nothing_stands_there_before(http: httpx.Client) -> None:
    """A file that is not finished cannot be read, and is over once it is."""
    begun = _begin(http, folder="0/early")
    sent = _send(begun["credentials"])
    assert http.get(f"{AT}/0/early/model.bin").status_code == 404

    _end(http, begun, sent, "0/early")

    assert _end(http, begun, sent, "0/early").status_code == 404


def test_what_broke_off_is_gone_on_with(http: httpx.Client) -> None:
    """Only the parts that are missing are asked for again."""
    begun = _begin(http, folder="0/again")
    sent = _send(begun["credentials"][:2])

    rest = _end(http, begun, [], "0/again", "resume").json()["credentials"]

    assert [credential["part_number"] for credential in rest] == [3]
    assert _end(http, begun, sent + _send(rest), "0/again").status_code == 200


@pytest.mark.parametrize("change", ["missing", "wrong", "twice"])
def test_incomplete_uploads_are_refused(http: httpx.Client, change: str) -> None:
    """Neither a missing part nor another one than the client means becomes a file."""
    begun = _begin(http, folder="0/bad")
    sent = _send(begun["credentials"][:2] if change == "missing" else begun["credentials"])
    if change == "wrong":
        sent[1]["etag"] = '"0"'
    if change == "twice":
        sent[2] = sent[1]

    assert _end(http, begun, sent, "0/bad").status_code == 400
    assert http.get(f"{AT}/0/bad/model.bin").status_code == 404


def test_another_paths_upload(http: httpx.Client) -> None:
    """An upload is finished and aborted at its own path only."""
    begun = _begin(http)

    assert _end(http, begun, [], "0/elsewhere").status_code == 404
    assert _end(http, begun, [], "0/elsewhere", "abort").status_code == 404


def test_aborted_uploads_take_nothing_more(http: httpx.Client, workspace: Workspace) -> None:
    """After it neither a part nor the end is taken, and the parts are garbage."""
    begun = _begin(http, parts=2)
    tag = httpx.put(begun["credentials"][0]["url"], content=b"of this upload only").headers["etag"].strip('"')
    assert tag in listed_objects(workspace.database)

    assert _end(http, begun, [], verb="abort").status_code == 200

    assert httpx.put(begun["credentials"][1]["url"], content=b"x").status_code == 404
    assert tag not in listed_objects(workspace.database)


def test_abandoned_uploads_are_forgotten(workspace: Workspace) -> None:
    """What nobody goes on with for a day is removed by the next upload, or the collection of garbage."""
    with workspace.database.write() as connection:
        left = begin_upload(connection, "0/left", 2)
        connection.execute("UPDATE upload SET expires_at = 1 WHERE id = ?", (left.id,))
    with pytest.raises(UnknownUpload):
        uploads.get_upload(workspace, left.id)

    for is_dry in (True, False):
        kept = find_kept(workspace, 0, is_dry=is_dry)
        assert uploads.sweep_uploads(workspace, kept).count == 1


@pytest.mark.parametrize("count", [0, -1, 10_001])
def test_number_of_parts(http: httpx.Client, count: int) -> None:
    """A number of parts that cannot be is refused."""
    assert http.post(f"{MPU}/create/0/x", json={"path": "f", "num_parts": count}).status_code == 400


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("0/../..", "f"),
        ("0/%2e%2e", "f"),
        ("0/x", ".."),
        ("0/x", "/tmp/.."),
        ("0/x", "/tmp/a\x00b"),
        ("0/x", ""),
    ],
)
def test_paths_that_lead_astray(http: httpx.Client, folder: str, path: str) -> None:
    """The rules of all artifact paths hold here too."""
    answer = http.post(f"{MPU}/create/{folder}", json={"path": path, "num_parts": 1})

    assert answer.status_code in {400, 404}


def test_paths_of_windows(http: httpx.Client) -> None:
    """Of the client's own path only the last name counts."""
    assert uploads.file_path("0/x", "C:\\models\\a.bin") == "0/x/a.bin"
    assert uploads.file_path("/0/x/", "/a/b.bin") == "0/x/b.bin"


def test_tickets_are_good_for_one_thing(http: httpx.Client, workspace: Workspace) -> None:
    """A ticket is no other ticket, no longer one, and no changed one."""
    part = uploads.write_ticket(workspace, "part", "x", number=1)
    get = uploads.write_ticket(workspace, "get", "0/up/model.bin")
    changed = get[:-1] + ("A" if get[-1] != "A" else "B")
    for ticket, verb in [(part, "put"), (get, "put"), (changed, "get"), ("x", "get"), ("", "get")]:
        with pytest.raises(UnknownUpload):
            uploads.read_ticket(workspace, ticket, verb)
    assert http.put(f"/api/2.0/mlflow-artifacts/files/{get}", content=b"x").status_code == 404


def test_tickets_end(workspace: Workspace) -> None:
    """After its time a ticket is not valid any more."""
    ticket = write_token(workspace, uploads.Ticket("get", "x", 0, 1), "ticket")

    with pytest.raises(UnknownUpload, match="not any more"):
        uploads.read_ticket(workspace, ticket, "get")


def test_signed_upload_and_download(http: httpx.Client, run: str) -> None:
    """A file goes up and comes back by addresses that need no login, in ranges too."""
    base = "/api/2.0/mlflow/artifacts/presigned"
    up = http.post(f"{base}-upload-url", json={"run_id": run, "path": "a/b.txt"}).json()
    assert httpx.put(up["presigned_url"], content=b"0123456789").status_code == 200

    down = http.post(f"{base}-download-url", json={"run_id": run, "path": "a/b.txt"}).json()

    assert down["file_size"] == 10
    assert httpx.get(down["presigned_url"], headers={"Range": "bytes=2-4"}).content == b"234"


@pytest.mark.parametrize(
    ("verb", "asked", "status"),
    [
        ("upload", {"path": "x"}, 400),
        ("upload", {"run_id": "nobody", "path": "x"}, 404),
        ("upload", {"model_id": "m-nobody", "path": "x"}, 404),
        ("upload", {"run_id": "a", "model_id": "b", "path": "x"}, 400),
        ("upload", {"run_id": "RUN", "path": "../x"}, 400),
        ("upload", {"run_id": "RUN", "path": "x", "expiration": 0}, 400),
        ("download", {"run_id": "RUN", "path": "nothing"}, 404),
        ("download", {"run_id": "RUN"}, 400),
        ("download", {"path": "x"}, 400),
    ],
)
def test_signing_what_cannot_be(
    http: httpx.Client, run: str, verb: str, asked: dict[str, Any], status: int
) -> None:
    """No address is given for what is not there, or leads out of the run."""
    asked = {key: run if value == "RUN" else value for key, value in asked.items()}

    assert http.post(f"/api/2.0/mlflow/artifacts/presigned-{verb}-url", json=asked).status_code == status


def test_the_client_uploads_and_downloads_in_parts(
    mlflow: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unmodified client does both as soon as a file is large enough for it."""
    mega = 5 << 20
    for name, value in {
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
        "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true",
        "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": str(mega),
        "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(mega),
        "MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE": str(mega),
        "MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE": str(mega),
    }.items():
        monkeypatch.setenv(name, value)
    content = bytes(range(256)) * (mega // 128) + b"end"
    (tmp_path / "large.bin").write_bytes(content)

    with mlflow.start_run() as run:
        mlflow.log_artifact(str(tmp_path / "large.bin"), "deep")
    place = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="deep/large.bin")

    assert Path(place).read_bytes() == content
