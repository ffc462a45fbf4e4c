"""Path traversal, in every form that MLflow's advisories know: to read, to write, to delete, by address and by value.

CVE-2023-1176, 1177, 2356, 2780, 6015, 6018, 6753, 6831, 6909, 6975, CVE-2024-1483, 1558, 1560, 1593, 1594, 2928, 3848,
8859, CVE-2025-11201, CVE-2026-2614.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.pipeline import Workspace

SECRET = "what only the operator may read"
API = "/api/2.0/mlflow"
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
# Each leads out of a folder on some system, or hides from some check that it does.
ESCAPES = [
    "../secret.txt",
    "a/../../secret.txt",
    "..",
    "./../secret.txt",
    "..\\secret.txt",
    "a\\..\\..\\secret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "%252e%252e%252fsecret.txt",
    "..%2fsecret.txt",
    "..%5csecret.txt",
    "..%c0%afsecret.txt",
    "..;/secret.txt",
    "a;/../secret.txt",
    "/etc/passwd",
    "//etc/passwd",
    "\\\\host\\share",
    "C:\\secret.txt",
    "C:/secret.txt",
    "file:///etc/passwd",
    "file:/etc/passwd",
    "a\x00.txt",
    "a\x00/../../secret.txt",
    "a\n/../secret.txt",
    "....//secret.txt",
    "\uff0e\uff0e/secret.txt",
]
URIS = [
    "/etc",
    "etc/../../x",
    "file:///etc",
    "file:/etc",
    "FILE:///etc",
    "file://localhost/etc",
    "local-file:///etc",
    "mlflow-artifacts:/../../etc",
    "mlflow-artifacts:/%2e%2e/etc",
    "mlflow-artifacts:/%252e%252e/etc",
    "mlflow-artifacts:/1/..\\..\\etc",
    "mlflow-artifacts:/1/a#/../../etc",
    "mlflow-artifacts:/1/a?/../../etc",
    "mlflow-artifacts:/1/a;/../../etc",
    "mlflow-artifacts://evil.example/etc",
    "http://127.0.0.1:1/x?/../etc",
    "http://host/%2e%2e/etc",
    "s3://bucket/../../etc",
    "dbfs:/../../etc",
    "runs:/../etc",
    "models:/../../etc/1",
    "",
    "\x00",
]


@pytest.fixture(scope="module")
def secret(local: Workspace) -> Path:
    """Return a file beside the project's state, which nothing may show."""
    path = local.state / "secret.txt"
    path.write_text(SECRET, encoding="utf-8")
    (local.root / "secret.txt").write_text(SECRET, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(http: httpx.Client) -> str:
    """Return the id of a run that has one artifact."""
    made = http.post(f"{API}/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]
    path = made["artifact_uri"].removeprefix("mlflow-artifacts:/")
    assert http.put(f"{PROXY}/{path}/fine.txt", content=b"fine").status_code == 200
    return str(made["run_id"])


def files_of(workspace: Workspace) -> set[Path]:
    """Return every file around the project, but those that the server writes itself."""
    around = workspace.root.parent
    kept = ("objects", "ropewalk.db", "tmp")
    return {path for path in around.rglob("*") if not any(part in str(path) for part in kept)}


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("is_quoted", [True, False], ids=["quoted", "as is"])
def test_by_address(http: httpx.Client, local: Workspace, secret: Path, escape: str, is_quoted: bool) -> None:
    """Nothing outside is read, written or deleted by what stands in an address."""
    path = quote(escape, safe="") if is_quoted else quote(escape, safe="/%;:#?\\")
    before = files_of(local)

    for method in ("GET", "PUT", "DELETE"):
        answer = http.request(method, f"{PROXY}/{path}", content=b"overwritten" if method == "PUT" else None)
        assert answer.status_code < 500, answer.text
        assert SECRET not in answer.text

    assert files_of(local) == before
    assert secret.read_text(encoding="utf-8") == SECRET


@pytest.mark.parametrize("escape", ESCAPES)
def test_by_parameter(http: httpx.Client, run: str, secret: Path, escape: str) -> None:
    """Nothing outside is read by what stands in a parameter, of any route that names a file."""
    asked = [
        ("GET", "/get-artifact", {"run_id": run, "path": escape}),
        ("GET", f"{API}/artifacts/list", {"run_id": run, "path": escape}),
        ("GET", PROXY, {"path": escape}),
        ("GET", "/model-versions/get-artifact", {"name": "m", "version": "1", "path": escape}),
        ("POST", "/ajax-api/2.0/mlflow/upload-artifact", {"run_uuid": run, "path": escape}),
    ]
    for method, path, query in asked:
        answer = http.request(method, path, params=query, content=b"x" if method == "POST" else None)
        assert answer.status_code < 500, answer.text
        assert SECRET not in answer.text
        assert "root:" not in answer.text


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.sampled_from(["..", ".", "%2e", "%252e", "/", "\\", ";", "#", "?", "\x00", "~", "a", "file:", "$", ":"]), max_size=8))  # fmt: skip
def test_any_mixture(http: httpx.Client, run: str, local: Workspace, parts: list[str]) -> None:
    """No mixture of such parts reads or writes outside, or breaks the server."""
    text = "".join(parts)

    found = http.get("/get-artifact", params={"run_id": run, "path": text})
    put = http.put(f"{PROXY}/1/{quote(text, safe='')}", content=b"x")

    assert found.status_code in {400, 404}, (text, found.text)
    # What a client's own tidying makes of `..` may be an address that takes no PUT.
    assert put.status_code in {200, 400, 404, 405}, (text, put.text)
    assert not (local.root.parent / "x").exists()


