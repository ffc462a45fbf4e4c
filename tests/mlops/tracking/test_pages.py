"""Page tokens."""

from __future__ import annotations

import base64

import pytest

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.wire.pages import next_token, read_page
from ropewalk.store.search import Page


def test_first_page() -> None:
    """Without a token the first page is read, one row longer, so that a next page shows."""
    assert read_page(None, 10, "search") == Page(11, 0)
    assert read_page("", 10, "search") == Page(11, 0)


@pytest.mark.parametrize(("found", "more"), [(0, False), (10, False), (11, True)])
def test_token_only_when_there_is_more(found: int, more: bool) -> None:
    """The last page has no token."""
    assert (next_token(Page(11), found, "search") is not None) == more


def test_pages_follow_one_another() -> None:
    """A token leads to where its page ended, also when the next page has another size."""
    first = read_page(None, 10, "search")
    second = read_page(next_token(first, 11, "search"), 5, "search")
    third = read_page(next_token(second, 6, "search"), 5, "search")

    assert (second, third) == (Page(6, 10), Page(6, 15))


def test_token_of_another_search() -> None:
    """A token is good for its own search only: under another its place means nothing."""
    token = next_token(Page(11), 11, "filter", ["a"])

    assert read_page(token, 10, "filter", ["a"]).offset == 10
    with pytest.raises(InvalidRequest, match="another search"):
        read_page(token, 10, "filter", ["b"])


@pytest.mark.parametrize(
    "content", [b"", b"x", b"[]", b"{}", b'["a","b"]', b"[1]", b"[1,2]", b'[-1,"x"]', b"null"]
)
def test_made_up_tokens(content: bytes) -> None:
    """What is not a token of ours is refused, however well it is wrapped."""
    token = base64.urlsafe_b64encode(content).decode() or "="

    with pytest.raises(InvalidRequest, match="Invalid page token"):
        read_page(token, 10, "search")


@pytest.mark.parametrize("token", ["é", "\x00", "=" * 100, "a" * 100_000])
def test_what_is_no_token(token: str) -> None:
    """Any text is refused in one short sentence."""
    with pytest.raises(InvalidRequest) as caught:
        read_page(token, 10, "search")

    assert len(caught.value.message) < 200
