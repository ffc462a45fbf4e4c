"""Git repositories elsewhere: over file:// and over http with a password, by what is new, with no secret shown."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ropewalk.dataops.sources.git_declarations import GitSource
from ropewalk.dataops.sources.git_names import AskedNames, ask_names
from ropewalk.dataops.sources.git_remote import RemoteRepository, find_remote
from ropewalk.errors import Place, RopewalkError
from ropewalk.pipeline import State, Status, declare_graph, execute

from .conftest import APIServer, Reply, Request

CLEAN = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
NAMED = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
PASSWORD = "hunter2-of-git"
PLACE = Place("ropewalk.yaml", 3)


def git(folder: Path, *arguments: str) -> str:
    """Run git there."""
    done = subprocess.run(
        ["git", "-C", folder, *NAMED, *arguments], check=True, capture_output=True, env=CLEAN
    )
    return done.stdout.decode().strip()


def commit(folder: Path, message: str) -> str:
    """Commit; return the commit."""
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with one commit, somewhere else."""
    folder = tmp_path / "elsewhere"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True, env=CLEAN)
    commit(folder, "one")
    return folder


@pytest.fixture
def served(repository: Path, serve: Callable[..., APIServer]) -> APIServer:
    """Return a server that gives the repository to who knows the password, by git's own program for it."""
    expected = "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()

    def answer(request: Request) -> Reply:
        if request.headers.get("Authorization") != expected:
            return Reply({}, 401, {"WWW-Authenticate": "Basic realm=git"})
        variables = {
            "GIT_PROJECT_ROOT": str(repository.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path,
            "QUERY_STRING": "&".join(f"{name}={value}" for name, value in request.query.items()),
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(request.content)),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"],
            input=request.content,
            capture_output=True,
            env={**CLEAN, **variables},
            check=False,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        return Reply(body, int(fields.pop("Status", "200")[:3]), fields)

    return serve(answer)


def test_a_repository_at_an_address(project, repository: Path) -> None:
    """It is copied below the state folder, and only what is new is loaded from then on."""
    git(repository, "tag", "v1")
    project.declare(f"{{kind: git, url: '{repository.as_uri()}', table: commits}}")
    assert project.load().origins == (f"git:{repository.as_uri()}#HEAD",)
    assert project.plan().status is Status.FRESH

    commit(repository, "two")

    assert project.plan().status is not Status.FRESH
    assert project.load().summary == {"rows": 2, "added": 1}
    assert project.is_hit()


def test_planning_fetches_nothing(project, repository: Path) -> None:
    """A plan asks for the names, and leaves no copy."""
    project.declare(f"{{kind: git, url: '{repository.as_uri()}', table: commits}}").plan()

    assert not (project.root / ".ropewalk/git").exists()


def test_tags_that_are_gone(project, repository: Path) -> None:
    """The copy forgets them too."""
    git(repository, "tag", "v1")
    git(repository, "tag", "--annotate", "v2", "--message", "Second")
    project.declare(f"{{kind: git, url: '{repository.as_uri()}', table: tags}}").load()
    assert project.rows("SELECT tag") == [("v1",), ("v2",)]

    git(repository, "tag", "--delete", "v1")
    project.load()

    assert project.rows("SELECT tag") == [("v2",)]


@pytest.mark.parametrize("ref", ["side", "refs/heads/side", "v2"])
def test_a_named_ref(project, repository: Path, ref: str) -> None:
    """A branch, by its short or whole name, or a tag with a message."""
    git(repository, "switch", "--quiet", "--create", "side")
    commit(repository, "two")
    git(repository, "tag", "--annotate", "v2", "--message", "Second")
    git(repository, "switch", "--quiet", "main")

    project.declare(f"{{kind: git, url: '{repository.as_uri()}', table: commits, ref: {ref}}}").load()

    assert project.rows("SELECT subject") == [("one",), ("two",)]
    assert project.is_hit()


def test_an_empty_repository(project, tmp_path: Path) -> None:
    """Its table has columns and no rows, until somebody commits."""
    folder = tmp_path / "empty"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True, env=CLEAN)
    project.declare(f"{{kind: git, url: '{folder.as_uri()}', table: commits}}").load()
    assert project.rows("SELECT count(*)") == [(0,)]

    commit(folder, "one")

    assert project.load().summary["rows"] == 1


