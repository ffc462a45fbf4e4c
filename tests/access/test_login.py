"""Login at an issuer: the whole way round, and every step that somebody else might take."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from identity_issuer import CLIENT, SECRET, Issuer

from ropewalk.access import (
    CredentialRefused,
    IssuerUnreachable,
    Login,
    Role,
    add_person,
    give_role,
    safe_target,
)
from ropewalk.access.login import Begun
from ropewalk.access.rules import LoginIssuer
from ropewalk.store import Database
from ropewalk.store.access import find_role, list_people

BACK = "http://127.0.0.1:8765/login/callback"
RULES = [
    {"claims": {"groups": "acme/ml"}, "role": "developer"},
    {"claims": {"groups": "ops"}, "role": "owner"},
]


@pytest.fixture
def issuer(issuer: Issuer) -> Issuer:
    """Return the issuer, with Ada logged in and nothing bent."""
    issuer.person, issuer.about, issuer.override = {"sub": "7", "preferred_username": "ada"}, {}, {}
    return issuer


@pytest.fixture
def login(database: Database, issuer: Issuer) -> Login:
    """Return the login at the issuer."""
    declared = LoginIssuer(issuer=issuer.url, client_id=CLIENT, rules=RULES)
    return Login(database, declared, SECRET, "flights")


def agree(begun: Begun) -> dict[str, str]:
    """Return the query that the issuer sends the browser back with."""
    answer = httpx.get(begun.address, trust_env=False)
    assert answer.status_code == 302
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def test_whole_way(login: Login, database: Database, issuer: Issuer) -> None:
    """Whoever the issuer vouches for is known, has the role of their groups, and comes to the page they wanted."""
    issuer.person["groups"] = ["x", "acme/ml"]
    begun = login.begin(BACK, "/models?x=1")

    arrived = login.finish(agree(begun), begun.state, BACK)

    assert (arrived.person.name, arrived.target) == ("ada", "/models?x=1")
    with database.read() as connection:
        assert find_role(connection, "flights", arrived.person.id) == ("developer", issuer.url)


def test_groups_told_elsewhere(login: Login, database: Database, issuer: Issuer) -> None:
    """Claims that only the second address tells count too."""
    issuer.about = {"groups": ["ops"]}
    begun = login.begin(BACK, "/")

    person = login.finish(agree(begun), begun.state, BACK).person

    with database.read() as connection:
        assert find_role(connection, "flights", person.id) == ("owner", issuer.url)


def test_role_follows_the_issuer(login: Login, database: Database, issuer: Issuer) -> None:
    """A group that is gone takes its role with it at the next login; a role given by hand stays."""

    def arrive(groups: list[str]) -> tuple[str, str] | None:
        issuer.person["groups"] = groups
        begun = login.begin(BACK, "/")
        person = login.finish(agree(begun), begun.state, BACK).person
        with database.read() as connection:
            return find_role(connection, "flights", person.id)

    assert arrive(["ops"]) == ("owner", issuer.url)
    assert arrive([]) is None
    give_role(database, "flights", "ada", Role.REPORTER)
    assert arrive(["ops"]) == ("reporter", "hand")


def test_nobody_becomes_somebody_else(login: Login, database: Database) -> None:
    """Who has the name of somebody here is another person, with another name."""
    add_person(database, "ada")
    give_role(database, "flights", "ada", Role.OWNER)
    begun = login.begin(BACK, "/")

    person = login.finish(agree(begun), begun.state, BACK).person

    assert person.name == "ada@127.0.0.1"
    with database.read() as connection:
        assert find_role(connection, "flights", person.id) is None


def test_the_same_person_again(login: Login, database: Database, issuer: Issuer) -> None:
    """A person is known by the issuer's id, whatever they are called today."""
    for name in ("ada", "countess"):
        issuer.person["preferred_username"] = name
        begun = login.begin(BACK, "/")
        login.finish(agree(begun), begun.state, BACK)

    with database.read() as connection:
        assert [person.name for person in list_people(connection)] == ["ada"]


def test_answer_counts_once(login: Login) -> None:
    """Who finds an answer in a history or log can do nothing with it."""
    begun = login.begin(BACK, "/")
    query = agree(begun)
    login.finish(query, begun.state, BACK)

    with pytest.raises(CredentialRefused, match="answered already"):
        login.finish(query, begun.state, BACK)


@pytest.mark.parametrize("cookie", ["", "other", "é"])
def test_other_browser(login: Login, cookie: str) -> None:
    """Nobody is logged in by a link that another person made."""
    begun = login.begin(BACK, "/")

    with pytest.raises(CredentialRefused, match="did not begin"):
        login.finish(agree(begun), cookie, BACK)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"state": "other"}, "did not begin"),
        ({"state": ""}, "did not begin"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"error": "access_denied"}, "did not let you in"),
    ],
)
def test_bent_answers(login: Login, change: dict[str, str], message: str) -> None:
    """An answer that is not the issuer's to this login does not count."""
    begun = login.begin(BACK, "/")

    with pytest.raises(CredentialRefused, match=message):
        login.finish(agree(begun) | change, begun.state, BACK)


@pytest.mark.parametrize(
    "override",
    [
        {"nonce": "other"},
        {"aud": "other"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"azp": "other", "aud": [CLIENT, "other"]},
    ],
)
def test_bent_tokens(login: Login, issuer: Issuer, override: dict[str, object]) -> None:
    """A token for another login, program, issuer or time does not count."""
    issuer.override = override
    begun = login.begin(BACK, "/")

    with pytest.raises(CredentialRefused):
        login.finish(agree(begun), begun.state, BACK)


def test_stolen_code(login: Login) -> None:
    """A code is worth nothing without the verifier of the login that it was made for."""
    theirs, ours = login.begin(BACK, "/"), login.begin(BACK, "/")
    stolen = agree(theirs)["code"]

    with pytest.raises(IssuerUnreachable):
        login.finish({"code": stolen, "state": ours.state}, ours.state, BACK)


@pytest.mark.parametrize("name", ["", "../../etc", "a b<script>", "é", "x" * 300, "-rf", 7])
def test_odd_names(login: Login, issuer: Issuer, name: object) -> None:
    """Whatever the issuer calls somebody, the name here is plain and not too long."""
    issuer.person = {"sub": str(name), "preferred_username": name}
    begun = login.begin(BACK, "/")

    found = login.finish(agree(begun), begun.state, BACK).person.name

    assert 0 < len(found) <= 100
    assert found.isascii()
    assert not set(found) & set("/<> ")


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "", "/\n/x",
     "/x\\y", "/" + "x" * 3000, "x", "/\t/evil.example"],
)  # fmt: skip
def test_no_login_leads_away(target: str) -> None:
    """After a login one is on this server, whatever the link said."""
    assert safe_target(target) == "/"


@pytest.mark.parametrize("target", ["/", "/models", "/models?x=//y", "/data/mart.x#trace"])
def test_own_pages(target: str) -> None:
    """A page of this server is where one comes to."""
    assert safe_target(target) == target
