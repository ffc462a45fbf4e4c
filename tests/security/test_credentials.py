"""What a request may show to say who asks, over the real server, and what it learns when it may not."""

from __future__ import annotations

import base64
from collections.abc import Callable

import httpx
import pytest

from ropewalk.access import GRANTS, Role, TokenRequest, create_token, end_token
from ropewalk.access.failures import MOST
from ropewalk.access.secrets import new_secret
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.access_audit import read_audit

Ask = Callable[..., httpx.Response]
WHO = "/api/whoami"
GET = "/api/2.0/mlflow/experiments/get?experiment_id=0"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer {}"},
        {"authorization": "bearer   {}"},
        {"private-token": "{}"},
        {"job-token": "{}"},
    ],
)
def test_headers(ask: Ask, tokens: dict[str, str], headers: dict[str, str]) -> None:
    """MLflow's clients, GitLab's and all others each have their header."""
    filled = {name: value.format(tokens["developer"]) for name, value in headers.items()}

    answer = ask(None, "GET", WHO, headers=filled).json()

    assert (answer["name"], answer["role"]) == ("a_developer", "developer")


@pytest.mark.parametrize("user", ["a_developer", "oauth2", "", "é", "a:b"])
def test_basic(ask: Ask, tokens: dict[str, str], user: str) -> None:
    """A user with a token as the password is the token's person, whatever user they name."""
    password = tokens["developer"]
    given = basic(user.partition(":")[0], password)

    assert ask(None, "GET", WHO, headers={"authorization": given}).json()["name"] == "a_developer"


@pytest.mark.parametrize(
    "given",
    [
        "Bearer",
        "Bearer x",
        "Bearer rw_",
        # Its own name: all workers of the tests must know it by the same one.
        pytest.param("Bearer " + new_secret(), id="unknown token"),
        "Bearer " + "x" * 17_000,
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        basic("ada", ""),
        basic("admin", "password1234"),
        "Digest username=ada",
        "Negotiate x",
        "rw_alone",
    ],
)
def test_what_does_not_count(ask: Ask, given: str) -> None:
    """Anything else is refused with the reason, and never taken for nobody who may read what is public."""
    answer = ask(None, "GET", GET, headers={"authorization": given})

    assert answer.status_code in {401, 429}
    assert answer.json()["error_code"] in {"UNAUTHENTICATED", "REQUEST_LIMIT_EXCEEDED"}
    assert given[7:60] not in answer.text or len(given) < 12


def test_how_refusals_read(ask: Ask) -> None:
    """A client of the protocol reads its own form of errors, another the usual one; both learn how to go on."""
    client, page = ask(None, "GET", GET), ask(None, "GET", "/api/sql?q=SELECT 1")

    assert client.json()["error_code"] == "UNAUTHENTICATED"
    assert page.json()["code"] == "RW184"
    assert client.headers["www-authenticate"] == page.headers["www-authenticate"] == 'Bearer realm="ropewalk"'
    assert "MLFLOW_TRACKING_TOKEN" in page.json()["hint"]


def test_no_right_to_it(ask: Ask) -> None:
    """Whoever is known and may not is told so with 403, and what it would take."""
    answer = ask("reporter", "POST", "/api/2.0/mlflow/experiments/create", json={"name": "x"})

    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")
    assert "a_reporter may not write in project 'flights'" in answer.json()["message"]


def test_predictions_refuse_in_their_form(ask: Ask) -> None:
    """Also the prediction routes answer as their clients expect."""
    answer = ask(None, "POST", "/invocations", json={})

    assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHENTICATED")


def test_refused_before_the_body_is_read(ask: Ask) -> None:
    """Nobody fills a disk: an upload is refused before its bytes are stored."""
    answer = ask(None, "PUT", "/api/2.0/mlflow-artifacts/artifacts/1/x", content=b"x" * 2_000_000)

    assert answer.status_code == 401


def test_narrow_token(ask: Ask, guarded: Workspace) -> None:
    """An owner's token with one scope may that and no more."""
    asked = TokenRequest("narrow", "personal", frozenset({Permission.READ}), "flights", "a_owner")
    secret, token = create_token(guarded.database, asked)
    headers = {"authorization": f"Bearer {secret}"}

    read = ask(None, "GET", GET, headers=headers)
    write = ask(None, "POST", "/api/2.0/mlflow/experiments/create", json={"name": "n"}, headers=headers)
    end_token(guarded.database, token.id)

    assert (read.status_code, write.status_code) == (200, 403)
    assert ask(None, "GET", GET, headers=headers).status_code in {401, 429}


