"""The artifact proxy: bytes in and out, and paths that cannot lead astray."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.mlops.tracking.artifacts import check_location, delete_artifacts, proxied_path, safe_path
from ropewalk.mlops.tracking.errors import InvalidRequest, UnknownArtifact, UnsafePath
from ropewalk.pipeline import Workspace

PROXY = "/api/2.0/mlflow-artifacts/artifacts"
EVIL = [
    "../x",
    "a/../../x",
    "/etc/passwd",
    "a/./b",
    "a//b",
    "a\\..\\b",
    "C:/x",
    "c:x",
    "a\x00b",
    "a\nb",
    "%2e%2e/x",
    "%252e%252e/x",
    "a%2f..%2fb",
    "a%5cb",
    "a%00b",
    "a#b",
    "a?b",
    "..",
    ".",
    "x" * 2049,
]


@pytest.mark.parametrize("path", EVIL)
def test_evil_paths(path: str) -> None:
    """No path that leads, or could be read as leading, elsewhere is taken."""
    with pytest.raises(UnsafePath, match="Invalid path"):
        safe_path(path)


@pytest.mark.parametrize("path", ["a", "a/b.txt", "ü 1/ß.bin", "100%/x", "a;b=c", "...", ".hidden/x", "a~b"])
def test_plain_paths(path: str) -> None:
    """Ordinary names, unusual ones too, are taken as they are; a last slash is dropped."""
    assert safe_path(path) == path
    assert safe_path(f"{path}/") == path


@given(st.text())
def test_any_text_is_safe_or_refused(text: str) -> None:
    """Whatever is taken stays below the folder it is joined to."""
    try:
        path = safe_path(text)
    except UnsafePath:
        return
    root = Path("/srv/folder")
    assert (root / path).is_relative_to(root)
    assert ".." not in (root / path).parts


@pytest.mark.parametrize(
    "encoded", ["..%2fx", "%2e%2e/x", "%252e%252e%252fx", "a%5c..%5cb", "a%00b", "%2fetc%2fpasswd"]
)
@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_evil_paths_over_http(http: httpx.Client, method: str, encoded: str) -> None:
    """A path is decoded once and then refused, whatever is asked of it."""
    response = http.request(method, httpx.URL(f"{http.base_url}{PROXY}/{encoded}"))

    assert response.status_code == 400
    assert response.json()["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("path", ["../..", "/etc", "a\\b"])
def test_evil_listings(http: httpx.Client, path: str) -> None:
    """Folders are listed by plain paths only."""
    assert http.get(PROXY, params={"path": path}).status_code == 400


def test_round_trip(http: httpx.Client) -> None:
    """Bytes come back as they were sent, under a name and headers that a browser will not run."""
    content = b"<script>alert(1)</script>"
    assert http.put(f"{PROXY}/1/x/page.html", content=content).json() == {}

    got = http.get(f"{PROXY}/1/x/page.html")

    assert got.content == content
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"] == 'attachment; filename="page.html"'
    assert "sandbox" in got.headers["content-security-policy"]


def test_ranges(http: httpx.Client) -> None:
    """A part of a file can be asked for, so that downloads resume."""
    http.put(f"{PROXY}/1/x/numbers.bin", content=bytes(range(100)))

    part = http.get(f"{PROXY}/1/x/numbers.bin", headers={"Range": "bytes=10-19"})

    assert part.status_code == 206
    assert part.content == bytes(range(10, 20))


def test_files_are_replaced(http: httpx.Client) -> None:
    """The last upload to a path stands."""
    for content in (b"one", b"two"):
        http.put(f"{PROXY}/1/x/file", content=content)

    assert http.get(f"{PROXY}/1/x/file").content == b"two"


def test_equal_bytes_are_stored_once(http: httpx.Client, workspace: Workspace) -> None:
    """The store keeps one object for equal files."""
    content = b"the same bytes in two places"
    for name in ("a", "b"):
        http.put(f"{PROXY}/1/twice/{name}", content=content)

    stored = workspace.objects.put_bytes(content)
    assert http.get(f"{PROXY}/1/twice/b").headers["etag"] == f'"{stored.digest}"'


def test_listing(http: httpx.Client) -> None:
    """A folder shows its files with sizes and its folders without, and nothing of its neighbours."""
    for path in ("2/a/x.txt", "2/a/deep/er/y.txt", "2/a/deep/z.txt", "2/ab/w.txt"):
        http.put(f"{PROXY}/{path}", content=b"1234")

    files = http.get(PROXY, params={"path": "2/a"}).json()["files"]

    assert files == [
        {"path": "deep", "is_dir": True},
        {"path": "x.txt", "is_dir": False, "file_size": 4},
    ]
    assert http.get(PROXY, params={"path": "2/none"}).json() == {}


def test_root_listing(http: httpx.Client) -> None:
    """Without a path the top is listed."""
    http.put(f"{PROXY}/9/top", content=b"")

    assert {"path": "9", "is_dir": True} in http.get(PROXY).json()["files"]


def test_files_and_folders_do_not_mix(http: httpx.Client) -> None:
    """A path is a file or a folder: materialising a model must never have to choose."""
    http.put(f"{PROXY}/3/a/b", content=b"x")

    below = http.put(f"{PROXY}/3/a/b/c", content=b"x")
    above = http.put(f"{PROXY}/3/a", content=b"x")

    assert (below.status_code, above.status_code) == (400, 400)
    assert "is there already" in below.json()["message"]


def test_deleting(http: httpx.Client, workspace: Workspace) -> None:
    """A file or a whole folder is deleted; what is not there is 404."""
    for name in ("a", "f/b", "f/c"):
        http.put(f"{PROXY}/4/{name}", content=b"x")

    assert http.delete(f"{PROXY}/4/f").json() == {}
    assert http.get(f"{PROXY}/4/f/b").status_code == 404
    assert http.get(f"{PROXY}/4/a").status_code == 200
    assert http.delete(f"{PROXY}/4/f").status_code == 404
    with pytest.raises(UnknownArtifact):
        delete_artifacts(workspace, "4/f")


def test_broken_upload_leaves_what_was_there(http: httpx.Client) -> None:
    """A body that breaks off changes nothing."""
    http.put(f"{PROXY}/5/file", content=b"whole")

    def broken() -> object:
        yield b"ha"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        http.put(f"{PROXY}/5/file", content=broken())

    assert http.get(f"{PROXY}/5/file").content == b"whole"


@pytest.mark.parametrize(
    "location",
    [
        "s3://bucket/a",
        "https://host/path",
        "mlflow-artifacts:/shared",
        "abfss://box@account/a",
        "sftp://ada@host/a",
    ],
)
def test_locations(location: str) -> None:
    """The proxy and remote stores may be named."""
    check_location(location)


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc",
        "/etc",
        "..",
        "s3://bucket/../x",
        "s3://bucket/%2e%2e/x",
        "https://user:secret@host/x",
        "https://token@host/x",
        "abfss://box:secret@account/x",
        "http://[broken/x",
        "s3://bucket\u2100/x",
        "https://host/x?y=1",
        "s3://bucket/x#y",
        "mlflow-artifacts://host/x",
        "mlflow-artifacts:/a/../../b",
        "dbfs:/x",
        "javascript:alert(1)",
    ],
)
def test_locations_that_are_refused(location: str) -> None:
    """Local paths, tricks and credentials are refused."""
    with pytest.raises((InvalidRequest, UnsafePath)):
        check_location(location)


def test_proxied_path() -> None:
    """Only the proxy's own URIs have a path here."""
    assert proxied_path("mlflow-artifacts:/1/a") == "1/a"
    assert proxied_path("s3://bucket/a") is None
    with pytest.raises(UnsafePath):
        proxied_path("mlflow-artifacts:/../a")


DISK = frozenset({"open", "os.rename", "os.remove", "os.chmod", "tempfile.mkstemp"})
_watched: list[tuple[str, str]] | None = None


def _note_disk(event: str, arguments: tuple[object, ...]) -> None:
    # Importing a module opens a file too, wherever the first request happens to need one.
    if _watched is not None and event in DISK and ".py" not in str(arguments[0]):
        _watched.append((event, threading.current_thread().name))


def test_the_event_loop_leaves_the_disk_alone(http: httpx.Client) -> None:
    """Files are opened, written and named in other threads: a slow disk holds up one client, not all."""
    global _watched  # noqa: PLW0603  # an audit hook stays for good, so it is told when to watch
    sys.addaudithook(_note_disk)
    events: list[tuple[str, str]] = []
    _watched = events

    http.put(f"{PROXY}/6/file", content=os.urandom(3 << 20)).raise_for_status()
    size = len(http.get(f"{PROXY}/6/file").content)

    _watched = None
    assert size == 3 << 20
    assert {"tempfile.mkstemp", "os.rename", "open"} <= {event for event, _ in events}
    assert "tracking endpoint" not in {thread for _, thread in events}
