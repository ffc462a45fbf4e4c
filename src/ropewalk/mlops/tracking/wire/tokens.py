"""Tokens that are handed out and come back: opaque, signed by a key of the server, and good for one thing only."""

from __future__ import annotations

import base64
import binascii
import hmac
from contextlib import nullcontext
from typing import TypeVar

import msgspec
from blake3 import blake3

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.pipeline import Workspace
from ropewalk.store.keys import shared_key

T = TypeVar("T")
_MARK = 16


def write_token(workspace: Workspace, value: object, *belonging: object) -> str:
    """Return `value` as a token that `read_token` reads, with the same `belonging` only.

    Not sealed: whoever can read it may read what it holds, but cannot change it, or make one.
    """
    # Unlike JSON this form has infinities and NaN.
    content = msgspec.msgpack.encode(value)
    return _text(_mark(workspace, content, belonging) + content)


def read_token(workspace: Workspace, token: str, shape: type[T], *belonging: object) -> T:
    """Return the value of a token that this server, or another one of the same database, wrote.

    Raises:
        InvalidRequest: it was made or changed by somebody else, or belongs to another search.
    """
    try:
        # One value has one token: the last sign has bits that decoding passes over.
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        mark, content = packed[:_MARK], packed[_MARK:]
        if _text(packed) != token or not hmac.compare_digest(mark, _mark(workspace, content, belonging)):
            raise InvalidRequest(
                "Invalid page token: it is not of this search, or not of this server",
                hint="start again without one",
            )
        return msgspec.msgpack.decode(content, type=shape)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise InvalidRequest(f"Invalid page token {token[:80]!r}", hint="start again without one") from None


def _text(packed: bytes) -> str:
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _mark(workspace: Workspace, content: bytes, belonging: tuple[object, ...]) -> bytes:
    key = workspace.once("page key", lambda: nullcontext(shared_key(workspace.database, "pages")))
    return blake3(repr(belonging).encode() + b"\0" + content, key=key).digest(_MARK)
