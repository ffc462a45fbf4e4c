"""Login at an OpenID issuer: authorization code with PKCE, state and nonce (OpenID Connect Core 1.0, RFC 7636, RFC 9207)."""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from ropewalk.access.errors import CredentialRefused
from ropewalk.access.identity import verify
from ropewalk.access.issuer import Issuer, fetch_json
from ropewalk.access.secrets import digest_of
from ropewalk.settings import Settings
from ropewalk.store import Database, RowRefused, now_ms
from ropewalk.store.access import (
    PersonRow,
    find_role,
    find_subject,
    insert_person,
    remove_role,
    set_role,
)
from ropewalk.store.access_audit import Deed, write_audit
from ropewalk.store.access_sessions import AttemptRow, insert_attempt, take_attempt

if TYPE_CHECKING:
    from ropewalk.access.rules import LoginIssuer

# Long enough to look for a second factor.
ATTEMPT_MS = 600_000
LONGEST_TARGET = 2000
_AGAIN = "begin the login again at /login"


@dataclass(frozen=True)
class Begun:
    """A login that begins: where the browser goes, and the secret that it keeps meanwhile."""

    address: str
    state: str


@dataclass(frozen=True)
class Arrived:
    """A login that worked: who it is, and the page that they wanted."""

    person: PersonRow
    target: str


class Login:
    """The login at one issuer, for one project."""

    def __init__(self, database: Database, declared: LoginIssuer, secret: str, project: str) -> None:
        self.declared = declared
        self._issuer = Issuer(declared.issuer)
        self._database = database
        self._secret = secret
        self._project = project

    def begin(self, redirect_uri: str, target: str) -> Begun:
        """Return where to send the browser, so that it comes back to `redirect_uri` and ends at `target`.

        Raises:
            IssuerUnreachable: the issuer's addresses cannot be had.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        endpoint, now = self._issuer.address("authorization_endpoint"), now_ms()
        attempt = AttemptRow(digest_of(state), nonce, verifier, safe_target(target), now)
        insert_attempt(self._database, attempt, now - ATTEMPT_MS)
        query = {
            "response_type": "code",
            "client_id": self.declared.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.declared.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        return Begun(f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", state)

    def finish(self, query: Mapping[str, str], cookie: str, redirect_uri: str) -> Arrived:
        """Return who has logged in, by what the issuer sent the browser back with.

        Args:
            query: of the address that it came back to.
            cookie: the secret that the browser was given when it left.
            redirect_uri: as it was at the beginning.

        Raises:
            CredentialRefused: it is not the answer to a login of this browser, or the issuer's word does not hold.
            IssuerUnreachable: the issuer does not answer.
        """
        attempt = self._attempt(query.get("state", ""), cookie)
        if query.get("error"):
            raise CredentialRefused("the issuer did not let you in", hint=_AGAIN)
        # Whoever sends answers of one issuer to another gives itself away by this.
        if query.get("iss", self.declared.issuer) != self.declared.issuer:
            raise CredentialRefused("the answer is of another issuer", hint=_AGAIN)
        claims = self._claims(query.get("code", ""), attempt, redirect_uri)
        return Arrived(self._person(claims), attempt.target)

    def _attempt(self, state: str, cookie: str) -> AttemptRow:
        # The cookie binds the answer to the browser that asked: else somebody could log you in as themselves.
        if not state or not secrets.compare_digest(state.encode(), cookie.encode()):
            raise CredentialRefused("this browser did not begin that login", hint=_AGAIN)
        attempt = take_attempt(self._database, digest_of(state))
        if attempt is None or now_ms() - attempt.created_at > ATTEMPT_MS:
            raise CredentialRefused("that login is over, or was answered already", hint=_AGAIN)
        return attempt

    def _claims(self, code: str, attempt: AttemptRow, redirect_uri: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self.declared.client_id,
            "code_verifier": attempt.verifier,
            **({"client_secret": self._secret} if self._secret else {}),
        }
        answer = fetch_json(self._issuer.address("token_endpoint"), form=form)
        claims = verify(str(answer.get("id_token", "")), self._issuer, self.declared.client_id)
        if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), attempt.nonce.encode()):
            raise CredentialRefused("the identity token is of another login", hint=_AGAIN)
        # A token for several clients says which of them asked for it.
        if claims.get("azp", self.declared.client_id) != self.declared.client_id:
            raise CredentialRefused("the identity token was asked for by another program", hint=_AGAIN)
        return self._completed(claims, str(answer.get("access_token", "")))

    def _completed(self, claims: dict[str, Any], token: str) -> dict[str, Any]:
        """Add what the issuer tells only at its second address: of most, the groups."""
        wanted = {name for rule in self.declared.rules for name in rule.claims}
        if not token or wanted <= claims.keys():
            return claims
        about = fetch_json(
            self._issuer.address("userinfo_endpoint"), headers={"authorization": f"Bearer {token}"}
        )
        # What is said of another person must not count for this one.
        return {**about, **claims} if about.get("sub") == claims["sub"] else claims

    def _person(self, claims: Mapping[str, Any]) -> PersonRow:
        from ropewalk.access.rules import role_by

        issuer, subject = self.declared.issuer, str(claims["sub"])
        with self._database.read() as connection:
            person = find_subject(connection, issuer, subject)
        person = person or self._added(claims, issuer, subject)
        role = role_by(self.declared.rules, claims)
        with self._database.read() as connection:
            held = find_role(connection, self._project, person.id)
        # A role that somebody here gave by hand stays; one that the issuer gave is as the issuer says today.
        if held is None or held[1] == issuer:
            if role:
                set_role(self._database, self._project, person.id, role.word, issuer)
            else:
                remove_role(self._database, self._project, person.id, issuer)
        return person

    def _added(self, claims: Mapping[str, Any], issuer: str, subject: str) -> PersonRow:
        named = str(claims.get("preferred_username") or claims.get("email") or subject)
        name = (
            "".join(c for c in named if c.isascii() and (c.isalnum() or c in "_.@+-"))[:80]
            or uuid.uuid4().hex
        )
        email = str(claims.get("email", ""))[:200]
        # Names are free to choose at most issuers: nobody becomes somebody else here by choosing theirs.
        for text in (name, f"{name}@{urlsplit(issuer).hostname}", f"{name[:40]}-{uuid.uuid4().hex}"):
            person = PersonRow(uuid.uuid4().hex, text[:100], email, issuer, subject, now_ms())
            try:
                insert_person(self._database, person)
            except RowRefused:
                continue
            write_audit(self._database, Deed(text, "user.add", f"{text} of {issuer}", self._project))
            return person
        raise CredentialRefused("two logins at once began for one person", hint=_AGAIN)


def declared_login(database: Database, settings: Settings, project: str, root: Path) -> Login | None:
    """Return the login that the access file declares, if it does.

    Raises:
        InvalidProjectFile: the file does not fit.
    """
    if not settings.access_file or settings.access != "required":
        return None
    from ropewalk.access.rules import read_access_file

    declared = read_access_file((root / settings.access_file).resolve()).login
    return Login(database, declared, settings.oidc_secret, project) if declared else None


def safe_target(target: str) -> str:
    """Return `target` when it is a page of this server, else the overview: no login leads to another site."""
    # Browsers read a backslash as a slash, and leave out line breaks: what is left could name another host.
    is_ours = target.startswith("/") and not target.startswith("//") and "\\" not in target
    return target if is_ours and target.isprintable() and len(target) <= LONGEST_TARGET else "/"


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
