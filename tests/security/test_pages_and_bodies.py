"""Cross-site scripts by what clients stored, rebinding, bombs, huge names, hostile filters, and talkative errors.

CVE-2023-6568, 6974, 43472, CVE-2024-2928, 3099, 6838, 27132, 27133, CVE-2025-0453, 1473, 14279, 52967, CVE-2026-2393,
2611, CVE-2022-0736, CVE-2025-10279, CVE-2026-4137, CVE-2024-37052 to 37060.
"""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from ropewalk.pipeline import Workspace

API = "/api/2.0/mlflow"
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
SCRIPT = "<script>alert(document.domain)</script>"


@pytest.fixture(scope="module")
def run(http: httpx.Client) -> str:
    """Return the id of a run."""
    made = http.post(f"{API}/runs/create", json={"experiment_id": "0"})
    return str(made.json()["run"]["info"]["run_id"])


@pytest.fixture(scope="module")
def store(http: httpx.Client, run: str) -> Callable[[str, bytes], str]:
    """Return a function that stores an artifact of the run and returns its address."""
    info = http.get(f"{API}/runs/get", params={"run_id": run}).json()["run"]["info"]
    root = info["artifact_uri"].removeprefix("mlflow-artifacts:/")

    def put(name: str, content: bytes) -> str:
        assert http.put(f"{PROXY}/{root}/{name}", content=content).status_code == 200
        return f"{PROXY}/{root}/{name}"

    return put


@pytest.mark.parametrize(
    "name", ["x.html", "x.svg", "x.xhtml", "x.xml", "x.js", "x.pdf", "x", 'x".html', "x;.html", "é.html"]
)
def test_artifacts_are_never_pages(
    http: httpx.Client, store: Callable[[str, bytes], str], run: str, name: str
) -> None:
    """Whatever a client stored, a browser saves it and neither shows nor runs it."""
    address = store(name, SCRIPT.encode())

    for answer in (http.get(address), http.get("/get-artifact", params={"run_id": run, "path": name})):
        headers = answer.headers
        assert answer.status_code == 200
        assert headers["content-type"] == "application/octet-stream"
        assert headers["content-disposition"].startswith("attachment")
        assert headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in headers["content-security-policy"]
        assert "\n" not in headers["content-disposition"]


@pytest.mark.parametrize("type_", ["text/html", "image/svg+xml", "text/html\r\nx: y"])
def test_no_type_is_reflected(http: httpx.Client, type_: str) -> None:
    """A Content-Type that a client sends comes back in no answer."""
    headers = {"content-type": type_.replace("\r\n", " ")}
    answer = http.post(f"{API}/experiments/create", content=SCRIPT.encode(), headers=headers)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"


def test_stored_scripts_do_not_run(http: httpx.Client, run: str) -> None:
    """Names, tags, parameters and notes that hold markup are text on every page."""
    made = http.post(f"{API}/experiments/create", json={"name": SCRIPT}).json()["experiment_id"]
    body = {
        "experiment_id": made,
        "run_name": SCRIPT,
        "tags": [
            {
                "key": "mlflow.note.content",
                "value": f"{SCRIPT} [x](javascript:alert(1)) <img src=x onerror=y>",
            }
        ],
    }
    held = http.post(f"{API}/runs/create", json=body).json()["run"]["info"]["run_id"]
    http.post(f"{API}/runs/log-parameter", json={"run_id": held, "key": "depth", "value": SCRIPT})

    for page in (
        "/experiments",
        f"/experiments/{made}/runs",
        f"/runs/{held}",
        f"/data/{SCRIPT}",
        f"/sql?q={SCRIPT}",
    ):
        answer = http.get(page, headers={"accept": "text/html"})
        assert "<script>alert" not in answer.text, page
        assert "onerror=y>" not in answer.text, page
        assert 'href="javascript:' not in answer.text, page
        assert (
            "script-src" in answer.headers["content-security-policy"]
            or "default-src 'self'" in answer.headers["content-security-policy"]
        )


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "0.0.0.0", "[::1]x"]
)
@pytest.mark.parametrize(
    "path", ["/", "/health", f"{API}/experiments/search", "/p/other/x", "/static/x", "/ajax-api/2.0/x"]
)
def test_rebinding(http: httpx.Client, host: str, path: str) -> None:
    """A name that somebody points at this machine gets nothing, at no path and below no prefix."""
    answer = http.get(path, headers={"host": host})

    assert answer.status_code in {400, 403}
    assert "local" not in answer.text.replace("localhost", "").replace(path, "")


@pytest.mark.parametrize("path", [f"{API}/runs/create", "/ajax-api/2.0/mlflow/runs/create", "/p/flights/api/2.0/mlflow/runs/create", "/invocations", "/v1/traces"])  # fmt: skip
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_pages_of_other_sites(http: httpx.Client, path: str, headers: dict[str, str]) -> None:
    """No page of another site changes anything, at no copy of a path."""
    assert http.post(path, json={}, headers=headers).status_code == 403


