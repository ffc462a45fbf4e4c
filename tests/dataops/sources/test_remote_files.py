"""Files at an address: a real server that speaks S3, and web servers."""

from __future__ import annotations

import pytest

from ropewalk.pipeline import Status

from .conftest import Reply, Request, SourceProject


class Bucket:
    """A bucket of the server, and a project that reads from it."""

    def __init__(self, project: SourceProject, server, name: str) -> None:
        from obstore.store import S3Store

        self.project = project
        # The server keeps files of some size for each bucket, so all tests have one.
        self.name = f"shelf/{name}"
        self.store = S3Store(
            "shelf", prefix=name, **server.credentials(), client_options={"allow_http": True}
        )
        self.endpoint = server.url

    def put(self, **files: str) -> None:
        """Write objects `a/b.csv`, named a__b."""
        for name, content in files.items():
            self.store.put(f"{name.replace('__', '/')}.csv", content.encode())

    def declare(self, path: str, secret: str = "secret://S3_SECRET") -> SourceProject:
        """Declare the source with the names of its credentials."""
        options = f"endpoint: '{self.endpoint}', region: us-east-1, access_key_id: key, secret_access_key: '{secret}'"
        return self.project.declare(
            f'{{kind: files, path: "s3://{self.name}/{path}", options: {{{options}}}}}'
        )


@pytest.fixture
def bucket(project, object_server, tmp_path, monkeypatch):
    """Return an empty bucket of the test's own."""
    monkeypatch.setenv("S3_SECRET", "hidden-key")
    return Bucket(project, object_server, f"t{abs(hash(tmp_path.name)) % 10**9:09}")


def test_objects_of_a_bucket(bucket) -> None:
    """Those that the pattern names are loaded, and each row knows its own."""
    bucket.put(a__1="n\n1\n", a__2="n\n2\n", a__deep__3="n\n3\n", b__4="n\n4\n")

    output = bucket.declare("a/*.csv").load()

    assert bucket.project.rows("SELECT n, _file") == [
        (1, f"s3://{bucket.name}/a/1.csv"),
        (2, f"s3://{bucket.name}/a/2.csv"),
    ]
    assert output.origins == (f"s3://{bucket.name}/a/1.csv", f"s3://{bucket.name}/a/2.csv")
    assert bucket.declare("a/**/*.csv").load().summary["rows"] == 3


def test_the_ledger_of_a_bucket(bucket) -> None:
    """New objects are added, changed ones replaced, gone ones taken out; nothing new fetches nothing."""
    bucket.put(a__1="n\n1\n", a__2="n\n2\n", a__3="n\n3\n")
    project = bucket.declare("a/*.csv")
    project.load()
    assert project.is_hit()

    bucket.put(a__2="n\n20\n", a__4="n\n4\n")
    bucket.store.delete("a/3.csv")
    output = project.load()

    assert project.rows() == [(1,), (4,), (20,)]
    told = {name: output.summary[name] for name in ("new", "changed", "removed", "added")}
    assert told == {"new": 1, "changed": 1, "removed": 1, "added": 2}


def test_credentials_of_a_bucket_show_nowhere(bucket, monkeypatch) -> None:
    """Not in what is planned, loaded and kept; nor when the server refuses them."""
    bucket.put(a__1="n\n1\n")
    project = bucket.declare("a/*.csv")
    shown = f"{project.plan()}{project.load()}"
    project.close()
    monkeypatch.setenv("S3_SECRET", "hidden-but-wrong")

    error = project.fail()

    assert "hidden" not in f"{shown}{error.as_json()}"
    assert error.code == "RW623"
    kept = (path for path in (project.root / ".ropewalk").rglob("*") if path.is_file())
    assert [path for path in kept if b"hidden-key" in path.read_bytes()] == []


def test_nothing_in_a_bucket(bucket) -> None:
    """An address without objects is an error."""
    bucket.put(a__1="n\n1\n")

    assert bucket.declare("b/*.csv").fail().code == "RW225"


@pytest.mark.parametrize("path", ["s3://key:hunter2@bucket/x.csv", "s3://bucket", "s3:///x.csv"])
def test_an_address_that_is_none(project, path: str) -> None:
    """It is not repeated, as it may hold credentials."""
    error = project.declare(f'{{kind: files, path: "{path}", format: csv}}').fail()

    assert error.code == "RW125"
    assert "hunter2" not in str(error.as_json())


def test_a_bucket_that_is_not_there(project) -> None:
    """What was loaded last can be kept."""
    options = "endpoint: 'http://127.0.0.1:9', region: x, access_key_id: k, secret_access_key: hunter2"
    error = project.declare(f'{{kind: files, path: "s3://b/x.csv", options: {{{options}}}}}').fail()

    assert (error.code, "hunter2" in str(error.as_json())) == ("RW621", False)


def web(content: dict[str, str], tag: str | None = "ETag"):
    """Answer with the content of a file, tagged by what it is."""

    def answer(request: Request) -> Reply:
        body = content["a"].encode()
        return Reply(body, headers={tag: f'"{content["a"]!r}"'.replace("\n", "")} if tag else {})

    return answer


@pytest.mark.parametrize("tag", ["ETag", None])
def test_a_file_of_a_web_server(project, serve, tag: str | None) -> None:
    """It is loaded again when it changed, whether the server says so or has to be looked at."""
    content = {"a": "n\n1\n"}
    server = serve(web(content, tag))
    project.declare(f"{{kind: files, path: '{server.url}/data/a.csv?token=hunter2'}}")

    output = project.load()
    assert project.is_hit()
    content["a"] = "n\n2\n"

    assert project.plan().status is Status.STALE
    project.load()
    assert project.rows("SELECT n, _file") == [(2, f"{server.url}/data/a.csv?token=***")]
    assert "hunter2" not in f"{output}{project.plan()}"


def test_headers_of_a_web_server(project, serve, monkeypatch) -> None:
    """They are sent, and their secrets show nowhere."""
    monkeypatch.setenv("WEB", "hunter2")
    server = serve(web({"a": "n\n1\n"}))
    project.declare(
        f"{{kind: files, path: '{server.url}/a.csv', options: {{Authorization: 'secret://WEB'}}}}"
    )

    output = project.load()

    assert {request.headers["Authorization"] for request in server.requests} == {"hunter2"}
    assert "hunter2" not in f"{output}{project.plan()}"


@pytest.mark.parametrize(
    ("status", "code"), [(401, "RW623"), (403, "RW623"), (404, "RW225"), (302, "RW622"), (503, "RW621")]
)
def test_answers_of_a_web_server(project, serve, status: int, code: str) -> None:
    """Each has its code, and the query stays hidden."""
    server = serve(lambda _: Reply(b"", status, {"Location": "/elsewhere"}))

    error = project.declare(f"{{kind: files, path: '{server.url}/a.csv?key=hunter2'}}").fail()

    assert (error.code, "hunter2" in str(error.as_json())) == (code, False)


def test_a_web_server_that_is_gone(project, serve) -> None:
    """What was loaded last is kept where that is declared."""
    server = serve(web({"a": "n\n1\n"}))
    project.declare(f"{{kind: files, path: '{server.url}/a.csv', on_unreachable: keep}}").load()
    server.stop()

    assert project.is_hit()


def test_a_web_server_has_no_folders(project) -> None:
    """A pattern is refused: it could not be answered."""
    error = project.declare("{kind: files, path: 'https://example.com/*.csv'}").fail()

    assert (error.code, "cannot be asked which files" in error.message) == ("RW125", True)
