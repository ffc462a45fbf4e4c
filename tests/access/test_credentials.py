"""What a request shows to say who asks: read from any header that could come, and never printed."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from ropewalk.access.credentials import COOKIE, LONGEST, SECURE_COOKIE, Shown, read_credential
from ropewalk.access.errors import CredentialRefused


def _request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


def _basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"authorization": "Bearer abc"}, "abc"),
        ({"authorization": "bearer   abc  "}, "abc"),
        ({"authorization": " Bearer abc"}, "abc"),
        ({"authorization": _basic("me:abc")}, "abc"),
        ({"authorization": _basic(":abc")}, "abc"),
        ({"authorization": _basic("me:a:b")}, "a:b"),
        ({"authorization": _basic("me:ä")}, "ä"),
        ({"private_token": "abc"}, "abc"),
        ({"job_token": "abc"}, "abc"),
        ({"private_token": "abc", "job_token": "other"}, "abc"),
        ({"authorization": "Bearer abc", "private_token": "other"}, "abc"),
        ({"authorization": "Bearer abc", "cookie": f"{COOKIE}=other"}, "abc"),
    ],
)
def test_headers(headers: dict[str, str], text: str) -> None:
    """Each usual header counts, and counts before a cookie."""
    assert read_credential(_request(**headers)) == Shown(text)


@pytest.mark.parametrize(
    "cookie", [f"{COOKIE}=abc", f"{SECURE_COOKIE}=abc", f"{COOKIE}=old; {SECURE_COOKIE}=abc"]
)
def test_cookies(cookie: str) -> None:
    """The one that only this host can have set counts first."""
    assert read_credential(_request(cookie=cookie)) == Shown("abc", is_cookie=True)


@pytest.mark.parametrize(
    "headers",
    [{}, {"cookie": "other=abc"}, {"cookie": f"{COOKIE}={'a' * (LONGEST + 1)}"}, {"authorization": ""}],
)
def test_nothing(headers: dict[str, str]) -> None:
    """Whoever shows nothing is nobody; a cookie that could be none of ours is nothing."""
    assert read_credential(_request(**headers)) is None


@pytest.mark.parametrize(
    "header",
    [
        "abc",
        "Bearer",
        "Bearer ",
        "Digest abc",
        "Basic",
        "Basic %%%",
        "Basic YWJj=YWJj",
        "Basic é",
        "Basic /w==",
        _basic("me"),
        _basic("me:"),
        _basic(""),
        f"Bearer {'a' * (LONGEST + 1)}",
        f"Basic {'a' * (2 * LONGEST)}",
    ],
)
def test_what_is_refused(header: str) -> None:
    """A header in no known form is refused, and not taken for nobody."""
    with pytest.raises(CredentialRefused):
        read_credential(_request(authorization=header))


@settings(max_examples=60)
@given(text=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=20))
def test_any_header(text: str) -> None:
    """Any letters that a header can hold are read or refused."""
    for scheme in ("", "Basic ", "Bearer "):
        try:
            shown = read_credential(_request(authorization=scheme + text))
        except CredentialRefused:
            continue
        assert shown is None or shown.text in (scheme + text) or scheme == "Basic "


def test_the_longest() -> None:
    """As many letters as are allowed are taken."""
    shown = read_credential(_request(private_token="a" * LONGEST))

    assert shown == Shown("a" * LONGEST)


def test_it_is_not_printed() -> None:
    """What is logged of a credential is its kind."""
    assert "abc" not in repr(Shown("abc"))
    assert repr(Shown("abc", is_cookie=True)) == "Shown(is_cookie=True)"