def test_no_site_is_invited(http: httpx.Client) -> None:
    """No answer lets another site read it."""
    for method, path in (("GET", "/"), ("OPTIONS", f"{API}/runs/create"), ("GET", "/health")):
        answer = http.request(method, path, headers={"origin": "http://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_bombs(http: httpx.Client, encoding: str) -> None:
    """A compressed body is refused or counted as it unfolds: a hundred kilobytes never become a hundred megabytes."""
    body = gzip.compress(b" " * 100_000_000, 1) if "gzip" in encoding else zlib.compress(b" " * 10_000_000)
    headers = {"content-encoding": encoding, "content-type": "application/json"}

    for path in (f"{API}/runs/create", f"{API}/runs/log-batch", "/api/sql", "/v1/traces", "/invocations"):
        kind = "application/x-protobuf" if path == "/v1/traces" else "application/json"
        answer = http.post(path, content=body, headers={**headers, "content-type": kind})
        assert 400 <= answer.status_code < 500, (path, answer.text[:300])


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 50_000, b'"' + b"\\u0000" * 1000 + b'"', b"\xff" * 100, b"1e999999", b"{" * 10])  # fmt: skip
def test_deep_bodies(http: httpx.Client, body: bytes) -> None:
    """Nesting without end, and what is no text, is told as the client's mistake."""
    headers = {"content-type": "application/json"}

    for path in (f"{API}/runs/create", f"{API}/runs/search", f"{API}/runs/log-batch", "/api/sql"):
        assert http.post(path, content=body, headers=headers).status_code == 400


@pytest.mark.parametrize("size", [501, 10_000, 900_000])
def test_huge_names(http: httpx.Client, run: str, size: int) -> None:
    """Names have a length; what is longer is refused, with a message that is short."""
    name = "x" * size
    asked = [
        ("experiments/create", {"name": name}),
        ("registered-models/create", {"name": name}),
        ("runs/set-tag", {"run_id": run, "key": name, "value": "x"}),
        ("runs/log-parameter", {"run_id": run, "key": name, "value": "x"}),
        ("runs/log-metric", {"run_id": run, "key": name, "value": 1, "timestamp": 1}),
        ("registered-models/alias", {"name": "m", "alias": name, "version": "1"}),
    ]
    for path, body in asked:
        answer = http.post(f"{API}/{path}", json=body)
        assert answer.status_code in {400, 404}, (path, answer.text[:200])
        assert len(answer.text) < 2_000 + 2 * 501, path


FILTERS = [
    "metrics.a > 1; DROP TABLE run",
    "params.a = 'x' OR 1=1",
    "params.a = 'x' UNION SELECT 1",
    "tags.`a' OR '1'='1` = 'x'",
    'params."a"" OR 1=1 --" = \'x\'',
    "attributes.run_id IN ('a') OR TRUE",
    "name LIKE '%' ESCAPE '\\'",
    "metrics.a > 1e999999",
    "metrics.a > " + "9" * 5000,
    "params.a LIKE '" + "%a" * 2000 + "'",
    " AND ".join(["params.a = 'x'"] * 3000),
    "(" * 5000,
    "attributes.run_id IN (" + ",".join(["'x'"] * 20_000) + ")",
    "params.a = '\x00'",
    "params.\ud800 = 'x'".encode("utf-8", "surrogatepass").decode("latin-1"),
    "run.__class__ = 'x'",
]


@pytest.mark.parametrize("filter_", FILTERS, ids=range(len(FILTERS)))
def test_hostile_filters(http: httpx.Client, filter_: str) -> None:
    """A filter is a question and nothing else: what is no filter is refused, what is long ends soon."""
    searches = [
        ("POST", "runs/search", {"experiment_ids": ["0"], "filter": filter_}),
        ("POST", "experiments/search", {"max_results": 10, "filter": filter_}),
        ("GET", "registered-models/search", {"filter": filter_}),
        ("GET", "model-versions/search", {"filter": filter_}),
    ]
    for method, path, asked in searches:
        content = {"json": asked} if method == "POST" else {"params": asked}
        try:
            answer = http.request(method, f"{API}/{path}", **content)  # type: ignore[arg-type]  # one of the two
        except httpx.InvalidURL:
            continue
        assert answer.status_code in {200, 400, 414, 431}, answer.text[:300]
        assert "sqlite" not in answer.text.lower()
    assert http.get("/health").text == "OK"


TALK = (
    "sqlite",
    "psycopg",
    "Traceback",
    "site-packages",
    "SELECT ",
    "INSERT ",
    "/home/",
    "/tmp/",
    ".py",
    "UNIQUE constraint",
)


