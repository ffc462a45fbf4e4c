"""Page tokens: opaque to clients, and good only for the search that they came from."""

from __future__ import annotations

import base64
import binascii

import msgspec
from blake3 import blake3

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.store.search import Page


# Not signed: whoever may search may also jump to any row of the search, so there is nothing to forge.
class _Token(msgspec.Struct, array_like=True):
    offset: int
    search: str


def read_page(token: str | None, limit: int, *search: object) -> Page:
    """Return the page that `token` asks for, one row longer than `limit` so that a next page shows.

    Raises:
        InvalidRequest: the token is none of ours, or belongs to another search.
    """
    if not token:
        return Page(limit + 1)
    try:
        read = msgspec.json.decode(base64.urlsafe_b64decode(token), type=_Token)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise InvalidRequest(f"Invalid page token {token[:80]!r}", hint="start again without one") from None
    # An offset into another search would skip and repeat without anybody noticing.
    if read.search != _digest(search) or not 0 <= read.offset < 1 << 62:
        raise InvalidRequest(
            "Invalid page token: it belongs to another search", hint="start again without one"
        )
    return Page(limit + 1, read.offset)


def next_token(page: Page, found: int, *search: object) -> str | None:
    """Return the token of the page after `page`, or None when that one, with `found` rows, was the last."""
    # MLflow's clients go on until a page has no token.
    if found < page.limit:
        return None
    token = _Token(page.offset + page.limit - 1, _digest(search))
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode()


def _digest(search: tuple[object, ...]) -> str:
    return blake3(repr(search).encode()).hexdigest(8)
