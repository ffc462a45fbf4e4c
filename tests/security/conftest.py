"""One project with people of every role, and its application on a real port: with a login, and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from served_app import served

from ropewalk import plugins
from ropewalk.access import GRANTS, Role, TokenRequest, add_person, create_token, give_role
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

Ask = Callable[..., httpx.Response]
PEOPLE = {role.word: role for role in Role}


def _project(root: Path, environ: dict[str, str], **settings: object) -> Workspace:
    (root / "ropewalk.yaml").write_text("project: flights\n", encoding="utf-8")
    return Workspace(load_project(root, plugins.sections()), load_settings(environ, **settings))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, module_environ: dict[str, str]) -> Iterator[Workspace]:
    """Return a project whose access is required."""
    root = tmp_path_factory.mktemp("guarded")
    with _project(root, module_environ, access="required") as workspace:
        yield workspace


@pytest.fixture(scope="module")
def tokens(guarded: Workspace) -> dict[str, str]:
    """Return a token with all scopes for somebody of each role, and of somebody who has one elsewhere only."""
    database, made = guarded.database, {}
    for word, role in PEOPLE.items():
        add_person(database, f"a_{word}")
        give_role(database, "flights", f"a_{word}", role)
    add_person(database, "a_stranger")
    give_role(database, "trains", "a_stranger", Role.MAINTAINER)
    for word in (*PEOPLE, "stranger"):
        asked = TokenRequest("test", "personal", GRANTS[Role.OWNER], "flights", f"a_{word}")
        made[word], _ = create_token(database, asked)
    return made


@pytest.fixture(scope="module")
def url(guarded: Workspace) -> Iterator[str]:
    """Return the address of the guarded project."""
    with served(guarded) as address:
        yield address


@pytest.fixture(scope="module")
def ask(url: str, tokens: dict[str, str]) -> Iterator[Ask]:
    """Return a function that asks the guarded project as somebody (None: as nobody)."""
    with httpx.Client(base_url=url, timeout=30) as client:

        def send(who: str | None, method: str, path: str, **content: object) -> httpx.Response:
            headers = dict(content.pop("headers", {}))  # type: ignore[call-overload]  # a test's own keyword
            if who:
                headers["authorization"] = f"Bearer {tokens[who]}"
            client.cookies.clear()
            return client.request(method, path, headers=headers, **content)  # type: ignore[arg-type]  # as above

        yield send


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, module_environ: dict[str, str]) -> Iterator[Workspace]:
    """Return a project as it is on a laptop, without a login."""
    with _project(tmp_path_factory.mktemp("local"), module_environ) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def http(local: Workspace) -> Iterator[httpx.Client]:
    """Return a client of the project on a laptop."""
    with served(local) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client