def test_errors_say_nothing_of_the_inside(http: httpx.Client, run: str, local: Workspace) -> None:
    """No error shows a statement, a path of the server, or a line of its code."""
    http.post(f"{API}/experiments/create", json={"name": "twice"})
    asked = [
        ("POST", f"{API}/experiments/create", {"name": "twice"}),
        ("POST", f"{API}/runs/create", {"experiment_id": "\x00"}),
        ("POST", f"{API}/runs/create", {"experiment_id": "9" * 400}),
        (
            "POST",
            f"{API}/runs/log-batch",
            {"run_id": run, "metrics": [{"key": "a", "value": "x", "timestamp": 1}]},
        ),
        ("POST", f"{API}/runs/log-metric", {"run_id": run, "key": "a", "value": 1, "timestamp": 2**70}),
        ("POST", f"{API}/runs/search", {"experiment_ids": ["0"], "page_token": "x"}),
        ("POST", f"{API}/registered-models/create", {"name": "a/b"}),
        ("GET", "/runs/nobody", None),
        ("GET", "/data/no.such", None),
        ("GET", "/nothing", None),
    ]
    for method, path, body in asked:
        answer = http.request(method, path, json=body)
        assert 400 <= answer.status_code < 500, (path, answer.text[:300])
        assert not [word for word in (*TALK, str(local.root)) if word in answer.text], (
            path,
            answer.text[:500],
        )


def archives(tmp_path: Path) -> dict[str, bytes]:
    """Return archives whose members lead out of the folder that they are unpacked to."""
    tar, zipped = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as archive:
        for name, kind, link in (
            ("../../out.txt", tarfile.REGTYPE, ""),
            ("l", tarfile.SYMTYPE, "/etc/passwd"),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            archive.addfile(member, io.BytesIO())
    with zipfile.ZipFile(zipped, "w") as archive_:
        archive_.writestr("../../out.txt", "x")
    return {"model.tar.gz": tar.getvalue(), "model.zip": zipped.getvalue()}


class Bomb:
    """What runs something when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (self.mark, "ran")


def test_nothing_is_unpacked(
    http: httpx.Client, store: Callable[[str, bytes], str], tmp_path: Path, local: Workspace
) -> None:
    """Archives and pickles are bytes to the server: it hands them out as they came, and runs and unpacks none."""
    mark = tmp_path / "mark"
    bodies = {
        **archives(tmp_path),
        "model.pkl": pickle.dumps(Bomb(mark)),
        "python_model.pkl": pickle.dumps(Bomb(mark)),
    }

    for name, body in bodies.items():
        assert http.get(store(name, body)).content == body

    assert not mark.exists()
    assert not list(local.root.parent.rglob("out.txt"))


@pytest.mark.parametrize(
    "source",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:{port}/x",
        "http://localhost:{port}/x",
        "http://[::1]:{port}/x",
        "http://2130706433:{port}/x",
        "ftp://127.0.0.1:{port}/x",
        "gopher://127.0.0.1:{port}/x",
        "s3://127.0.0.1:{port}/x",
    ],
)
def test_no_address_of_a_client_is_opened(http: httpx.Client, source: str) -> None:
    """The server opens no address that a client names: not a model's source, not an experiment's place, not a data set's."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        address = source.format(port=trap.getsockname()[1])
        http.post(f"{API}/registered-models/create", json={"name": "ssrf"})
        made = http.post(f"{API}/model-versions/create", json={"name": "ssrf", "source": address})
        version = made.json().get("model_version", {}).get("version", "1")
        http.get("/model-versions/get-artifact", params={"name": "ssrf", "version": version, "path": "x"})
        http.get(f"{API}/model-versions/get-download-uri", params={"name": "ssrf", "version": version})
        place = http.post(f"{API}/experiments/create", json={"name": address, "artifact_location": address})
        if place.status_code == 200:
            body = {"experiment_id": place.json()["experiment_id"]}
            run = http.post(f"{API}/runs/create", json=body).json()["run"]["info"]["run_id"]
            http.get(f"{API}/artifacts/list", params={"run_id": run})
            http.get("/get-artifact", params={"run_id": run, "path": "x"})

        with pytest.raises(BlockingIOError):
            trap.accept()


@pytest.mark.parametrize(
    "query",
    [
        "query { "
        + " ".join(f'a{n}: mlflowGetRun(input: {{runId: "x"}}) {{ __typename }}' for n in range(5000))
        + " }",
        "query " + "{ a " * 5000 + "}" * 5000,
        "fragment a on Query { ...b } fragment b on Query { ...a } query { ...a }",
        "query { __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }",
    ],
    ids=["aliases", "depth", "circle", "introspection"],
)
def test_questions_that_grow(http: httpx.Client, query: str) -> None:
    """A question that asks for thousands of things at once, or for itself, is refused before it is answered."""
    answer = http.post("/graphql", json={"query": query})

    assert answer.status_code in {200, 400}
    assert "errors" in answer.json() or "error_code" in answer.json() or len(answer.content) < 1_000_000
    assert http.get("/health").text == "OK"