def test_deploy_token(ask: Ask, guarded: Workspace) -> None:
    """A token on a machine that serves models may read, and change nothing."""
    scopes = frozenset({Permission.READ, Permission.PREDICT})
    secret, _ = create_token(
        guarded.database, TokenRequest("edge", "deploy", scopes, "flights", role=Role.REPORTER)
    )
    headers = {"authorization": f"Bearer {secret}"}

    assert ask(None, "GET", GET, headers=headers).status_code == 200
    assert ask(None, "POST", "/api/2.0/mlflow/runs/create", json={}, headers=headers).status_code == 403


def test_deletions_are_written_down(ask: Ask, guarded: Workspace) -> None:
    """Who deleted what, from where and with what outcome stands in the log; so does who tried and was refused."""
    name = {"name": "written down"}
    ask("owner", "POST", "/api/2.0/mlflow/registered-models/create", json=name)
    ask("developer", "DELETE", "/api/2.0/mlflow/registered-models/delete", json=name)
    ask("maintainer", "DELETE", "/api/2.0/mlflow/registered-models/delete", json=name)
    ask("maintainer", "DELETE", "/api/2.0/mlflow/registered-models/delete", json=name)

    with guarded.database.read() as connection:
        found = read_audit(connection, 4)
    assert [(one.actor, one.outcome) for one in found] == [
        ("a_maintainer", "failed (404)"),
        ("a_maintainer", "done"),
        ("a_developer", "refused"),
        ("a_owner", "done"),
    ]
    assert {(one.project, one.address) for one in found} == {("flights", "127.0.0.1")}
    assert found[0].target == "DELETE /api/2.0/mlflow/registered-models/delete"


def test_many_failures_have_to_wait(ask: Ask, guarded: Workspace) -> None:
    """Whoever guesses is slowed down and does not fill the log; who has a token that counts goes on meanwhile."""
    for _ in range(MOST + 5):
        last = ask(None, "GET", GET, headers={"authorization": f"Bearer {new_secret()}"})

    assert (last.status_code, last.headers["retry-after"]) == (429, "60")
    assert ask("reporter", "GET", GET).status_code == 200
    with guarded.database.read() as connection:
        failures = [one for one in read_audit(connection, 1000) if one.actor == "nobody"]
    assert len(failures) < MOST


def test_no_secret_in_the_log(ask: Ask, guarded: Workspace, tokens: dict[str, str]) -> None:
    """Whatever was shown, none of it is in the audit log."""
    ask(None, "GET", f"{GET}&token={tokens['owner']}")

    with guarded.database.read() as connection:
        assert tokens["owner"][3:20] not in repr(read_audit(connection, 1000))


def test_nobody_chooses_their_address(ask: Ask, guarded: Workspace) -> None:
    """Without a proxy nobody says by a header where they come from."""
    headers = {"x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9"}

    ask("reporter", "DELETE", "/api/2.0/mlflow/model-versions/delete", json={}, headers=headers)

    with guarded.database.read() as connection:
        assert read_audit(connection, 1)[0].address == "127.0.0.1"


@pytest.mark.parametrize("state", ["revoked", "over", "of another project"])
def test_tokens_that_are_not_good_any_more(
    ask: Ask, guarded: Workspace, tokens: dict[str, str], state: str
) -> None:
    """An owner's token that was revoked, is over, or is another project's gets nothing from the server itself."""
    project = "trains" if state == "of another project" else "flights"
    asked = TokenRequest(f"once good, {state}", "project", GRANTS[Role.OWNER], project, role=Role.OWNER)
    secret, row = create_token(guarded.database, asked)
    column = {"revoked": "revoked_at", "over": "expires_at"}.get(state)
    if column:
        with guarded.database.write() as connection:
            connection.execute(f"UPDATE access_token SET {column} = 1 WHERE id = ?", (row.id,))
    headers = {"authorization": f"Bearer {secret}"}

    paths = ("/api/2.0/mlflow/experiments/get?experiment_id=0", "/models", "/p/flights/graphql?query={a}")
    statuses = {ask(None, "GET", path, headers=headers).status_code for path in paths}

    # Of another project's it is known who asks, and that they may nothing here. Whoever fails often has to wait, which
    # tests beside this one may have brought about.
    assert statuses <= ({401, 429} if column else {403})


@pytest.mark.parametrize("project", ["trains", "../trains", "flights/../trains", "*"])
def test_other_projects_by_header(ask: Ask, project: str) -> None:
    """MLflow's header for a workspace leads to no other project, whatever rights its sender has in this one."""
    path = "/api/2.0/mlflow/experiments/get?experiment_id=0"

    assert ask("owner", "GET", path, headers={"X-MLFLOW-WORKSPACE": project}).status_code == 404
