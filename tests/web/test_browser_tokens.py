"""Logging in with a real browser, and the page of one's own tokens there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_checks import problems
from playwright.sync_api import Browser, Page, expect
from served_app import served

from ropewalk import plugins
from ropewalk.access import GRANTS, Role, TokenRequest, add_person, create_token, give_role
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def secret(guarded: Workspace) -> str:
    """Return a token with which Ada, a developer, logs in."""
    add_person(guarded.database, "ada")
    give_role(guarded.database, "guarded", "ada", Role.DEVELOPER)
    asked = TokenRequest("first", "personal", GRANTS[Role.OWNER], "guarded", "ada")
    return create_token(guarded.database, asked)[0]


@pytest.fixture
def guarded(tmp_path: Path, environ: dict[str, str]) -> Iterator[Workspace]:
    """Return an empty project to which people log in."""
    (tmp_path / "ropewalk.yaml").write_text("project: guarded\n", encoding="utf-8")
    settings = load_settings(environ, access="required")
    with Workspace(load_project(tmp_path, plugins.sections()), settings) as workspace:
        yield workspace


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, guarded: Workspace, browser: Browser) -> Iterator[Page]:
    """Return a page on a telephone, in one of the themes."""
    with served(guarded) as base:
        screen = {"width": 390, "height": 800}
        context = browser.new_context(color_scheme=request.param, viewport=screen, base_url=base)  # type: ignore[arg-type]  # it is such a dictionary
        yield context.new_page()
        context.close()


def _log_in(page: Page, secret: str) -> None:
    page.goto("/login")
    page.get_by_label("Personal token").fill(secret)
    page.get_by_role("button", name="Log in").click()


def test_token_is_made_and_revoked(page: Page, secret: str) -> None:
    """Somebody logs in, makes a token, sees it once and revokes it; each step can be read and used."""
    _log_in(page, secret)
    # Going on before the answer would break the login off.
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto("/tokens")
    assert problems(page) == []
    page.get_by_label("What it is for").fill("notebook")
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator("[data-secret]")).to_have_text(re.compile("^rw_"))
    assert problems(page) == []
    page.get_by_role("button", name="Revoke notebook").click()
    expect(page.get_by_text("revoked")).to_be_visible()
    assert problems(page) == []


def test_wrong_token(page: Page, secret: str) -> None:
    """Who shows a wrong token is told so on the same page, where it can be read, and stays outside."""
    _log_in(page, secret[:-1] + "_")
    expect(page.get_by_role("alert")).to_be_visible()

    assert problems(page) == []
    answer = page.goto("/tokens")
    assert answer
    assert (answer.status, page.get_by_label("What it is for").count()) == (401, 0) or "/login" in page.url
