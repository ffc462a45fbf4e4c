"""Page tokens."""

from __future__ import annotations

import base64
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.wire.pages import LENGTH, next_token, read_page
from ropewalk.pipeline import Workspace
from ropewalk.store.keyset import Keys
from ropewalk.store.search import Page

KEYS = st.tuples(
    st.none() | st.text(max_size=20), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False)
)


def _page(keys: Keys, count: int = 11) -> Page:
    return Page(count, ends=[keys] * count)


def test_first_page(workspace: Workspace) -> None:
    """Without a token the first page is read, one row longer, so that a next page shows."""
    assert read_page(workspace, None, 10, "search") == Page(11, 0)
    assert read_page(workspace, "", 10, "search") == Page(11, 0)


@pytest.mark.parametrize(("found", "more"), [(0, False), (10, False), (11, True)])
def test_token_only_when_there_is_more(workspace: Workspace, found: int, more: bool) -> None:
    """The last page has no token."""
    assert (next_token(workspace, Page(11), found, "search") is not None) == more


@given(keys=KEYS)
def test_a_page_begins_behind_a_row(workspace: Workspace, keys: Keys) -> None:
    """The token brings back the keys of the last row that was shown, whatever they are."""
    ends = [(None, 0, 0.0)] * 9 + [keys, (None, 1, math.inf)]
    token = next_token(workspace, Page(11, ends=ends), 11, "search")

    assert read_page(workspace, token, 5, "search") == Page(6, 0, keys)


def test_pages_without_keys_are_counted(workspace: Workspace) -> None:
    """A token leads to where its page ended, also when the next page has another size."""
    first = read_page(workspace, None, 10, "search")
    second = read_page(workspace, next_token(workspace, first, 11, "search"), 5, "search")
    third = read_page(workspace, next_token(workspace, second, 6, "search"), 5, "search")

    assert (second, third) == (Page(6, 10), Page(6, 15))


def test_long_keys_are_counted_from_the_last_short_one(workspace: Workspace) -> None:
    """A token always fits into an address: rows are counted from where it could still be said."""
    first = Page(11, 0, ("a",), ends=[("x" * LENGTH,)] * 11)
    token = next_token(workspace, first, 11, "search")

    assert token is not None
    assert len(token) < 100
    assert read_page(workspace, token, 5, "search") == Page(6, 10, ("a",))


def test_token_of_another_search(workspace: Workspace) -> None:
    """A token is good for its own search only: under another its place means nothing."""
    token = next_token(workspace, _page(("a",)), 11, "filter", ["a"])

    assert read_page(workspace, token, 10, "filter", ["a"]).after == ("a",)
    with pytest.raises(InvalidRequest, match="not of this search"):
        read_page(workspace, token, 10, "filter", ["b"])


def test_another_servers_token(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A server takes the tokens of all that share its database, and of no other."""
    from ropewalk.project import load_project

    root = tmp_path_factory.mktemp("other")
    (root / "ropewalk.yaml").write_text("project: other\n", encoding="utf-8")
    settings = type(workspace.settings)()
    token = next_token(workspace, _page(("a",)), 11)
    with Workspace(load_project(root, []), settings) as other:
        with pytest.raises(InvalidRequest, match="not of this server"):
            read_page(other, token, 10)
        with Workspace(load_project(root, []), settings) as beside:
            theirs = next_token(other, _page(("b",)), 11)
            assert read_page(beside, theirs, 10).after == ("b",)


def test_any_changed_sign_is_noticed(workspace: Workspace) -> None:
    """No bit of a token can be changed."""
    token = next_token(workspace, _page(("a", 3)), 11)
    assert token is not None
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(InvalidRequest):
            read_page(workspace, changed, 10)


@pytest.mark.parametrize(
    "content", [b"", b"x", b"[]", b"{}", b'["a","b"]', b"[1,2]", b"\x93\x00\xc0", b"null"]
)
def test_made_up_tokens(workspace: Workspace, content: bytes) -> None:
    """What is not a token of ours is refused, however well it is wrapped."""
    token = base64.urlsafe_b64encode(bytes(16) + content).decode()

    with pytest.raises(InvalidRequest, match="Invalid page token"):
        read_page(workspace, token, 10, "search")


@pytest.mark.parametrize("token", ["é", "\x00", "=" * 100, "a" * 100_000, "e30", "eyJvZmZzZXQiOiAxfQ=="])
def test_what_is_no_token(workspace: Workspace, token: str) -> None:
    """Any text is refused in one short sentence."""
    with pytest.raises(InvalidRequest) as caught:
        read_page(workspace, token, 10, "search")

    assert len(str(caught.value)) < 300


@given(token=st.text(max_size=60))
def test_any_text(workspace: Workspace, token: str) -> None:
    """No text raises anything but the error that clients are told."""
    with suppress(InvalidRequest):
        read_page(workspace, token, 10, "search")