def test_a_repository_behind_a_password(project, served, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is loaded over HTTP, and the password stands in nothing that is kept or shown."""
    monkeypatch.setenv("GIT_TOKEN", PASSWORD)
    login = "user: ann, password: 'secret://GIT_TOKEN'"
    project.declare(f"{{kind: git, url: '{served.url}/elsewhere/.git', table: commits, {login}}}")

    shown = f"{project.plan()}{project.load()}{project.run()}"
    project.close()

    assert project.rows("SELECT subject") == [("one",)]
    packed = base64.b64encode(f"ann:{PASSWORD}".encode())
    kept = b"".join(path.read_bytes() for path in (project.root / ".ropewalk").rglob("*") if path.is_file())
    assert not any(secret in kept + shown.encode() for secret in (PASSWORD.encode(), packed))


def test_a_wrong_password(project, served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing asks for another; the error says what to give, and not what was given."""
    monkeypatch.setenv("GIT_URL", f"{served.url.replace('://', '://ann:wr0ng@')}/elsewhere/.git")

    error = project.declare("{kind: git, url: 'secret://GIT_URL', table: commits}").fail()

    assert (error.code, "wr0ng" in f"{error.as_json()}{error.__cause__}") == ("RW623", False)


def test_a_server_that_sends_elsewhere(project, serve) -> None:
    """It is not followed: what it was told is meant for it alone."""
    server = serve(lambda request: Reply({}, 302, {"Location": "http://127.0.0.1:9/elsewhere"}))

    error = project.declare(f"{{kind: git, url: '{server.url}/x', table: commits}}").fail()

    assert error.code == "RW621"


def test_what_cannot_be_reached(project, repository: Path, served) -> None:
    """A missing repository, a missing ref; a server that is down may be waited for."""
    entry = f"{{kind: git, url: '{repository.as_uri()}%s', table: commits%s}}"
    assert project.declare(entry % ("x", "")).fail().code == "RW226"
    assert project.declare(entry % ("", ", ref: --upload-pack=x")).fail().code == "RW125"
    project.declare(entry % ("", ", on_unreachable: keep")).load()

    served.stop()
    gone = f"{{kind: git, url: '{served.url}/x', table: commits}}"

    assert project.declare(gone).fail().code == "RW621"
    assert project.rows("SELECT subject") == [("one",)]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ssh://-oProxyCommand=evil/x", "RW190"),
        ("ssh://ann:pw@host/x", "RW190"),
        ("http://ann:pw@example.com/x", "RW190"),
        ("file://host/x", "RW190"),
        ("https:///x", "RW190"),
        ("ext::sh -c evil", "RW190"),
        ("https://host:port/x", "RW190"),
    ],
)
def test_addresses_that_are_refused(url: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options in the place of a host, programs in the place of an address, passwords in the open."""
    monkeypatch.setenv("GIT_URL", url)
    source = GitSource(kind="git", url="secret://GIT_URL", table="commits")

    with pytest.raises(Exception, match=r"url|ssh|http") as caught:
        find_remote(source, PLACE)

    assert (caught.value.code, "pw" in str(caught.value)) == (code, False)


def test_an_ssh_address() -> None:
    """The user stays in it, as ssh needs one; nothing can ask a question."""
    source = GitSource(kind="git", url="ssh://git@host/a.git", table="commits")

    assert find_remote(source, PLACE) == RemoteRepository("ssh://git@host/a.git", PLACE)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("fatal: Authentication failed for 'https://h/x'", "RW623"),
        ("git@h: Permission denied (publickey).", "RW623"),
        ("Host key verification failed.", "RW623"),
        ("fatal: repository 'https://h/x/' not found", "RW226"),
        ("fatal: unable to access 'https://h/x': Could not resolve host: h", "RW621"),
        ("", "RW621"),
    ],
)
def test_what_git_says(said: str, code: str) -> None:
    """Its words are told apart, with the secret taken out."""
    remote = RemoteRepository("https://h/x", PLACE, hidden=("s3cret",))

    error = remote.error(f"{said} s3cret")

    assert (error.code, "s3cret" in str(error.as_json())) == (code, False)


@pytest.mark.parametrize("entry", ["url: 'ext::x'", "url: 'file:///x', path: .", "user: ann", "url: /x"])
def test_declarations_that_are_refused(project, entry: str) -> None:
    """Before git is asked."""
    from ropewalk.errors import InvalidInput

    project.declare(f"{{kind: git, {entry}}}")

    with pytest.raises(InvalidInput):
        project.workspace  # noqa: B018  # reading the declaration is what fails


def count_asked(served: APIServer) -> int:
    """Return how often the server was asked for its names; over this protocol that is how each conversation begins."""
    return sum(request.path.endswith("/info/refs") for request in served.requests)


def test_one_run_asks_and_fetches_once(project, repository: Path, served, monkeypatch) -> None:
    """All tables of a repository see the same moment of it: one look, one fetch, whatever their number."""
    monkeypatch.setenv("GIT_TOKEN", PASSWORD)
    login = "user: ann, password: 'secret://GIT_TOKEN'"
    project.declare(f"{{kind: git, url: '{served.url}/elsewhere/.git', {login}}}")
    graph = declare_graph(project.workspace.project, project.kinds)

    nodes = execute(graph, project.kinds, project.workspace, project.watcher).nodes

    assert [node.error for node in nodes] == [None] * 4
    # Without the password git tries first, and is refused: so each conversation asks twice.
    assert count_asked(served) <= 2 * 2
    served.requests.clear()
    again = execute(graph, project.kinds, project.workspace, project.watcher).nodes
    assert {node.state for node in again} == {State.HIT}
    assert count_asked(served) <= 2


def test_one_run_waits_once(project, served) -> None:
    """A server that is down is asked by the first table alone, and all of them say so."""
    served.stop()
    project.declare(f"{{kind: git, url: '{served.url}/elsewhere/.git'}}")
    graph = declare_graph(project.workspace.project, project.kinds)
    workspace, remote = project.workspace, find_remote(next(iter(graph.nodes.values())).spec.source, PLACE)

    nodes = execute(graph, project.kinds, workspace, project.watcher).nodes

    assert [node.error.code for node in nodes] == ["RW621"] * 4
    assert len({id(node.error) for node in nodes}) == 4
    workspace.run_id = "next"
    with pytest.raises(RopewalkError, match="cannot be reached"):
        ask_names(workspace, remote)


def test_names_are_asked_anew_after_a_failure() -> None:
    """A name that is gone when it is fetched is looked for again in the same run, and in each later one."""
    asked = AskedNames()
    remote = CountedRepository("https://h/x", PLACE)

    told = [asked.ask(run, remote)["n"] for run in ("one", "one", "two", "two")]
    asked.forget(remote)

    assert [*told, asked.ask("two", remote)["n"]] == ["1", "1", "2", "2", "3"]


class CountedRepository(RemoteRepository):
    """Shows how often it was asked."""

    def refs(self) -> dict[str, str]:
        COUNTED.append(self.url)
        return {"n": str(len(COUNTED))}


COUNTED: list[str] = []
