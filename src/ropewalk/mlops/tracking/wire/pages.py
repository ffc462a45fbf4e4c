"""Page tokens: signed, opaque to clients, and good only for the search that they came from.

A token says behind which row the next page begins, by the values that the rows are sorted by. So rows that come or go
meanwhile neither hide another row nor show one twice.
"""

from __future__ import annotations

import msgspec

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.wire.tokens import read_token, write_token
from ropewalk.pipeline import Workspace
from ropewalk.store.keyset import Keys
from ropewalk.store.search import Page

# Some clients send a token in an address, of which proxies take some 8,000 characters.
LENGTH = 4000


# Rows without keys (lists of few things), and keys too long for an address, are counted.
class _Place(msgspec.Struct, array_like=True):
    offset: int
    after: Keys | None


def read_page(workspace: Workspace, token: str | None, limit: int, *search: object) -> Page:
    """Return the page that `token` asks for, one row longer than `limit` so that a next page shows.

    Raises:
        InvalidRequest: the token is none of this server's, was changed, or belongs to another search.
    """
    if not token:
        return Page(limit + 1)
    if len(token) > LENGTH:
        raise InvalidRequest("Invalid page token: it is too long", hint="start again without one")
    place = read_token(workspace, token, _Place, search)
    return Page(limit + 1, place.offset, place.after)


def next_token(workspace: Workspace, page: Page, found: int, *search: object) -> str | None:
    """Return the token of the page after `page`, or None when that one, with `found` rows, was the last."""
    # MLflow's clients go on until a page has no token.
    if found < page.limit:
        return None
    shown = page.limit - 1
    if len(page.ends) >= shown > 0:
        token = write_token(workspace, _Place(0, page.ends[shown - 1]), search)
        if len(token) <= LENGTH:
            return token
    return write_token(workspace, _Place(page.offset + shown, page.after), search)
