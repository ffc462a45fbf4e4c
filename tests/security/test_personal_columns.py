"""Personal columns over the real server: masked for those without the right, in the clear for those with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import httpx
import pytest
from served_app import served

from ropewalk import plugins
from ropewalk.access import GRANTS, Role, TokenRequest, add_person, create_token, give_role
from ropewalk.cli.main import run
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

FILES = {
    "ropewalk.yaml": 'project: people\nsources:\n  people: {kind: files, path: "drops/*.csv"}\n',
    "drops/one.csv": "id,email\n1,ada@example.com\n2,grace@example.com\n",
    "tables/mart/people.sql": "SELECT id, email FROM raw.people\n",
    "questions/who.sql": "-- title: Who\nSELECT email FROM mart.people\n",
    "contracts/mart.people.odcs.yaml": """
        apiVersion: v3.1.0
        kind: DataContract
        id: people
        version: 1.0.0
        schema:
          - name: people
            properties:
              - {name: id}
              - {name: email, tags: ['pii:contact']}
        """,
}
Ask = Callable[[str, str], str]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory, module_environ: dict[str, str]) -> Iterator[Ask]:
    """Return a function that asks, as whoever has a role, for an address's text."""
    root: Path = tmp_path_factory.mktemp("people")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(dedent(text), encoding="utf-8")
    assert run(["-C", str(root), "run"]) == 0
    settings = load_settings(module_environ, access="required", personal_data="clear")
    secrets = dict[str, str]()
    with Workspace(load_project(root, plugins.sections()), settings) as workspace:
        for role in (Role.REPORTER, Role.DEVELOPER, Role.MAINTAINER):
            add_person(workspace.database, role.word)
            give_role(workspace.database, "people", role.word, role)
            asked = TokenRequest("x", "personal", GRANTS[Role.OWNER], "people", role.word)
            secrets[role.word], _ = create_token(workspace.database, asked)
        few = GRANTS[Role.DEVELOPER]
        asked = TokenRequest("few", "personal", few, "people", "maintainer")
        secrets["narrow maintainer"], _ = create_token(workspace.database, asked)
        with served(workspace) as url, httpx.Client(base_url=url, timeout=60) as client:

            def get(who: str, path: str) -> str:
                answer = client.get(path, headers={"authorization": f"Bearer {secrets[who]}"})
                assert answer.status_code == 200, answer.text
                return answer.text

            yield get


@pytest.mark.parametrize(
    "path",
    [
        "/api/sql?q=SELECT * FROM mart.people",
        "/sql.csv?q=SELECT * FROM mart.people",
        "/data/mart.people.json",
        "/api/questions/who",
    ],
)
def test_by_role(ask: Ask, path: str) -> None:
    """The role of who asks decides, in whatever order they ask, and not the setting of the machine."""
    seen = {
        who: "ada@example.com" in ask(who, path)
        for who in ("maintainer", "reporter", "developer", "maintainer")
    }

    assert seen == {"maintainer": True, "reporter": False, "developer": False}


def test_scope_takes_it_away(ask: Ask) -> None:
    """A maintainer's token without the scope `personal` sees what a developer sees."""
    assert "ada@example.com" not in ask("narrow maintainer", "/api/sql?q=SELECT * FROM mart.people")
