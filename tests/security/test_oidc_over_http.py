"""The login at an issuer and the tokens of CI jobs, through the real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import httpx
import pytest
from identity_issuer import CLIENT, SECRET, Issuer, running_issuer
from served_app import served

from ropewalk import plugins
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store.access_audit import read_audit

AUDIENCE = "https://ropewalk.example.com"
RULES = """
    login:
      issuer: {url}
      client_id: {client}
      name: Acme
      rules:
        - {{claims: {{groups: acme/ml}}, role: developer}}
    jobs:
      - issuer: {url}
        audience: {audience}
        rules:
          - {{claims: {{project_path: acme/flights}}, role: developer}}
    """
PAGE = {"accept": "text/html"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """Return an issuer at which Ada is logged in."""
    with running_issuer() as running:
        running.person["groups"] = ["acme/ml"]
        yield running


@pytest.fixture(scope="module")
def workspace(
    tmp_path_factory: pytest.TempPathFactory, module_environ: dict[str, str], issuer: Issuer
) -> Iterator[Workspace]:
    """Return a project whose access file names the issuer."""
    root: Path = tmp_path_factory.mktemp("project")
    (root / "ropewalk.yaml").write_text("project: flights\n", encoding="utf-8")
    text = dedent(RULES).format(url=issuer.url, client=CLIENT, audience=AUDIENCE)
    (root / "access.yaml").write_text(text, encoding="utf-8")
    given = {"access": "required", "access_file": "access.yaml", "oidc_secret": SECRET}
    with Workspace(load_project(root, plugins.sections()), load_settings(module_environ, **given)) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(workspace: Workspace) -> Iterator[str]:
    """Return the address of the project."""
    with served(workspace) as address:
        yield address


def test_round_trip(url: str, workspace: Workspace) -> None:
    """From a page to the issuer and back to the page, as whom the issuer vouches for."""
    with httpx.Client(base_url=url, headers=PAGE, trust_env=False) as browser:
        form = browser.get("/login?next=/models")
        left = browser.get("/login/issuer?next=/models")
        agreed = httpx.get(left.headers["location"], trust_env=False)
        back = browser.get(agreed.headers["location"])
        again = browser.get(agreed.headers["location"])

        assert "Log in with Acme" in form.text
        assert (back.status_code, back.headers["location"]) == (303, "/models")
        about = browser.get("/api/whoami").json()
        assert (about["name"], about["role"]) == ("ada", "developer")
        assert again.status_code == 401
    with workspace.database.read() as connection:
        assert ("ada", "login", "done") in {
            (x.actor, x.action, x.outcome) for x in read_audit(connection, 10)
        }


def test_answer_in_another_browser(url: str) -> None:
    """A link with somebody's answer logs nobody else in."""
    with httpx.Client(base_url=url, headers=PAGE, trust_env=False) as browser:
        left = browser.get("/login/issuer")
    agreed = httpx.get(left.headers["location"], trust_env=False)

    stolen = httpx.get(agreed.headers["location"], headers=PAGE, trust_env=False)

    assert stolen.status_code == 401
    assert "ropewalk_session" not in stolen.headers.get("set-cookie", "")


@pytest.mark.parametrize("header", ["authorization", "job-token", "private-token"])
def test_job(url: str, issuer: Issuer, header: str) -> None:
    """A CI job creates a run with its identity token, and deletes no model."""
    token = issuer.job(AUDIENCE)
    headers = {header: f"Bearer {token}" if header == "authorization" else token}
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as job:
        made = job.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"})
        gone = job.request("DELETE", "/api/2.0/mlflow/registered-models/delete", json={"name": "x"})

    assert (made.status_code, gone.status_code) == (200, 403)


def test_job_as_a_password(url: str, issuer: Issuer) -> None:
    """MLflow's clients send it as a password too."""
    auth = ("gitlab", issuer.job(AUDIENCE))

    assert httpx.get(f"{url}/api/whoami", auth=auth, trust_env=False).json()["kind"] == "ci"


@pytest.mark.parametrize("claims", [{"aud": "https://other"}, {"exp": 1}, {"iss": "https://evil.example"}])
def test_jobs_that_are_not_ours(url: str, issuer: Issuer, claims: dict[str, object]) -> None:
    """A job's token for another server, of another issuer or of another time is refused."""
    token = issuer.sign({**issuer.claims(AUDIENCE, project_path="acme/flights"), **claims})

    answer = httpx.get(f"{url}/models", headers={"authorization": f"Bearer {token}"}, trust_env=False)

    assert answer.status_code == 401


def test_stranger_at_the_same_issuer(url: str, issuer: Issuer) -> None:
    """Whoever has a job at the same issuer, but not of our project, may nothing."""
    token = issuer.job(AUDIENCE, project_path="mallory/flights")

    answer = httpx.get(f"{url}/models", headers={"authorization": f"Bearer {token}"}, trust_env=False)

    assert answer.status_code == 403


def test_key_that_is_not_shown(url: str, issuer: Issuer) -> None:
    """A token signed with a key that the issuer does not show lets nobody in."""
    kept, issuer.keys = issuer.keys, {}
    issuer.add_key("unknown to the server")
    token = issuer.sign(issuer.claims(AUDIENCE, project_path="acme/flights"), "unknown to the server")
    issuer.keys = kept

    answer = httpx.get(f"{url}/models", headers={"authorization": f"Bearer {token}"}, trust_env=False)

    assert answer.status_code == 401
