"""Identity tokens: what an issuer signed counts, and nothing that only looks like it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from identity_issuer import Issuer

from ropewalk.access import CredentialRefused, Role
from ropewalk.access.identity import Jobs, looks_like_identity, verify
from ropewalk.access.issuer import Issuer as Client
from ropewalk.access.rules import JobIssuer
from ropewalk.routes import Permission

AUDIENCE = "https://ropewalk.example.com"
RULES = [
    {"claims": {"project_path": "acme/flights", "ref_protected": "true"}, "role": "maintainer"},
    {"claims": {"project_path": "acme/flights"}, "role": "developer"},
    {"claims": {"repository": "acme/flights", "ref": "refs/heads/release/*"}, "role": "maintainer"},
    {"claims": {"namespace_path": "acme"}, "role": "guest"},
]
Wrong = Callable[[Issuer], str]


@pytest.fixture(scope="module")
def jobs(issuer: Issuer) -> Jobs:
    """Return the jobs of the issuer, by the rules above."""
    issuer.add_key("curve", "EC")
    return Jobs([JobIssuer(issuer=issuer.url, audience=AUDIENCE, rules=RULES)])


def encode(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({}, Role.MAINTAINER),
        ({"ref_protected": "false"}, Role.DEVELOPER),
        ({"ref_protected": True}, Role.MAINTAINER),
        ({"project_path": "acme/trains", "namespace_path": "acme"}, Role.GUEST),
        ({"project_path": "evil/flights"}, None),
        ({"project_path": "acme/flights/fork"}, None),
        ({"project_path": "x", "repository": "acme/flights", "ref": "refs/heads/release/1"}, Role.MAINTAINER),
        ({"project_path": "x", "repository": "acme/flights", "ref": "refs/heads/main"}, None),
    ],
)
def test_claims_make_a_role(jobs: Jobs, issuer: Issuer, claims: dict[str, Any], role: Role | None) -> None:
    """The highest role of all rules that fit counts; a name that only begins like another fits nothing."""
    caller = jobs.caller(issuer.job(AUDIENCE, **claims))

    assert (caller.kind, caller.role) == ("ci", role)


def test_job_is_named(jobs: Jobs, issuer: Issuer) -> None:
    """The audit log can say which job it was; no job manages people or sees personal columns."""
    caller = jobs.caller(issuer.job(AUDIENCE))

    assert caller.name == "ci:acme/flights#1001"
    assert not any(caller.may(one) for one in (Permission.ADMINISTER, Permission.PERSONAL))


def test_elliptic_curve(jobs: Jobs, issuer: Issuer) -> None:
    """A key on a curve signs as well as an RSA key."""
    token = issuer.sign(issuer.claims(AUDIENCE, project_path="acme/flights"), "curve")

    assert jobs.caller(token).role is Role.DEVELOPER


def no_signature(issuer: Issuer) -> str:
    return jwt.encode(
        issuer.claims(AUDIENCE, project_path="acme/flights"), None, "none", headers={"kid": "one"}
    )


def public_key_as_secret(issuer: Issuer) -> str:
    # Signed by hand, as the library itself refuses to take a public key for a secret.
    public = issuer.keys["one"].public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    secret = public.public_bytes(serialization.Encoding.PEM, form)
    signed = f"{encode({'alg': 'HS256', 'kid': 'one'})}.{encode(issuer.claims(AUDIENCE))}"
    mark = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), hashlib.sha256)).rstrip(b"=")
    return f"{signed}.{mark.decode()}"


def other_key_of_that_name(issuer: Issuer) -> str:
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(issuer.claims(AUDIENCE), own, "RS256", headers={"kid": "one"})


def key_of_its_own(issuer: Issuer) -> str:
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key(), as_dict=True)
    header = {"kid": "mine", "jwk": public, "jku": "https://evil.example/keys", "x5u": "https://evil.example"}
    return jwt.encode(issuer.claims(AUDIENCE), own, "RS256", headers=header)


def without_key_name(issuer: Issuer) -> str:
    return jwt.encode(issuer.claims(AUDIENCE), issuer.keys["one"], "RS256")


def signed_as_on_a_curve(issuer: Issuer) -> str:
    return issuer.sign(issuer.claims(AUDIENCE), "curve", kid="one")


def changed_after_signing(issuer: Issuer) -> str:
    head, _, mark = issuer.job(AUDIENCE, project_path="evil/x").split(".")
    return f"{head}.{encode(issuer.claims(AUDIENCE, project_path='acme/flights'))}.{mark}"


def with_claims(**changes: Any) -> Wrong:
    def make(issuer: Issuer) -> str:
        # A time counts from the moment of the test: what was collected long ago would have become right by then.
        now = {name: value() if callable(value) else value for name, value in changes.items()}
        claims = issuer.claims(AUDIENCE, project_path="acme/flights") | now
        return issuer.sign({name: value for name, value in claims.items() if value is not None})

    # Times are left out: all workers of the tests must know a test by the same name.
    make.__name__ = ", ".join(
        f"{name} {value.__name__ if callable(value) else type(value).__name__}"
        for name, value in changes.items()
    )
    return make


def long_ago() -> int:
    return int(time.time()) - 600


def later() -> int:
    return int(time.time()) + 600


WRONG = [
    no_signature,
    public_key_as_secret,
    other_key_of_that_name,
    key_of_its_own,
    without_key_name,
    signed_as_on_a_curve,
    changed_after_signing,
    with_claims(aud="https://other.example.com"),
    with_claims(aud=["https://other.example.com"]),
    with_claims(aud=None),
    with_claims(iss="https://evil.example"),
    with_claims(iss=None),
    with_claims(exp=long_ago),
    with_claims(exp=None),
    with_claims(exp="never"),
    with_claims(nbf=later),
    with_claims(iat=later),
    with_claims(iat=None),
    with_claims(sub=None),
    with_claims(padding="x" * 9000),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_what_does_not_count(jobs: Jobs, issuer: Issuer, wrong: Wrong) -> None:
    """No algorithm, key, audience, issuer, time or length but the right one is taken."""
    with pytest.raises(CredentialRefused):
        jobs.caller(wrong(issuer))


@given(st.text(st.sampled_from("ey.AJhbGciOiJub25lIn0-_=9"), max_size=200))
def test_any_text(text: str) -> None:
    """Whatever text has the form of a token is refused and breaks nothing."""
    candidate = f"ey{text.replace('.', '')}.{text.replace('.', '')}.x"

    assert looks_like_identity(candidate)
    with pytest.raises(CredentialRefused):
        Jobs([]).caller(candidate)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_header(header: object) -> None:
    """Whatever a header says, it neither breaks the server nor chooses how it is checked."""
    with pytest.raises(CredentialRefused):
        Jobs([]).caller(f"{encode(header)}.{encode({'iss': 'x'})}.AAAA")


def test_nothing_is_quoted(jobs: Jobs, issuer: Issuer) -> None:
    """Why a token is refused is told without a word of what it says."""
    with pytest.raises(CredentialRefused) as caught:
        jobs.caller(with_claims(aud="<script>", secret="hush")(issuer))

    assert "script" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_new_key_is_found(issuer: Issuer) -> None:
    """A key that the issuer began to use is asked for, but not for every made-up name of a key."""
    now = [0.0]
    client = Client(issuer.url, lambda: now[0])
    verify(issuer.job("a"), client, "a")
    asked = issuer.asked.count("/keys")
    issuer.add_key("two")
    token = issuer.sign(issuer.claims("a"), "two")

    with pytest.raises(CredentialRefused, match="does not have"):
        verify(token, client, "a")
    now[0] = 61.0
    assert verify(token, client, "a")["sub"] == "x"
    for name in range(20):
        with pytest.raises(CredentialRefused):
            verify(issuer.sign(issuer.claims("a"), "two", kid=f"made up {name}"), client, "a")
    assert issuer.asked.count("/keys") == asked + 1


def test_withdrawn_key_counts_no_longer(issuer: Issuer) -> None:
    """A key that the issuer withdrew counts for an hour at most."""
    now = [0.0]
    client = Client(issuer.url, lambda: now[0])
    issuer.add_key("gone")
    token = issuer.sign(issuer.claims("a"), "gone")
    verify(token, client, "a")
    del issuer.keys["gone"]

    now[0] = 3601.0
    with pytest.raises(CredentialRefused, match="does not have"):
        verify(token, client, "a")