@pytest.mark.parametrize("uri", URIS)
def test_sources(http: httpx.Client, secret: Path, uri: str) -> None:
    """A model's source that is a file of the server, or hides what it is, is refused when it is named."""
    name = f"m-{abs(hash(uri))}"
    http.post(f"{API}/registered-models/create", json={"name": name})

    for tags in ([], [{"key": "mlflow.prompt.is_prompt", "value": "true"}]):
        body = {"name": name, "source": uri, "tags": tags}
        made = http.post(f"{API}/model-versions/create", json=body)
        if made.status_code == 200:
            query = {"name": name, "version": made.json()["model_version"]["version"], "path": "passwd"}
            read = http.get("/model-versions/get-artifact", params=query)
            assert read.status_code in {400, 404}
        else:
            assert made.status_code in {400, 404}, made.text
        assert SECRET not in made.text


@pytest.mark.parametrize("uri", [uri for uri in URIS if uri])
def test_locations(http: httpx.Client, uri: str) -> None:
    """An experiment's artifacts are kept nowhere but in our store, whatever location a client names."""
    made = http.post(f"{API}/experiments/create", json={"name": uri + "x", "artifact_location": uri})
    if made.status_code != 200:
        assert made.status_code == 400, made.text
        return

    run = http.post(f"{API}/runs/create", json={"experiment_id": made.json()["experiment_id"]}).json()["run"]
    listed = http.get(f"{API}/artifacts/list", params={"run_id": run["info"]["run_id"]})
    read = http.get("/get-artifact", params={"run_id": run["info"]["run_id"], "path": "passwd"})

    assert listed.json().get("files", []) == []
    assert read.status_code in {400, 404}


def test_links(http: httpx.Client, local: Workspace, run: str) -> None:
    """A link that somebody puts beside the objects is not followed by any name that a client can say."""
    link = local.state / "objects" / "link"
    link.symlink_to("/etc/passwd")

    for path in ("link", "objects/link", "../objects/link"):
        assert http.get("/get-artifact", params={"run_id": run, "path": path}).status_code in {400, 404}
        assert http.get(f"{PROXY}/{quote(path, safe='')}").status_code in {400, 404}


def test_own_folders_are_closed(local: Workspace) -> None:
    """What the server keeps is not open to others on the machine to write."""
    for path in (local.state, local.state / "objects"):
        assert path.stat().st_mode & 0o022 == 0


@pytest.mark.parametrize(
    ("one", "two"), list(itertools.pairwise(["a/b", "a%2Fb", "a%252Fb", "a//b", "./a/b"]))
)
def test_one_file_one_name(http: httpx.Client, run: str, one: str, two: str) -> None:
    """A path is decoded once: two spellings are one file or two, and the second is never decoded again."""
    first = http.get("/get-artifact", params={"run_id": run, "path": one})
    second = http.get("/get-artifact", params={"run_id": run, "path": two})

    assert {first.status_code, second.status_code} <= {400, 404}
